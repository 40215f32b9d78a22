"""Peers that die, freeze, come back or were never there."""

import re
import signal
import time

from setup import FakePeer, MeshCase, eventually, free_addresses, main, own_host, relay, sleep_on

HEARTBEAT = 0.4
# What a busy machine may add to a time limit.
SLACK = 4
NEXT_ATTEMPT = re.compile(r"peer b .*; next attempt in (\d+) ms")


class Killed(MeshCase):
    initial_ms, max_ms = 50, 400
    options = ("--reactors", "2", "--mesh-reconnect-initial", f"{initial_ms}ms",
               "--mesh-reconnect-max", f"{max_ms}ms", "--mesh-reconnect-reset", "0s",
               # The same failure again is told at this level.
               "--log-level", "debug")

    def setUp(self):
        self.mesh = self.start_mesh(["a", "b"], *self.options)
        self.a, self.b = self.mesh["a"], self.mesh["b"]

    def test_calls_in_flight_fail_and_may_have_been_executed(self):
        wires = [self.connect(self.a) for _ in range(4)]
        for wire in wires:
            wire.send(*(sleep_on(id, "b") for id in range(25)))
        eventually(lambda: self.b.in_flight() == 100, "all calls have reached b")
        self.b.kill()
        for wire in wires:
            answers = {answer["id"]: answer for answer in (wire.receive() for _ in range(25))}
            for id in range(25):
                error = self.assert_mesh_error(answers[id], 14, "unknown", self.a, id=id)
                self.assertIn("b", error["message"])
        for direction in "inbound", "outbound":
            self.assertEqual(self.a.in_flight(direction), 0)
        self.assert_alive(self.a)

    def test_calls_to_a_peer_that_is_down_fail_at_once_and_were_not_executed(self):
        self.b.kill()
        eventually(lambda: not self.a.peer_is("b", "up"), "a has noticed")
        wire = self.connect(self.a)
        since = time.monotonic()
        for id in range(20):
            error = self.assert_mesh_error(self.ask(wire, relay(id, "b")), 14, "no", self.a, id=id)
            self.assertIn("'b'", error["message"])
        self.assertLess(time.monotonic() - since, SLACK)

    def test_it_is_dialled_again_with_growing_jittered_waits(self):
        before = len(NEXT_ATTEMPT.findall(self.a.log()))
        self.b.kill()
        waits = eventually(lambda: len(found := NEXT_ATTEMPT.findall(self.a.log())[before:]) >= 7 and found,
                           "a has tried seven times")
        expected = self.initial_ms
        for wait in map(int, waits):
            self.assertGreaterEqual(wait, int(expected * 0.8), waits)
            self.assertLessEqual(wait, expected * 1.2, waits)
            expected = min(2 * expected, self.max_ms)
        at_the_cap = list(map(int, waits))[4:]
        self.assertGreater(len(set(at_the_cap)), 1, "without jitter all nodes would come back at once")
        self.assertIn("refused", self.a.peer("b")["last_error"])
        self.assertGreaterEqual(self.a.peer("b")["attempts"], 7)

    def test_it_comes_back(self):
        for _ in range(2):
            self.b.kill()
            eventually(lambda: not self.a.peer_is("b", "up"), "a has noticed")
            self.b = self.mesh.start("b")
            eventually(lambda: self.a.peer_is("b", "up") and self.b.peer_is("a", "up"), "both are up again")
            wire = self.connect(self.a)
            self.assert_ok(self.ask(wire, relay(1, "b")), {"node": "node-b"})
            self.assertEqual(self.a.peer("b")["last_error"], "")

    def test_the_back_off_begins_anew_after_a_success(self):
        self.b.kill()
        eventually(lambda: self.a.peer("b")["attempts"] > 8, "the waits have reached their cap")
        self.b = self.mesh.start("b")
        eventually(lambda: self.a.peer_is("b", "up"), "b is up again")
        before = len(NEXT_ATTEMPT.findall(self.a.log()))
        self.b.kill()
        waits = eventually(lambda: NEXT_ATTEMPT.findall(self.a.log())[before:], "a dials again")
        self.assertLessEqual(int(waits[0]), self.initial_ms * 1.2)


