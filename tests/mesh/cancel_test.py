"""Deadlines, cancellation and disconnects travel over every hop to the node that does the work."""

import time

from setup import FakePeer, MeshCase, SharedMesh, eventually, main, notification, own_host, relay, sleep_on

# A deadline that passes in the test, and never before the call has arrived and been looked for.
SHORT_MS = 1000
SERVED = "rpc_server_call_duration_seconds_count"


def cancel(id):
    return notification("$/cancelRequest", {"id": id})


class Cancel(SharedMesh):
    """On four reactors the caller and the link to the peer usually belong to different ones."""

    options = ("--reactors", "4")

    def setUp(self):
        self.a, self.b, self.c = (self.mesh[name] for name in "abc")
        self.addCleanup(self.assert_nothing_in_flight)

    def assert_nothing_in_flight(self):
        for name in "abc":
            for direction in "inbound", "outbound":
                eventually(lambda: self.mesh[name].in_flight(direction) == 0,
                           f"nothing {direction} at {name}")

    def assert_under_way(self, node, count):
        eventually(lambda: node.in_flight() == count, f"{count} calls are under way at {node.id}")

    def test_a_deadline_is_kept_and_ends_the_far_call(self):
        for path in ("b",), ("b", "c"):
            with self.subTest(path=path):
                wire = self.connect(self.a)
                since = time.monotonic()
                wire.send(sleep_on(1, *path, deadline_ms=SHORT_MS))
                self.assert_under_way(self.mesh[path[-1]], 1)
                error = self.assert_error(wire.receive(), 4)
                self.assertEqual(error["data"]["executed"], "unknown")
                self.assertGreaterEqual(time.monotonic() - since, 0.9 * SHORT_MS / 1000)
                self.assertLess(time.monotonic() - since, 5, "the caller should not wait for the sleep")
                self.assert_under_way(self.mesh[path[-1]], 0)

    def test_a_deadline_that_has_passed_never_leaves_the_node(self):
        wire = self.connect(self.a)
        served = self.b.metric(SERVED, rpc_method="demo.sleep")
        for deadline in 0, -1:
            self.assert_mesh_error(self.ask(wire, sleep_on(1, "b", deadline_ms=deadline)), 4, "no", self.a)
        self.assertEqual(self.b.metric(SERVED, rpc_method="demo.sleep"), served)

    def test_cancel_reaches_the_far_call_from_every_reactor(self):
        wires = [self.connect(self.a) for _ in range(4)]
        for wire in wires:
            wire.send(sleep_on(1, "b", "c"))
        self.assert_under_way(self.c, 4)
        for left, wire in reversed(list(enumerate(wires))):
            wire.send(cancel(1))
            self.assert_error(wire.receive(), -32800)
            self.assert_under_way(self.c, left)

    def test_cancel_of_one_of_many(self):
        wire = self.connect(self.a)
        wire.send(*(sleep_on(id, "b", ms=500) for id in range(20)))
        wire.send(cancel(7))
        answers = [wire.receive() for _ in range(20)]
        self.assert_error(answers[0], -32800, id=7)
        self.assertEqual(sorted(answer["id"] for answer in answers[1:]), [id for id in range(20) if id != 7])
        self.assertEqual({answer.get("result") for answer in answers[1:]}, {"ok"})

    def test_disconnect_of_the_caller_reaches_the_far_calls(self):
        for end in "close", "reset":
            with self.subTest(end=end):
                wires = [self.connect(self.a) for _ in range(4)]
                for wire in wires:
                    wire.send(*(sleep_on(id, "b", "c") for id in range(5)))
                self.assert_under_way(self.c, 20)
                for wire in wires:
                    # Unread answers would make a close a reset; there are none.
                    getattr(wire, end)()
                self.assert_under_way(self.c, 0)

    def test_half_close_of_the_caller_does_not_cancel(self):
        wire = self.connect(self.a)
        wire.send(sleep_on(1, "b", "c", ms=300))
        wire.finish()
        self.assert_ok(wire.receive(), "ok")
        self.assertEqual(wire.until_closed(), [])

    def test_a_hurricane_of_cancellations(self):
        """Cancelled while the answer is on its way: each call is still answered once."""
        wires = [self.connect(self.a) for _ in range(4)]
        for wire in wires:
            for id in range(100):
                wire.send(relay(id, "b", "c"), cancel(id))
        for wire in wires:
            answers = [wire.receive() for _ in range(100)]
            self.assertEqual(sorted(answer["id"] for answer in answers), list(range(100)))
            for answer in answers:
                if "error" in answer:
                    self.assert_error(answer, -32800, id=answer["id"])
                else:
                    self.assertEqual(answer["result"], {"node": "node-c"})


class OnTheWire(MeshCase):
    """The same, as a peer sees it that never answers."""

    def setUp(self):
        fake = FakePeer(own_host())
        self.addCleanup(fake.close)
        self.node = self.start_node("--reactors", "1", peers={"t": fake.address})
        self.link, _ = fake.link()
        self.addCleanup(self.link.close)
        eventually(lambda: self.node.peer_is("t", "up"), "t is up")
        self.client = self.connect(self.node)

    def ask_peer(self, **members):
        self.client.send(relay(1, "t", method="ask", **members))
        return self.link.receive_call("ask")

    def assert_cancelled(self, call):
        # The handler that has called it does not wait for the answer.
        self.assertEqual(self.link.receive_call("$/cancelRequest")["params"], {"id": call["id"], "abandoned": True})

    def test_cancel(self):
        call = self.ask_peer()
        self.client.send(cancel(1))
        self.assert_cancelled(call)
        self.assert_error(self.client.receive(), -32800)
        # The peer must answer a cancelled call once; that answer finds nobody and disturbs nothing.
        cancelled = {"code": -32800, "message": "cancelled"}
        self.link.send({"jsonrpc": "2.0", "id": call["id"], "error": cancelled})
        self.assert_ok(self.client.call("foo", id=2), "ok", id=2)

    def test_deadline(self):
        call = self.ask_peer(deadline_ms=SHORT_MS)
        self.assertLessEqual(call["deadline_ms"], SHORT_MS)
        self.assert_cancelled(call)
        self.assert_error(self.client.receive(), 4)

    def test_disconnect(self):
        call = self.ask_peer()
        self.client.reset()
        self.assert_cancelled(call)
        eventually(lambda: self.node.in_flight("outbound") == 0, "the call is given up")

    def test_a_call_that_missed_its_deadline_is_counted_on_the_client_side(self):
        call = self.ask_peer(deadline_ms=SHORT_MS)
        self.assert_cancelled(call)
        self.assert_error(self.client.receive(), 4)
        self.assertEqual(self.node.metric("rpc_client_call_duration_seconds_count", rpc_method="_OTHER"), 1)


if __name__ == "__main__":
    main()
