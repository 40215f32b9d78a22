"""Callers that do not take what they asked for share a link between two nodes with others, who do not notice."""

import os
import signal
import time

from setup import MeshCase, eventually, main, notification, request

from service import Service
from stream import StreamService

CALLS = 10_000
AT_A_TIME = 20
# What a busy machine may add to a percentile.
SLACK_MS = 20
WINDOW = 64 << 10


def p99(values):
    return sorted(values)[len(values) * 99 // 100]


class SharedLink(MeshCase):
    """Only a dials: everything goes over one connection between the nodes."""

    def start(self, *options):
        b = self.start_node("--id", "node-b", "--reactors", "1", *options)
        a = self.start_node("--id", "node-a", "--reactors", "1", *options, peers={"b": "%s:%d" % b.address})
        self.mesh = {"a": a, "b": b}
        eventually(lambda: a.peer_is("b", "up"), "the link is up")
        self.small = Service(self.mesh["b"], ["small.m"], lambda got: got.answer("small"))
        self.addCleanup(self.small.close)
        self.other = self.connect(self.mesh["a"])
        self.small.reachable_from(self.other)

    def latencies(self, calls):
        """Of so many calls of somebody else over the link, in ms; each is answered as it should be."""
        took = []
        for begin in range(0, calls, AT_A_TIME):
            since = time.monotonic()
            self.other.send(*(request(begin + i, "small.m") for i in range(AT_A_TIME)))
            for _ in range(AT_A_TIME):
                self.assertEqual(self.other.receive()["result"], "small")
                took.append((time.monotonic() - since) * 1000)
        return took

    def assert_others_go_on(self, quiet, calls=CALLS):
        self.assertLess(p99(self.latencies(calls)), 2 * p99(quiet) + SLACK_MS)
        self.assertTrue(self.mesh["a"].peer_is("b", "up"))


class Streams(SharedLink):
    def test_a_consumer_that_stops_reading(self):
        self.start("--limits-stream-window-bytes", "64KiB", "--limits-write-deadline", "60s")
        text = b'"%s"' % (b"x" * 1000)
        service = StreamService(self.mesh["b"], ["log.s"], lambda emitter: emitter.emit_many([text] * 20_000))
        self.addCleanup(service.close)
        wire = self.connect(self.mesh["a"], receive_buffer=4096)
        service.reachable_from(wire)
        quiet = self.latencies(CALLS // 5)
        wire.send(request("s", "log.s", stream={"credit": 20_000}))
        emitter = service.emitter()
        eventually(emitter.exhausted, "the callee waits")
        self.assert_others_go_on(quiet)
        sent = emitter.seq
        self.latencies(CALLS // 20)
        for node in "ab":
            # The item that crosses the window is not cut.
            self.assertLessEqual(self.mesh[node].metric("weft_stream_waiting_bytes"), WINDOW + 2000)
        self.assertTrue(emitter.exhausted())
        self.assertEqual(emitter.seq, sent)
        self.assertLess(sent, 20_000)
        wire.send(notification("$/cancelRequest", {"id": "s"}))
        self.assertTrue(service.cleaned_up.wait(30))


class Answers(SharedLink):
    COUNT = 40

    def setUp(self):
        self.start("--limits-output-hard-bytes", "16MiB", "--limits-write-deadline", "60s")
        self.large = Service(self.mesh["b"], ["large.m"])
        self.held = Service(self.mesh["b"], ["held.m"])
        for service in self.large, self.held:
            self.addCleanup(service.close)
            service.reachable_from(self.other)

    def asked(self, **options):
        """A caller at a whose calls for large answers are with the service at b."""
        wire = self.connect(self.mesh["a"], **options)
        wire.send(*(request(id, "large.m") for id in range(self.COUNT)))
        return wire, [self.large.take_call() for _ in range(self.COUNT)]

    def answer(self, calls):
        for call in calls:
            call.answer("x" * 1_000_000)

    def test_a_caller_that_does_not_read_them(self):
        quiet = self.latencies(CALLS // 5)
        _, calls = self.asked(receive_buffer=4096)
        self.answer(calls)
        self.assert_others_go_on(quiet, CALLS // 2)

    def test_more_than_the_link_carries(self):
        """The link takes nothing for a while, as over a slow line: small answers pass those that wait, and whoever asks
        for even more is refused that."""
        wire, calls = self.asked()
        wire.send(request("small", "held.m"))
        held = self.held.take_call()
        a, b = self.mesh["a"], self.mesh["b"]
        os.kill(a.pid, signal.SIGSTOP)
        try:
            self.answer(calls)
            eventually(lambda: b.in_flight() == 1, "b has all of the large answers")
            held.answer("small")
            eventually(lambda: b.in_flight() == 0, "b has the small one")
        finally:
            os.kill(a.pid, signal.SIGCONT)
        answers = [wire.receive() for _ in range(self.COUNT + 1)]
        order = [answer["id"] for answer in answers if "result" in answer]
        self.assertGreater(len(order) - order.index("small"), 5, order)
        refused = [answer for answer in answers if "error" in answer]
        for answer in refused:
            error = self.assert_error(answer, 8, id=answer["id"])
            self.assertEqual(error["data"]["node"], "node-b")
            self.assertIn("limits.output_hard_bytes", error["message"])
        self.assertIn(len(refused), range(1, self.COUNT - 8))
        self.assertTrue(a.peer_is("b", "up"))


if __name__ == "__main__":
    main()
