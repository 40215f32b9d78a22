"""The rungs of examples/history, against each other and against a real node."""

import ast
import itertools
import json
import pathlib
import queue
import re
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
HISTORY = ROOT / "examples/history"
sys.path.insert(0, str(ROOT / "tests/support"))

from mesh import eventually  # noqa: E402
from node_process import NodeProcess, _die_with_parent  # noqa: E402
from service import Service  # noqa: E402
from wire import Closed, Wire, frame, notification, request  # noqa: E402

TIMEOUT = 30
SERVERS = ("01_blocking_server", "02_callbacks_server", "04_trampoline_server", "05_enhanced_server",
           "08_async_server", "10_streaming_service")
NOT_BLOCKING = SERVERS[1:]
CALLS, BYTES = 256, 65536


class Program:
    """A rung that runs; its output a line at a time."""

    def __init__(self, name, *arguments):
        self._log = tempfile.TemporaryFile(mode="w+")
        self._lines = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-B", HISTORY / f"{name}.py", *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self._log, text=True, preexec_fn=_die_with_parent)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def line(self):
        """The next line; None behind the last one."""
        try:
            return self._lines.get(timeout=TIMEOUT)
        except queue.Empty:
            raise AssertionError(f"{self.process.args}: no line in {TIMEOUT} s\n{self.log()}") from None

    def address(self):
        return self.line().removeprefix("listening on ")

    def rest(self):
        """The remaining lines and the exit status of a program that ends by itself."""
        lines = list(iter(self.line, None))
        return lines, self.process.wait(TIMEOUT)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        self._log.close()


class Case(unittest.TestCase):
    def start(self, name, *arguments):
        program = Program(name, *arguments)
        self.addCleanup(program.stop)
        return program

    def serve(self, name, *arguments):
        """A server and its HOST:PORT."""
        server = self.start(name, "127.0.0.1:0", *arguments)
        return server, server.address()

    def node(self, *options):
        return self.enterContext(NodeProcess(*options))

    def wire(self, at):
        host, _, port = at.rpartition(":")
        wire = Wire((host, int(port)), TIMEOUT)
        self.addCleanup(wire.close)
        return wire

    def join(self, name, *arguments):
        """A service that has registered itself at a node."""
        program = self.start(name, *arguments)
        while not (line := program.line() or "ended").startswith("ready at "):
            self.assertNotEqual(line, "ended", program.log())
        return program


class EveryPair(Case):
    """Each client with each server, and with a node."""

    def servers(self):
        for name in SERVERS:
            yield name, self.serve(name)[1]
        yield "node", self.node("--id", "n").listen

    def test_the_clients_of_all_rungs_work_with_all_servers(self):
        for name, at in self.servers():
            who = "n" if name == "node" else "history"
            with self.subTest(name, client="blocking"):
                self.assertEqual(self.start("01_blocking_client", at, 2).rest(),
                                 ([f"connected to {who}", "heartbeat 1 ok", "heartbeat 2 ok"], 0))
            with self.subTest(name, client="channels"):
                self.assertEqual(self.start("03_channels", at, 2).rest(), (["ping 1 pong ok", "ping 2 pong ok"], 0))
            with self.subTest(name, client="parallel"):
                lines, status = self.start("09_parallel_client", at).rest()
                self.assertEqual((lines[-1], status), (f"{CALLS} requests, {CALLS} answers of {BYTES} bytes", 0))