class Frozen(MeshCase):
    """A stopped peer keeps its connections open and says nothing: half-open, as after a lost cable."""

    options = ("--reactors", "2", "--protocol-heartbeat-interval", f"{int(HEARTBEAT * 1000)}ms",
               "--mesh-connect-timeout", "500ms", "--mesh-reconnect-max", "500ms")

    def setUp(self):
        self.mesh = self.start_mesh(["a", "b"], *self.options)
        self.a, self.b = self.mesh["a"], self.mesh["b"]

    def freeze(self, node):
        node.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.thaw, node)

    def thaw(self, node):
        if node.process.returncode is None:
            node.process.send_signal(signal.SIGCONT)

    def test_it_is_noticed_within_three_intervals_and_its_calls_fail(self):
        wire = self.connect(self.a)
        wire.send(*(sleep_on(id, "b") for id in range(10)))
        eventually(lambda: self.b.in_flight() == 10, "the calls have reached b")
        since = time.monotonic()
        self.freeze(self.b)
        for _ in range(10):
            answer = wire.receive()
            error = self.assert_mesh_error(answer, 14, "unknown", self.a, id=answer["id"])
            self.assertIn("three heartbeat intervals", error["message"])
        took = time.monotonic() - since
        self.assertGreater(took, HEARTBEAT, "one missing heartbeat is no failure")
        self.assertLess(took, 3 * HEARTBEAT + SLACK)
        self.assertGreaterEqual(self.a.metric("weft_limit_hits_total", limit="heartbeat"), 1)
        self.assertEqual(self.a.in_flight(), 0)

    def test_it_heals(self):
        self.freeze(self.b)
        eventually(lambda: self.a.peer("b")["state"] in ("introducing", "backing_off"), "a has noticed")
        wire = self.connect(self.a)
        self.assert_mesh_error(self.ask(wire, relay(1, "b")), 14, "no", self.a)
        self.thaw(self.b)
        eventually(lambda: self.a.peer_is("b", "up") and self.b.peer_is("a", "up"), "both are up again")
        self.assert_ok(self.ask(wire, relay(1, "b")), {"node": "node-b"})
        # What b still had of the dead connections is gone as well: one link each way.
        eventually(lambda: sorted(each["role"] for each in self.b.page("/connections")) ==
                   ["peer-inbound", "peer-outbound"], "one link each way")

    def test_heartbeats_keep_an_idle_link(self):
        frames = self.a.metric("weft_frames_read_total")
        attempts = self.a.peer("b")["attempts"]
        # On each of the two links one side's heartbeat and its answer, several intervals long.
        eventually(lambda: self.a.metric("weft_frames_read_total") >= frames + 12, "heartbeats go to and fro")
        self.assertEqual((self.a.peer("b")["state"], self.a.peer("b")["attempts"]), ("up", attempts))

    def test_calls_that_were_never_written_say_so(self):
        """The kernel's buffers fill up: what is behind them has certainly not been executed."""
        wire = self.connect(self.a)
        self.freeze(self.b)
        count = 60
        wire.send(*(relay(id, "b", method="demo.echo", params=["x" * 200_000]) for id in range(count)))
        answers = [wire.receive() for _ in range(count)]
        executed = {self.assert_error(answer, 14, id=answer["id"])["data"]["executed"] for answer in answers}
        self.assertEqual(executed, {"no", "unknown"})
        self.assert_alive(self.a)


class NeverThere(MeshCase):
    def test_a_node_serves_without_its_peers(self):
        (nowhere,) = free_addresses(1)
        node = self.start_node(peers={"b": nowhere})
        self.assert_alive(node)
        self.assertEqual(node.admin("/readyz")[0], 200)
        wire = self.connect(node)
        self.assert_mesh_error(self.ask(wire, relay(1, "b")), 14, "no", node)

    def test_a_name_that_does_not_resolve(self):
        # Malformed, so that no name server is asked.
        node = self.start_node(peers={"b": "no..such..host:7400"})
        eventually(lambda: "no..such..host" in node.peer("b").get("last_error", ""),
                   "the error names the host")
        self.assert_alive(node)

    def test_a_peer_that_never_introduces_itself(self):
        fake = FakePeer(own_host())
        self.addCleanup(fake.close)
        node = self.start_node("--mesh-connect-timeout", "200ms", peers={"b": fake.address})
        link = fake.accept()
        self.addCleanup(link.close)
        link.receive_call("connect")
        # It is left after the timeout, and tried again.
        again, _ = fake.link()
        self.addCleanup(again.close)
        eventually(lambda: node.peer_is("b", "up"), "b is up")

    def test_peers_that_talk_nonsense(self):
        fake = FakePeer(own_host())
        self.addCleanup(fake.close)
        node = self.start_node("--mesh-reconnect-max", "100ms", peers={"b": fake.address})
        for nonsense in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x02[]",
                         b"\xff" * 100, b""):
            with fake.accept() as link:
                link.receive_call("connect")
                link.send_bytes(nonsense)
        for answer in ({"result": 7}, {"error": {"code": 16, "message": "who are you?"}},
                       {"result": {"node": 5}}):
            with fake.accept() as link:
                link.send({"jsonrpc": "2.0", "id": link.receive_call("connect")["id"], **answer})
                # Given up at once, so no heartbeat comes any more.
                self.assertEqual(link.until_closed(), [], answer)
        link, _ = fake.link()
        self.addCleanup(link.close)
        eventually(lambda: node.peer_is("b", "up"), "b is up at last")
        self.assert_alive(node)


if __name__ == "__main__":
    main()
