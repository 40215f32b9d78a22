"""Base class of the tests of streams: services and callers at all distances, and what a node must be rid of after."""

from setup import MeshCase, eventually

from stream import StreamService

WINDOW = 16 << 10


def count(emitter):
    """Sends `params[0]` items, the numbers from 0."""
    for number in range(emitter.got.params[0]):
        emitter.emit(number)
    return "done"


class StreamCase(MeshCase):
    """A caller at node a; services at a (its own reactor or another one) or at b."""

    options = ("--reactors", "3", "--limits-stream-window-bytes", "16KiB")
    # Connections are given to reactors in turn: three services at a have all distances to a caller there.
    ways = ("a", "a", "a", "b", "b", "b")

    def setUp(self):
        self.count = 0
        self.mesh = self.start_mesh("ab", *self.options)

    def serve(self, node, methods, produce, **more):
        service = StreamService(self.mesh[node], methods, produce, **more)
        self.addCleanup(service.close)
        return service

    def caller(self, *services, node="a", **options):
        wire = self.connect(self.mesh[node], **options)
        for service in services:
            service.reachable_from(wire)
        return wire

    def each_way(self, produce, **declared):
        """A method, a service that serves it, and a caller, for each way there is."""
        for number, node in enumerate(self.ways):
            self.count += 1
            method = f"m{self.count}.s"
            service = self.serve(node, [{"method": method, "stream": True, **declared}], produce)
            with self.subTest(node=node, number=number):
                yield method, service, self.caller(service)

    def assert_over(self):
        """Nothing is left of the streams that there were."""
        for node in "ab":
            for metric in "weft_streams_open", "weft_stream_waiting_bytes":
                eventually(lambda: self.mesh[node].metric(metric) == 0, f"{metric} of {node} is 0")