class EveryServer(Case):
    def test_a_client_that_is_slow_holds_up_nobody_but_at_the_blocking_server(self):
        for name in NOT_BLOCKING:
            with self.subTest(name):
                _, at = self.serve(name)
                slow, quick = self.wire(at), self.wire(at)
                data = frame(request(1, "heartbeat"))
                slow.send_bytes(data[:9])
                self.assertEqual(quick.call("heartbeat")["result"], "ok")
                slow.send_bytes(data[9:])
                self.assertEqual(slow.receive()["result"], "ok")

    def test_the_blocking_server_serves_one_after_the_other(self):
        _, at = self.serve("01_blocking_server")
        first = self.wire(at)
        self.assertEqual(first.call("heartbeat")["result"], "ok")
        second = self.wire(at)
        second.send(request(1, "heartbeat"))
        self.assertEqual(first.call("heartbeat")["result"], "ok")
        self.assertEqual(select.select([second.socket], [], [], 0)[0], [])
        first.close()
        self.assertEqual(second.receive()["result"], "ok")

    def test_what_is_wrong_ends_its_own_connection_only(self):
        texts = "{]", "[]", "5", '{"id":1,"method":[]}', '{"id":{},"method":"connect"}', "[" * 100_000
        wrongs = b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0", *map(frame, texts)
        for name, wrong in itertools.product(SERVERS, wrongs):
            with self.subTest(name, wrong=wrong[:40]):
                _, at = self.serve(name)
                bad = self.wire(at)
                bad.send_bytes(wrong)
                if len(wrong) < 4:
                    bad.finish()
                with self.assertRaises((Closed, ConnectionError)):
                    bad.receive()
                self.assertEqual(self.wire(at).call("heartbeat")["result"], "ok")

    def test_an_unknown_method_is_answered_and_a_notification_is_not(self):
        for name in SERVERS:
            with self.subTest(name):
                wire = self.wire(self.serve(name)[1])
                wire.send(notification("heartbeat"), request(1, "nothing"), request(2, "demo.echo", ["x"]))
                answers = {answer["id"]: answer for answer in (wire.receive(), wire.receive())}
                self.assertEqual(answers[1]["error"]["code"], -32601)
                self.assertEqual(answers[2]["result"], ["x"])


class Channels(unittest.TestCase):
    def test_a_sender_waits_until_somebody_has_received(self):
        # The rungs have a module `wire` of their own.
        with mock.patch.dict(sys.modules), mock.patch.object(sys, "path", [str(HISTORY), *sys.path]):
            del sys.modules["wire"]
            channel = runpy.run_path(str(HISTORY / "03_channels.py"))["Channel"]()
        arrived, sent = threading.Event(), threading.Event()

        class Announcing(threading.Semaphore().__class__):
            def acquire(self, *arguments, **keywords):
                arrived.set()
                return super().acquire(*arguments, **keywords)

        def send():
            channel.send("ping")
            sent.set()

        channel._taken = Announcing(0)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        self.assertTrue(arrived.wait(TIMEOUT))
        self.assertFalse(sent.is_set())
        self.assertEqual(channel.receive(), "ping")
        self.assertTrue(sent.wait(TIMEOUT))
        sender.join()


class EnhancedGenerators(Case):
    def test_a_timeout_is_thrown_caught_and_survived_once(self):
        server, at = self.serve("05_enhanced_server", 0.2)
        wire = self.wire(at)
        for _ in range(2):
            asked = wire.receive()
            self.assertEqual((asked["method"], asked["id"]), ("heartbeat", "alive?"))
            wire.send({"jsonrpc": "2.0", "id": "alive?", "result": "ok"})
        self.assertEqual(wire.receive()["method"], "heartbeat")
        with self.assertRaises(Closed):
            wire.receive()
        self.assertEqual([server.line(), server.line()], ["silent", "cleanup"])

    def test_cleanup_runs_when_the_peer_leaves(self):
        server, at = self.serve("05_enhanced_server")
        self.wire(at).close()
        self.assertEqual(server.line(), "cleanup")

    def test_closing_the_generators_runs_their_cleanup(self):
        server, at = self.serve("05_enhanced_server")
        for _ in range(3):
            self.wire(at).call("heartbeat")
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.rest(), (["cleanup"] * 3 + ["stopped"], 0))


