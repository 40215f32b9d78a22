"""Streams whose node or service is about to go: those that can go on elsewhere do, the others end with an error that
says where they were."""

import time

from setup import eventually, main
from stream_case import StreamCase

from stream import Reader

# Far more than a node takes to drain that has nothing to wait for.
SOON = 20


def log(emitter):
    """Endless, with cursors; goes on behind one."""
    number = 0 if emitter.after is None else emitter.after + 1
    while True:
        emitter.emit(number, cursor=number)
        number += 1


class DrainCase(StreamCase):
    def log_at(self, node, method, resumable=True):
        return self.serve(node, [{"method": method, "stream": True, "resumable": resumable}], log)

    def assert_unbroken(self, reader, count):
        self.assertEqual(reader.until_items(count), list(range(count)))

    def assert_lost(self, reader, nodes, **data):
        """It has ended with what `data` says of it, and one of the nodes says so."""
        error = self.assert_error(reader.until_answer(), 14, id=reader.id)
        self.assertIn(error["data"].pop("node"), nodes)
        self.assertEqual(error["data"], {"executed": "unknown", **data}, error)


class Moves(DrainCase):
    options = (*StreamCase.options, "--drain-timeout", "60s")

    moved = 0

    def begun(self, node, method):
        """A stream that is under way at its only instance, on `node`, and the instance."""
        service = self.log_at(node, method)
        reader = Reader(self.caller(service), method, credit=10)
        self.assert_unbroken(reader, 10)
        return reader, service

    def assert_moved(self, reader, first, second):
        self.moved += 1
        eventually(lambda: self.mesh["a"].metric("weft_streams_resumed_total") == self.moved, "it is elsewhere")
        self.assertTrue(first.cleaned_up.wait(30))
        reader.grant(50)
        self.assert_unbroken(reader, 60)
        self.assertEqual(second.emitter().after, 9)
        reader.cancel()
        self.assert_error(reader.until_answer(), -32800, id="s")

    def test_away_from_a_node_that_drains(self):
        reader, first = self.begun("b", "log.s")
        second = self.log_at("a", "log.s")
        second.reachable_from(reader.wire)
        since = time.monotonic()
        self.mesh["b"].terminate()
        self.assert_moved(reader, first, second)
        first.close()
        self.mesh["b"].wait()
        self.assertLess(time.monotonic() - since, SOON)

    def test_with_a_service_that_moves(self):
        reader, first = self.begun("b", "log.s")
        self.mesh["b"].terminate()
        # As a service does that is told to go: it is elsewhere, and goes on where it was.
        second = self.log_at("a", "log.s")
        self.assert_moved(reader, first, second)
        first.close()
        self.mesh["b"].wait()

    def test_away_from_a_service_that_drains(self):
        for first_at, second_at in ("a", "a"), ("a", "b"), ("b", "a"):
            with self.subTest(first_at=first_at, second_at=second_at):
                method = f"log{first_at}{second_at}.s"
                reader, first = self.begun(first_at, method)
                second = self.log_at(second_at, method)
                second.reachable_from(reader.wire)
                first.wire.send({"jsonrpc": "2.0", "id": "drain", "method": "mesh.drain"})
                self.assert_moved(reader, first, second)
        self.assert_over()

    def test_not_while_nobody_else_serves_it(self):
        reader, service = self.begun("b", "log.s")
        service.wire.send({"jsonrpc": "2.0", "id": "drain", "method": "mesh.drain"})
        eventually(lambda: not any(route["method"] == "log.s" and route["instances"] for route in self.mesh["a"].page("/routes")),
                   "it is withdrawn")
        reader.grant(50)
        self.assert_unbroken(reader, 60)
        reader.cancel()
        self.assert_error(reader.until_answer(), -32800, id="s")


class Timeout(DrainCase):
    options = (*StreamCase.options, "--drain-timeout", "1s")

    def test_what_cannot_move_ends_with_an_error(self):
        moving = self.log_at("b", "log.s")
        other = self.log_at("b", "other.s", resumable=False)
        readers = {}
        for node in "ab":
            wire = self.caller(moving, other, node=node)
            for method in "log.s", "other.s":
                reader = readers[node, method] = Reader(wire, method, id=f"{node}{method}", credit=3)
                self.assert_unbroken(reader, 3)
        self.mesh["b"].terminate()
        eventually(lambda: self.mesh["b"].admin("/readyz")[0] == 503, "it drains")
        for reader in readers.values():
            reader.grant(3)
            self.assert_unbroken(reader, 6)
        # Two streams on each connection: their messages come in any order.
        for node in "ab":
            one, two = readers[node, "log.s"], readers[node, "other.s"]
            one.until_answer()
            two.take_over(one.others)
            # The node of a caller may have looked for another instance.
            self.assert_lost(one, {"node-b", f"node-{node}"}, cursor=5)
            self.assert_lost(two, {"node-b"})
        self.mesh["b"].wait()


if __name__ == "__main__":
    main()
