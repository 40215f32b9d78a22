"""Streams in numbers: what ten thousand of them cost a node, and a million items in their order."""

import os
import re
import unittest

from setup import MeshCase, eventually, frame, main, request

from service import Service
from stream import StreamService

OPEN = 10_000
EACH = 3 << 10
# The frames of its coroutines are the rest.
EACH_GENERATOR = 4 << 10
ITEMS = 1_000_000
ITEM = re.compile(rb'"seq":(\d+),"value":(\d+)')


@unittest.skipIf(os.environ.get("WEFT_SANITIZE"), "a sanitizer's allocator takes more for each piece")
class Open(MeshCase):
    options = ("--limits-in-flight-per-connection", "50000", "--limits-calls-per-reactor", "50000", "--limits-share-percent", "100")

    def open_streams(self, node, wire, method, begin, end):
        wire.send_bytes(b"".join(frame(b'{"jsonrpc":"2.0","id":%d,"method":"%s","stream":{"credit":1}}' % (id, method))
                                 for id in range(begin, end)))
        eventually(lambda: node.metric("weft_streams_open") == end, "all are open")

    def assert_costs_little(self, node, method, began, most=EACH):
        wire = self.connect(node)
        # What a node takes once is not what a stream takes.
        self.open_streams(node, wire, method, 0, 500)
        began(500)
        before = node.resident_bytes()
        self.open_streams(node, wire, method, 500, 500 + OPEN)
        began(500 + OPEN)
        each = (node.resident_bytes() - before) / OPEN
        print(f"{method.decode()}: {each:.0f} bytes of memory for each open stream")
        self.assertLess(each, most)

    def test_of_a_service(self):
        for reactors in 1, 2:
            with self.subTest(reactors=reactors):
                node = self.start_node("--reactors", str(reactors), *self.options)
                taken = []
                # Connections are given to reactors in turn: with two, caller and callee have one each.
                service = Service(node, [{"method": "silent.s", "stream": True}], lambda got: taken.append(1))
                self.addCleanup(service.close)
                self.assert_costs_little(node, b"silent.s",
                                         lambda count: eventually(lambda: len(taken) == count, "the service has them"))

    def test_of_generators_of_the_node(self):
        node = self.start_node("--reactors", "1", *self.options)
        self.assert_costs_little(
            node, b"demo.total", lambda count: eventually(lambda: node.metric("weft_stream_items_total") == count, "they run"),
            EACH_GENERATOR)


class Million(MeshCase):
    def assert_in_order(self, wire, id):
        """A million numbers from 0, and then the answer."""
        due = 0
        rest = b""
        while due < ITEMS:
            rest += wire.socket.recv(1 << 20)
            whole = rest.rfind(b"}}") + 2
            for seq, value in ITEM.findall(rest, 0, whole):
                if int(seq) != due or int(value) != due:
                    self.fail(f"{seq} with {value}, where {due} was due")
                due += 1
            rest = rest[whole:]
        wire._buffer += rest
        self.assert_ok(wire.receive(), None, id)

    def test_of_a_generator(self):
        node = self.start_node("--reactors", "1")
        wire = self.connect(node)
        wire.send(request("m", "demo.count", {"to": ITEMS - 1}, stream={"credit": ITEMS + 1}))
        self.assert_in_order(wire, "m")

    def test_of_a_service_at_another_node(self):
        mesh = self.start_mesh("ab", "--reactors", "2")
        numbers = [b"%d" % number for number in range(ITEMS)]
        service = StreamService(mesh["b"], ["million.s"], lambda emitter: emitter.emit_many(numbers))
        self.addCleanup(service.close)
        wire = self.connect(mesh["a"])
        service.reachable_from(wire)
        wire.send(request("m", "million.s", stream={"credit": ITEMS + 1}))
        self.assert_in_order(wire, "m")


if __name__ == "__main__":
    main()