class Services(Case):
    def test_three_rungs_call_each_other_through_a_node(self):
        node = self.node()
        self.join("06_subgenerators_service", node.listen)
        self.join("07_futures_service", node.listen)
        party, at = self.serve("08_async_server", node.listen)
        self.assertTrue(party.line().startswith("ready at "))
        client = self.wire(node.listen)
        self.assertEqual(client.call("names.get", [2])["result"], "Grace")
        self.assertEqual(client.call("greeter.hello", [2])["result"], "hello Grace")
        guests = ["hello Ada", "hello Grace", "hello Barbara"]
        self.assertEqual(client.call("party.invite", [1, 2, 3])["result"], guests)
        self.assertEqual(self.wire(at).call("party.invite", [1, 2, 3])["result"], guests)
        # The error of the innermost service comes out as it went in.
        error = client.call("party.invite", [1, 9])["error"]
        self.assertEqual(error["code"], -32602)
        self.assertIn("one of [1, 2, 3]; got [9]", error["message"])

    def test_one_thread_of_generators_serves_two_nodes(self):
        nodes = self.node("--id", "a"), self.node("--id", "b")
        service = self.start("06_subgenerators_service", *(node.listen for node in nodes))
        self.assertEqual({service.line(), service.line()}, {"ready at a", "ready at b"})
        for node in nodes:
            self.assertEqual(self.wire(node.listen).call("names.get", [1])["result"], "Ada")

    def test_tasks_and_gather_wait_for_many_answers_at_once(self):
        node = self.node()
        names = Service(node, ["names.get"])
        self.addCleanup(names.close)
        self.join("07_futures_service", node.listen)
        self.join("08_async_server", "127.0.0.1:0", node.listen)
        client = self.wire(node.listen)
        client.send(request(1, "party.invite", [1, 2, 3]))
        # None was answered, and all three are here: neither service waits for one before it asks for the next.
        for call in reversed([names.take_call() for _ in range(3)]):
            call.answer(f"guest {call.params[0]}")
        self.assertEqual(client.receive()["result"], ["hello guest 1", "hello guest 2", "hello guest 3"])

    def test_a_call_whose_connection_ends_has_an_error(self):
        node = NodeProcess()
        self.addCleanup(node.kill)
        greeter = Service(node, ["greeter.hello"])
        self.addCleanup(greeter.close)
        party, at = self.serve("08_async_server", node.listen)
        self.assertTrue(party.line().startswith("ready at "))
        client = self.wire(at)
        client.send(request(1, "party.invite", [1]))
        greeter.take_call()
        node.process.kill()
        error = client.receive()["error"]
        self.assertEqual((error["code"], error["data"]["executed"]), (14, "unknown"))

    def test_without_a_node_the_async_server_says_so(self):
        error = self.wire(self.serve("08_async_server")[1]).call("party.invite", [1])["error"]
        self.assertEqual((error["code"], error["data"]["executed"]), (14, "no"))


class ParallelReadAndWrite(Case):
    def setUp(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        # Before listening: what does not fit here keeps the client from writing.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(TIMEOUT)
        self.client = self.start("09_parallel_client", "%s:%d" % listener.getsockname(), CALLS, BYTES)
        self.server, _ = listener.accept()
        self.server.settimeout(TIMEOUT)
        self.addCleanup(self.server.close)
        self.stream = self.server.makefile("rb")
        self.addCleanup(self.stream.close)

    def take(self):
        """Reads a request; the frame that answers it."""
        payload = self.stream.read(int.from_bytes(self.stream.read(4), "big"))
        call = json.loads(payload)
        return frame({"jsonrpc": "2.0", "id": call["id"], "result": call["params"]})

    def test_an_answer_is_read_while_a_write_is_stuck(self):
        self.server.sendall(self.take())
        # Nothing more is read here, and the rest fits into no buffer.
        line = self.client.line()
        self.assertRegex(line, r"^read the first answer after \d+ requests$")
        self.assertLess(int(re.search(r"\d+", line)[0]), CALLS)
        for _ in range(1, CALLS):
            self.server.sendall(self.take())
        lines, status = self.client.rest()
        self.assertEqual((lines[-1], status), (f"{CALLS} requests, {CALLS} answers of {BYTES} bytes", 0))

    def test_requests_are_written_while_a_read_is_stuck_inside_a_frame(self):
        first = self.take()
        self.server.sendall(first[:1000])
        rest = [self.take() for _ in range(1, CALLS)]
        self.assertEqual(self.client.line(), "wrote the last request after 0 answers")
        self.server.sendall(first[1000:])
        for answer in rest:
            self.server.sendall(answer)
        self.assertEqual(self.client.rest(), ([f"read the first answer after {CALLS} requests",
                                               f"{CALLS} requests, {CALLS} answers of {BYTES} bytes"], 0))


class Recorder:
    """Stands between a client and a server, and notes every message in the order in which it passed."""

    def __init__(self, at):
        host, _, port = at.rpartition(":")
        self.messages = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT)
        self.address = "%s:%d" % self._listener.getsockname()
        self._thread = threading.Thread(target=self._run, args=((host, int(port)),))
        self._thread.start()

    def _run(self, at):
        client, _ = self._listener.accept()
        with client, socket.create_connection(at, TIMEOUT) as server:
            back = threading.Thread(target=self._pump, args=(server, client, "server"))
            back.start()
            self._pump(client, server, "client")
            back.join()

    def _pump(self, source, target, who):
        stream = source.makefile("rb")
        while header := stream.read(4):
            payload = stream.read(int.from_bytes(header, "big"))
            self.messages.append((who, json.loads(payload)))
            target.sendall(header + payload)
        target.shutdown(socket.SHUT_WR)

    def close(self):
        self._thread.join(TIMEOUT)
        self._listener.close()


