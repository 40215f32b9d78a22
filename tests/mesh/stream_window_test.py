"""Streams of which nobody takes what they carry: what a node holds of them has a bound, they are nobody's end, and
nobody else notices."""

import re

from setup import Wire, eventually, frame, main, request
from stream_case import StreamCase

from stream import Reader

MIB = 1 << 20
STREAMS = 8
ITEM_OR_RESULT = re.compile(rb'"id":(\d+),(?:"seq":(\d+)|"result")')


class Silent(StreamCase):
    """Ends that do not read, of several streams, with limits that are small beside what the streams would send."""

    # None of them reads for as long as the others need, which on a busy machine is long.
    options = ("--reactors", "3", "--limits-stream-window-bytes", "256KiB", "--limits-output-soft-bytes", "1MiB",
               "--limits-output-hard-bytes", "4MiB", "--limits-write-deadline", "300s")
    ways = ("a", "a", "a", "b")

    def pending(self, node):
        return max((each["pending_output_bytes"] for each in self.mesh[node].page("/connections")), default=0)

    def test_the_smallest_items_do_not_cut_a_caller(self):
        items = [b"0"] * 12_000
        produce = lambda emitter: emitter.emit_many(items)  # noqa: E731
        for method, service, _ in self.each_way(produce):
            wire = self.caller(service, receive_buffer=4096)
            wire.send(*(request(id, method, stream={"credit": 10_000_000}) for id in range(STREAMS)))
            emitters = [service.emitter() for _ in range(STREAMS)]
            eventually(lambda: all(emitter.exhausted() or emitter.seq == len(items) for emitter in emitters), "they wait")
            self.assertLess(self.pending("a"), 2 * MIB)
            self.assertLess(self.mesh["a"].metric("weft_stream_waiting_bytes"), STREAMS * (256 << 10))
            seen = [0] * STREAMS
            while sum(seen) < STREAMS * (len(items) + 1):
                payload = wire.receive_payload()
                id, seq = ITEM_OR_RESULT.search(payload).groups()
                self.assertEqual(int(seq or len(items)), seen[int(id)], payload)
                seen[int(id)] += 1
        self.assert_over()

    def test_the_largest_items_do_not_cut_a_caller(self):
        large = b'"%s"' % (b"x" * 900_000)
        produce = lambda emitter: emitter.emit_many([large])  # noqa: E731
        for method, service, _ in self.each_way(produce):
            wire = self.caller(service, receive_buffer=4096)
            wire.send(*(request(id, method, stream={"credit": 2}) for id in range(2 * STREAMS)))
            for _ in range(2 * STREAMS):
                eventually(lambda emitter=service.emitter(): emitter.seq == 1, "an item is sent")
            # What is behind them on its connection has come to the node as well.
            other = self.caller(service)
            answers = {}
            while len(answers) < 2 * STREAMS:
                message = wire.receive()
                if "id" in message:
                    answers[message["id"]] = message
            for answer in answers.values():
                if "error" in answer:
                    self.assertIn("does not read", self.assert_error(answer, 8, id=answer["id"])["message"])
            self.assert_ok(self.ask(other, request(1, "foo")), "ok")
        self.assert_over()

    def silent_service(self, node, method):
        """A service whose every message is read by the test, or not at all."""
        wire = Wire(self.mesh[node].address, receive_buffer=4096)
        self.addCleanup(wire.close)
        answer = wire.call("connect", {"name": "silent", "serves": [{"method": f"{method}.s", "stream": True}, f"{method}.m"]})
        self.assertIn("result", answer)
        return wire

    def send_as_much_as_is_accepted(self, readers, wire):
        """Until nothing more is accepted; how many values each has sent."""
        sent = [0] * len(readers)
        idle = 0
        while not all(reader.accepted for reader in readers):
            params = wire.receive()["params"]
            readers[params["id"]].accepted += params["credit"]
        while idle < 5:
            # What is behind the values on its connection has come, and what was accepted before that as well.
            wire.send(request("sync", "foo"))
            before = sum(reader.accepted for reader in readers)
            while (message := wire.receive()).get("id") != "sync":
                params = message["params"]
                readers[params["id"]].accepted += params["credit"]
            for id, reader in enumerate(readers):
                wire.send_bytes(b"".join(
                    frame(b'{"jsonrpc":"2.0","method":"$/stream/send","params":{"id":%d,"seq":%d,"value":1}}' % (id, seq))
                    for seq in range(sent[id], reader.accepted)))
                sent[id] = reader.accepted
            idle = idle + 1 if sum(reader.accepted for reader in readers) == before else 0
        return sent

    def test_values_do_not_cut_a_service_that_does_not_read(self):
        for number, node in enumerate(self.ways):
            with self.subTest(node=node, number=number):
                method = f"silent{number}"
                service = self.silent_service(node, method)
                wire = self.connect(self.mesh["a"])
                eventually(lambda: any(route["method"] == f"{method}.s" for route in self.mesh["a"].page("/routes")), "it is known")
                readers = [Reader(wire, f"{method}.s", id=id, credit=1) for id in range(STREAMS)]
                ids = [service.receive()["id"] for _ in readers]
                for id in ids:
                    service.send(b'{"jsonrpc":"2.0","method":"$/stream/accept","params":{"id":%d,"credit":1000000}}' % id)
                sent = self.send_as_much_as_is_accepted(readers, wire)
                self.assertGreater(min(sent), 0)
                self.assertLess(self.pending(node), MIB)
                # Nobody else's call is refused, and all is there once it reads.
                other = self.connect(self.mesh["a"])
                other.send(request(1, f"{method}.m"))
                seen = dict.fromkeys(ids, 0)
                while (message := service.receive()).get("method") != f"{method}.m":
                    if message["method"] == "$/stream/send":
                        self.assertEqual(message["params"]["seq"], seen[message["params"]["id"]])
                        seen[message["params"]["id"]] += 1
                service.send({"jsonrpc": "2.0", "id": message["id"], "result": "here"})
                self.assert_ok(other.receive(), "here")
                self.assertEqual(sum(seen.values()), sum(sent))
                service.close()
        self.assert_over()


if __name__ == "__main__":
    main()
