"""Callers that do not take what they asked for share a link between two nodes with others, who do not notice."""

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
    """One reactor each, so that everything goes over one connection between the nodes."""

    def start(self, *options):
        self.mesh = self.start_mesh("ab", "--reactors", "1", *options)
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
        for node in "ab":
            self.assertTrue(self.mesh[node].peer_is("b" if node == "a" else "a", "up"))


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
        sent = emitter.seq
        self.assert_others_go_on(quiet)
        for node in "ab":
            # The item that crosses the window is not cut.
            self.assertLessEqual(self.mesh[node].metric("weft_stream_waiting_bytes"), WINDOW + 2000)
        self.assertTrue(emitter.exhausted())
        self.assertEqual(emitter.seq, sent)
        self.assertLess(sent, 20_000)
        wire.send(notification("$/cancelRequest", {"id": "s"}))
        self.assertTrue(service.cleaned_up.wait(30))


class Answers(SharedLink):
    def test_a_caller_that_does_not_read_its_large_answers(self):
        self.start("--limits-output-hard-bytes", "16MiB", "--limits-write-deadline", "60s")
        large = "x" * 1_000_000
        service = Service(self.mesh["b"], ["large.m"], lambda got: got.answer(large))
        self.addCleanup(service.close)
        wire = self.connect(self.mesh["a"], receive_buffer=4096)
        service.reachable_from(wire)
        quiet = self.latencies(CALLS // 5)
        wire.send(*(request(id, "large.m") for id in range(200)))
        self.assert_others_go_on(quiet, CALLS // 2)


if __name__ == "__main__":
    main()