class Streams(Case):
    def setUp(self):
        self.server, self.at = self.serve("10_streaming_service")

    def open(self, to=1000, **stream):
        wire = self.wire(self.at)
        wire.send(request("s", "numbers.count", {"to": to}, stream=stream))
        self.assertEqual(wire.receive()["method"], "$/stream/accept")
        return wire

    def tell(self, wire, what, **params):
        wire.send(notification(what, {"id": "s", **params}))

    def items(self, wire, count):
        got = [wire.receive() for _ in range(count)]
        self.assertEqual({item["method"] for item in got}, {"$/stream/item"}, got)
        return [(item["params"]["seq"], item["params"]["value"]) for item in got]

    def assert_nothing_more(self, wire):
        """Whatever had been sent before would come before this answer."""
        for _ in range(3):
            self.assertEqual(wire.call("heartbeat", id="h").get("result"), "ok")

    def test_the_client_does_to_it_what_can_be_done_to_a_generator(self):
        lines, status = self.start("10_streaming_client", self.at).rest()
        self.assertEqual(status, 0)
        self.assertEqual(lines, [f"for: {list(range(20))}", "anext: 0 1", "asend: 500 501",
                                 "athrow: {'caught': 'catch this'} 501",
                                 "aclose: the other side has cleaned up"])
        self.assertEqual([self.server.line(), self.server.line()], ["cleanup at 20", "cleanup at 501"])

    def test_client_and_service_never_exceed_the_credit_that_they_have(self):
        recorder = Recorder(self.at)
        lines, status = self.start("10_streaming_client", recorder.address).rest()
        recorder.close()
        self.assertEqual(status, 0, lines)
        credit, sends, seqs, sent = {}, {}, {}, {}
        for who, message in recorder.messages:
            params = message.get("params", {})
            id = params.get("id")
            if "stream" in message:
                credit[message["id"]] = message["stream"]["credit"]
            elif message.get("method") == "$/stream/credit":
                credit[id] += params["credit"]
            elif message.get("method") == "$/stream/accept":
                sends[id] = sends.get(id, 0) + params["credit"]
            elif message.get("method") == "$/stream/item":
                seqs.setdefault(id, []).append(params["seq"])
                credit[id] -= 1
                self.assertGreaterEqual(credit[id], 0, recorder.messages)
            elif message.get("method") == "$/stream/send":
                sent.setdefault(id, []).append(params["seq"])
                sends[id] -= 1
                self.assertGreaterEqual(sends[id], 0, recorder.messages)
        self.assertEqual([len(seq) for seq in seqs.values()], [20, 6])
        for numbers in (*seqs.values(), *sent.values()):
            self.assertEqual(numbers, list(range(len(numbers))))

    def test_so_many_items_come_as_there_is_credit_for(self):
        wire = self.open(credit=3)
        self.assertEqual(self.items(wire, 3), [(0, 0), (1, 1), (2, 2)])
        self.assert_nothing_more(wire)
        self.tell(wire, "$/stream/credit", credit=2)
        self.assertEqual(self.items(wire, 2), [(3, 3), (4, 4)])
        self.assert_nothing_more(wire)

    def test_so_many_bytes_come_as_there_is_room_for(self):
        wire = self.open(credit=100, bytes=12)
        self.assertEqual(len(self.items(wire, 11)), 11)  # Ten of one digit, one of two.
        self.assert_nothing_more(wire)
        self.tell(wire, "$/stream/credit", bytes=1)
        self.assert_nothing_more(wire)
        self.tell(wire, "$/stream/credit", bytes=1)
        self.assertEqual(self.items(wire, 1), [(11, 11)])

    def test_the_end_is_the_response(self):
        wire = self.open(2, credit=3)
        self.assertEqual(len(self.items(wire, 2)), 2)
        end = wire.receive()
        self.assertEqual((end["id"], end["result"]), ("s", None))

    def test_cancelling_runs_the_cleanup_and_answers_once(self):
        wire = self.open(credit=3)
        self.items(wire, 3)
        self.tell(wire, "$/cancelRequest")
        self.assertEqual(wire.receive()["error"]["code"], -32800)
        self.assertEqual(self.server.line(), "cleanup at 2")
        self.tell(wire, "$/cancelRequest")
        self.assert_nothing_more(wire)

    def test_one_that_is_cancelled_at_once_is_answered_too(self):
        wire = self.wire(self.at)
        wire.send(request("s", "numbers.count", {"to": 9}, stream={"credit": 0}),
                  notification("$/cancelRequest", {"id": "s"}))
        while (end := wire.receive()).get("method") == "$/stream/accept":
            pass
        self.assertEqual((end["id"], end["error"]["code"]), ("s", -32800))

    def test_a_caller_that_goes_leaves_no_generator_behind(self):
        wire = self.open(credit=5)
        self.items(wire, 5)
        wire.close()
        self.assertEqual(self.server.line(), "cleanup at 4")

    def test_an_error_that_is_thrown_may_be_caught(self):
        wire = self.open(credit=1)
        self.items(wire, 1)
        self.tell(wire, "$/stream/throw", error={"code": 1, "message": "no"})
        self.tell(wire, "$/stream/credit", credit=2)
        self.assertEqual(self.items(wire, 2), [(1, {"caught": "no"}), (2, 0)])

    def test_an_error_that_is_not_caught_ends_the_stream(self):
        wire = self.open(credit=0)
        self.tell(wire, "$/stream/throw", error={"code": 42, "message": "before it began"})
        self.assertEqual(wire.receive()["error"], {"code": 42, "message": "before it began"})

    def test_who_sends_too_much_ahead_ends_its_own_stream(self):
        wire = self.open(credit=1)
        self.items(wire, 1)
        for seq in range(17):
            self.tell(wire, "$/stream/send", seq=seq, value=seq)
        end = wire.receive()
        self.assertEqual((end["id"], end["error"]["code"]), ("s", 8))
        self.assert_nothing_more(wire)

    def test_who_asked_for_no_stream_gets_all_items_in_one_answer(self):
        wire = self.wire(self.at)
        self.assertEqual(wire.call("numbers.count", [4])["result"], [0, 1, 2, 3])
        self.assertEqual(wire.call("numbers.count", "4")["error"]["code"], -32602)

    def test_it_registers_at_a_node(self):
        node = self.node()
        self.start("10_streaming_service", "--at", node.listen)
        wire = self.wire(node.listen)
        answer = eventually(lambda: wire.call("numbers.count", [4], id="n").get("result"), "it is served at the node")
        self.assertEqual(answer, [0, 1, 2, 3])


