"""Budgets: what one connection asks for costs that connection, and the node's memory has a bound."""

import json
import os
import threading
import unittest

from suite import Closed, Secrets, Wire, WireCase, eventually, frame, main, request, token_of

from service import Service

MIB = 1 << 20
SILENT_MS = 20_000


class BudgetCase(WireCase):
    def memory(self, which="VmHWM"):
        with open(f"/proc/{self.node.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(which)) * 1024

    def reset_peak(self):
        with open(f"/proc/{self.node.pid}/clear_refs", "w", encoding="ascii") as clear:
            clear.write("5")

    def hits(self, limit):
        return self.node.metric("weft_limit_hits_total", limit=limit)


class Turns(BudgetCase):
    options = ("--reactors", "1")

    def test_a_small_write_that_asks_for_much(self):
        schema = [{"name": "p", "schema": {"type": "string", "description": "d" * 300}}]
        service = Service(self.node, [{"method": f"large.m{i}", "params": schema} for i in range(500)])
        self.addCleanup(service.close)
        document = len(self.connect().exchange(request(1, "rpc.discover")))
        self.assertGreater(document, 200_000)
        self.reset_peak()
        before = self.memory()
        greedy = self.connect(receive_buffer=4096)
        asked = 500
        greedy.send(*(request(id, "rpc.discover") for id in range(asked)))
        bystander = self.connect()
        for _ in range(50):
            self.assertEqual(bystander.call("foo")["result"], "ok")
        self.assertLess(self.memory() - before, 32 * MIB)
        self.assertGreater(self.hits("output_soft_bytes"), 0)
        # Nothing is lost when it reads after all, and nothing overtakes.
        self.assertEqual([greedy.receive()["id"] for _ in range(asked)], list(range(asked)))

    def test_what_is_read_while_output_pauses_is_neither_lost_nor_reordered(self):
        service = Service(self.node, [f"named.m{i}" for i in range(300)])
        self.addCleanup(service.close)
        # A frame of 64 bytes divides the node's buffer, so that a lost piece would not show as a broken frame.
        for method, size, asked in (("rpc.discover", 60, 20_000), ("rpc.discover", 71, 5_000), ("none.such", 60, 60_000)):
            with self.subTest(method, size=size):
                wire = self.connect()
                texts = (json.dumps(request(id, method), separators=(",", ":")).ljust(size) for id in range(asked))
                sender = threading.Thread(target=wire.socket.sendall, args=(b"".join(map(frame, texts)),))
                sender.start()
                try:
                    for id in range(asked):
                        head = wire.receive_payload()[:60]
                        self.assertIn(b'"id":%d,' % id, head)
                finally:
                    wire.close()
                    sender.join()

    def test_requests_put_back_are_answered_though_the_sender_has_finished(self):
        service = Service(self.node, [{"method": f"wide.m{i}", "params": ["d" * 400]} for i in range(500)])
        self.addCleanup(service.close)
        wire = self.connect()
        wire.send(*(request(id, "rpc.discover") for id in range(40)))
        wire.finish()
        self.assertEqual([json.loads(answer)["id"] for answer in wire.until_closed()], list(range(40)))

    def test_requests_put_back_are_answered_though_the_stream_breaks_behind_them(self):
        service = Service(self.node, [{"method": f"torn.m{i}", "params": ["d" * 400]} for i in range(500)])
        self.addCleanup(service.close)
        for hangs_up in False, True:
            with self.subTest(hangs_up=hangs_up):
                wire = self.connect(receive_buffer=4096)
                wire.send_bytes(b"".join(frame(request(id, "rpc.discover")) for id in range(40)) + b"\xff" * 4)
                if hangs_up:
                    wire.finish()
                *answers, last = [json.loads(answer) for answer in wire.until_closed()]
                self.assertEqual([answer["id"] for answer in answers], list(range(40)))
                self.assertEqual([last["id"], last["error"]["code"]], [None, -32600])

    @unittest.skipIf(os.environ.get("WEFT_SANITIZE"), "a sanitizer's allocator keeps what is freed")
    def test_memory_comes_back_after_a_flood_of_the_smallest_messages(self):
        flood = frame(b"[" + b",".join([b"1"] * 100) + b"]") * 5_000
        before = self.memory("VmRSS")
        wires = [self.connect() for _ in range(8)]
        senders = [threading.Thread(target=wire.socket.sendall, args=(flood,)) for wire in wires]
        for sender in senders:
            sender.start()
        for wire in wires:
            for _ in range(5_000):
                wire.receive_payload()
        for wire, sender in zip(wires, senders):
            sender.join()
            wire.close()
        eventually(lambda: self.memory("VmRSS") < 2 * before + 8 * MIB, "the memory is back")

    def test_a_batch_whose_answers_are_too_large(self):
        service = Service(self.node, [{"method": f"huge.m{i}", "params": ["d" * 8000]} for i in range(100)])
        self.addCleanup(service.close)
        wire = self.connect()
        wire.send([request(id, "rpc.discover") for id in range(100)])
        answers = wire.receive()
        self.assertEqual([answer["id"] for answer in answers], list(range(100)))
        self.assertIn("result", answers[0])
        self.assertEqual(answers[-1]["error"]["code"], 8)


class Kept(BudgetCase):
    """What is kept of a call counts, whatever member of it is long."""

    options = ("--limits-held-request-bytes", "8MiB")

    def test_of_calls_to_handlers_of_the_node(self):
        text = "x" * 300_000
        trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": text}
        for name, call in (("id", lambda i: request(f"{i}{text}", "demo.sleep", {"ms": 300})),
                           ("tracestate", lambda i: {**request(i, "demo.sleep", {"ms": 300}), **trace})):
            with self.subTest(name):
                wire = self.connect()
                before = self.hits("held_request_bytes")
                wire.send(*(call(i) for i in range(20)))
                answers = [wire.receive() for _ in range(20)]
                refused = [answer for answer in answers if "error" in answer]
                # A share is 2 MiB.
                self.assertIn(20 - len(refused), range(4, 8))
                self.assertEqual({answer["error"]["code"] for answer in refused}, {8})
                self.assertEqual(self.hits("held_request_bytes") - before, len(refused))
        self.assertEqual(self.node.metric("weft_held_request_bytes"), 0)


class Amplification(BudgetCase):
    """Bytes that come out per byte that goes in; what is above the bar has a limit that Turns shows."""

    MOST = 100
    KINDS = {
        "call": request(1, "foo"), "echo": request(1, "demo.echo", ["x" * 100]), "health": request(1, "mesh.health"),
        "heartbeat": request(1, "heartbeat"), "drain": request(1, "mesh.drain"), "not found": request(1, "x"),
        "no request": {}, "empty batch": [], "no json": b"x", "batch": [request(1, "x")] * 100, "batch of no messages": [1] * 100, "wrong params": request(1, "demo.sum"),
        "connect": request(1, "connect"), "wrong connect": request(1, "connect", {"serves": 1}),
        "passed deadline": request(1, "foo", deadline_ms=0), "as a node": request(1, "connect", {"node": "n"}),
        "wrong routes": request(1, "mesh.routes", {}), "cancel": request(1, "$/cancelRequest", {"id": 1}),
    }

    def test_of_every_kind_of_message(self):
        for name, payload in self.KINDS.items():
            with self.subTest(name):
                answer = self.connect().exchange(payload)
                ratio = (len(answer) + 4) / len(frame(payload))
                print(f"{name}: {ratio:.1f}", flush=True)
                self.assertLess(ratio, self.MOST)


class Shares(BudgetCase):
    options = ("--reactors", "1", "--limits-held-request-bytes", "8MiB", "--limits-queue-length", "8",
               "--limits-blocking-calls", "8", "--limits-queue-interval", "60s", "--limits-queue-target", "60s")

    def test_of_the_requests_that_are_kept(self):
        silent = Service(self.node, ["silent.m"])
        fine = Service(self.node, ["fine.m"], lambda got: got.answer("ok"))
        self.addCleanup(silent.close)
        self.addCleanup(fine.close)
        greedy = self.connect()
        # A quarter of the limit is two of them and a part of the third.
        for id in range(3):
            greedy.send(request(id, "silent.m", ["x" * 900_000], deadline_ms=SILENT_MS))
        error = self.assert_mesh_error(greedy.receive(), 8, "no", id=2)
        self.assertIn("limits.share_percent", error["message"])
        self.assertGreater(self.hits("held_request_bytes"), 0)
        self.assertEqual(self.connect().call("fine.m", ["y" * 900_000])["result"], "ok")
        # What is over gives its part back.
        for _ in range(2):
            silent.take_call().answer("done")
        self.assertEqual({greedy.receive()["result"] for _ in range(2)}, {"done"})
        greedy.send(request(9, "fine.m", ["z" * 900_000]))
        self.assertEqual(greedy.receive()["result"], "ok")

    def test_of_values_for_handlers(self):
        greedy = self.connect()
        self.reset_peak()
        before = self.memory()
        text = b'{"jsonrpc":"2.0","id":%d,"method":"demo.callback","params":{"method":"m","params":[' + b",".join([b"[]"] * 250_000) + b"]}}"
        for id in range(10):
            greedy.send(text % id)
        for id in range(10):
            self.assert_mesh_error(greedy.receive(), 8, "no", id=id)
        self.assertLess(self.memory() - before, 32 * MIB)
        self.assertEqual(self.connect().call("demo.sum", {"values": [1] * 1000})["result"], 1000)

    def test_of_the_places_in_a_queue(self):
        full = Service(self.node, [{"method": "full.m", "max_in_flight": 1}])
        self.addCleanup(full.close)
        greedy = self.connect()
        greedy.send(*(request(id, "full.m") for id in range(8)))
        # One is there, two wait: a quarter of eight.
        for id in range(3, 8):
            self.assertIn("share", self.assert_mesh_error(greedy.receive(), 8, "no", id=id)["message"])
        other = self.connect()
        other.send(request("other", "full.m"))
        for expected in (greedy, greedy, greedy, other):
            full.take_call().answer("served")
            self.assertEqual(expected.receive()["result"], "served")

    def test_of_blocking_handlers(self):
        greedy = self.connect()
        greedy.send(*(request(id, "demo.blocking", {"ms": 300}) for id in range(4)))
        refused = [greedy.receive() for _ in range(2)]
        for id, answer in zip((2, 3), refused):
            self.assert_mesh_error(answer, 8, "no", id=id)
        self.assertEqual(self.connect().call("demo.blocking", {"ms": 1})["result"], "ok")
        self.assertEqual([greedy.receive()["result"] for _ in range(2)], ["ok", "ok"])
        self.assertEqual(greedy.call("demo.blocking", {"ms": 1})["result"], "ok", "there is room again")


class SharesOfConnections(BudgetCase):
    """Of twelve connections an identity may have a quarter."""

    @classmethod
    def setUpClass(cls):
        secrets = Secrets(cls.addClassCleanup)
        table = secrets.table({"greedy": {"call": ["*"]}, "other": {"call": ["*"]}, "mesh": {"node": True}})
        cls.options = ("--auth-tokens-file", table, "--limits-connections", "12", "--reactors", "2")
        super().setUpClass()

    def setUp(self):
        eventually(lambda: json.loads(self.node.admin("/connections")[1]) == [], "those of the last test have gone")

    def join(self, who, **params):
        wire = self.connect()
        return wire, wire.call("connect", {"token": token_of(who), **params})

    def fill(self):
        held = []
        for _ in range(3):
            wire, answer = self.join("greedy")
            self.assertIn("result", answer)
            held.append(wire)
        return held

    def assert_full(self):
        before = self.hits("connection_share")
        wire, answer = self.join("greedy")
        error = self.assert_mesh_error(answer, 8, "no")
        self.assertIn("3 connections of 'greedy' are open, its share (limits.share_percent of limits.connections)",
                      error["message"])
        self.assertGreater(error["data"]["retry_after_ms"], 0)
        self.assertEqual(wire.until_closed(), [], "the connection ends behind the answer")
        self.assertEqual(self.hits("connection_share"), before + 1)

    def assert_room(self):
        def joined():
            wire, answer = self.join("greedy")
            if "error" in answer:
                wire.close()
            return "result" in answer

        eventually(joined, "there is room again")

    def test_up_to_the_share_and_not_beyond_it(self):
        held = self.fill()
        self.assert_full()
        self.assertEqual([wire.call("foo")["result"] for wire in held], ["ok"] * 3, "those that are there stay")
        self.assertIn("result", self.join("other")[1])
        self.assertIn("result", self.connect().call("mesh.health"))

    def test_who_introduces_itself_again_keeps_its_place(self):
        held = self.fill()
        for _ in range(2):
            self.assertIn("result", held[0].call("connect", {"token": token_of("greedy"), "name": "again"}))
            self.assertIn("result", held[1].call("connect", {"name": "without a token"}))
        self.assert_full()

    def test_who_leaves_makes_room(self):
        self.fill().pop().close()
        self.assert_room()
        self.assert_full()

    def test_who_becomes_another_makes_room(self):
        held = self.fill()
        self.assertIn("result", held[0].call("connect", {"token": token_of("other")}))
        self.assert_room()
        self.assert_full()

    def test_links_between_nodes_count_for_themselves(self):
        for i in range(5):
            self.assertIn("result", self.join("mesh", node=f"node-{i}")[1])



class Unfinished(BudgetCase):
    options = ("--reactors", "1", "--limits-unfinished-frame-bytes", "4MiB", "--limits-frame-timeout", "60s")

    def test_the_greediest_is_cut(self):
        modest = self.connect()
        whole = frame(request(1, "demo.echo", ["a" * 1000]))
        modest.send_bytes(whole[:-10])
        greedy = []
        for _ in range(6):
            wire = self.connect()
            wire.send_bytes(frame(request(1, "demo.echo", ["x" * 1_000_000]))[:-1])
            greedy.append(wire)
        eventually(lambda: self.hits("unfinished_frame_bytes") >= 1, "the limit is hit")
        alive = 0
        for wire in greedy:
            try:
                wire.send_bytes(b"}")
                alive += wire.receive()["id"]
            except (Closed, OSError):
                pass
        self.assertIn(alive, (3, 4, 5))
        modest.send_bytes(whole[-10:])
        self.assertEqual(modest.receive()["result"], ["a" * 1000])
        self.assert_alive()


class Keepalive(WireCase):
    options = ("--tcp-keepalive-idle", "77s")

    def timer_of(self, wire):
        """Kind of the timer that the node's end has, and when it is due in hundredths of a second."""
        established = "01"
        ends = [f":{wire.socket.getpeername()[1]:04X}", f":{wire.socket.getsockname()[1]:04X}"]
        with open("/proc/net/tcp", encoding="ascii") as table:
            for row in map(str.split, table):
                if row[3] == established and [row[1][8:], row[2][8:]] == ends:
                    return [int(part, 16) for part in row[5].split(":")]
        return [0, 0]

    def test_connections_are_probed(self):
        keepalive = 2
        with Wire(self.node.address) as wire:
            wire.call("foo")
            # Another timer may run first: that of data which is not acknowledged yet.
            eventually(lambda: self.timer_of(wire)[0] == keepalive, "the keepalive is armed")
            due = self.timer_of(wire)[1]
            self.assertLessEqual(due, 7700)
            self.assertGreater(due, 7000)


if __name__ == "__main__":
    main()