class StreamingClient(Case):
    def test_it_sends_a_value_when_that_was_accepted_and_not_before(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(TIMEOUT)
            self.start("10_streaming_client", "%s:%d" % listener.getsockname())
            server = Wire.__new__(Wire)
            server.socket, server.timeout, server._buffer = listener.accept()[0], TIMEOUT, bytearray()
        self.addCleanup(server.close)
        first = server.receive()
        server.send({"jsonrpc": "2.0", "id": first["id"], "result": None})
        while "stream" not in (second := server.receive()):
            pass
        id = second["id"]
        for seq in range(2):
            self.assertEqual(server.receive()["method"], "$/stream/credit")
            server.send(notification("$/stream/item", {"id": id, "seq": seq, "value": seq}))
        # It has both items, and would have sent the value before this answer.
        for _ in range(3):
            self.assertEqual(server.call("heartbeat", id="h").get("result"), "ok")
        server.send(notification("$/stream/accept", {"id": id, "credit": 1}))
        sent = server.receive()
        self.assertEqual((sent["method"], sent["params"]), ("$/stream/send", {"id": id, "seq": 0, "value": 500}))


class Texts(unittest.TestCase):
    def test_the_programs_need_the_standard_library_only_and_are_short(self):
        for path in HISTORY.glob("*.py"):
            with self.subTest(path.name):
                text = path.read_text(encoding="utf-8")
                imported = {name.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)
                            for name in node.names}
                imported |= {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
                self.assertLessEqual(imported, {*sys.stdlib_module_names, "wire"})
                self.assertLess(len(text.splitlines()), 200)

    def test_the_table_has_every_program(self):
        table = (HISTORY / "README.md").read_text(encoding="utf-8").rpartition("| rung |")[2]
        listed = set(re.findall(r"\]\((\d\d_\w+\.py)\)", table))
        self.assertEqual(listed, {path.name for path in HISTORY.glob("[0-9]*.py")})


if __name__ == "__main__":
    unittest.main(verbosity=2)
