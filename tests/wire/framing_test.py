"""The byte stream: lengths, pieces, ends of the stream, and many frames at once."""

import json
import struct

from suite import WireCase, frame, main, request

LIMIT = 1 << 20
FOO = frame(b'{"jsonrpc":"2.0","id":1,"method":"foo"}')
FOO_ANSWER = b'{"jsonrpc":"2.0","id":1,"result":"ok"}'


class BadLength(WireCase):
    def assert_refused(self, length, code=-32600, following=b""):
        """One error answer with a null id, then the end of the connection; calls before it are answered."""
        wire = self.connect()
        wire.send_bytes(FOO + struct.pack(">i", length) + following)
        answers = wire.until_closed()
        self.assertEqual(len(answers), 2, answers)
        self.assertIn(FOO_ANSWER, answers)
        answers.remove(FOO_ANSWER)
        return self.assert_error(answers[0], code)

    def test_zero(self):
        self.assertIn("length", self.assert_refused(0)["message"])

    def test_negative(self):
        self.assert_refused(-1)
        self.assert_refused(-0x80000000)

    def test_over_the_limit(self):
        error = self.assert_refused(LIMIT + 1, code=8)
        self.assertIn("1048576", error["message"], "the message should name the limit")
        self.assertEqual(error["data"]["executed"], "no")

    def test_over_the_limit_with_bytes_behind_it(self):
        self.assert_refused(LIMIT + 1, code=8, following=b"x" * 4096)

    def test_two_gigabytes_allocate_nothing(self):
        before = self.node.resident_bytes()
        for _ in range(50):
            self.assert_refused(0x7FFFFFFF, code=8)
        self.assertLess(self.node.resident_bytes() - before, 64 << 20)

    def test_is_counted(self):
        before = self.node.metric("weft_framing_errors_total")
        self.assert_refused(-5)
        self.assertEqual(self.node.metric("weft_framing_errors_total"), before + 1)


class Pieces(WireCase):
    def test_byte_by_byte(self):
        wire = self.connect()
        for byte in FOO * 3:
            wire.send_bytes(bytes([byte]))
        self.assertEqual([wire.receive_payload() for _ in range(3)], [FOO_ANSWER] * 3)

    def test_every_split_in_two(self):
        wire = self.connect()
        for cut in range(1, len(FOO)):
            wire.send_bytes(FOO[:cut])
            wire.send_bytes(FOO[cut:])
            self.assertEqual(wire.receive_payload(), FOO_ANSWER, f"cut after {cut} bytes")

    def test_largest_frame(self):
        head, tail = b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","params":["', b'"]}'
        text = b"x" * (LIMIT - len(head) - len(tail))
        wire = self.connect()
        wire.send(head + text + tail)
        self.assertEqual(wire.receive_payload(), b'{"jsonrpc":"2.0","id":1,"result":["' + text + tail)

    def test_a_thousand_requests_in_one_write(self):
        # Two calls with one id must not be under way together, hence distinct ids.
        wire = self.connect()
        wire.send(*(request(id, "demo.echo", [id]) for id in range(1000)))
        answers = [wire.receive() for _ in range(1000)]
        self.assertEqual({a["id"]: a["result"] for a in answers}, {id: [id] for id in range(1000)})

    def test_requests_of_one_connection_are_answered_in_order_when_none_waits(self):
        ids = list(range(200))
        answers = self.replies(*(request(id, "foo") for id in ids))
        self.assertEqual([json.loads(a)["id"] for a in answers], ids)


class EndOfStream(WireCase):
    def test_at_a_frame_boundary_is_clean(self):
        before = self.node.metric("weft_framing_errors_total")
        self.assertEqual(self.replies(b'{"jsonrpc":"2.0","id":1,"method":"foo"}'), [FOO_ANSWER])
        self.assertEqual(self.node.metric("weft_framing_errors_total"), before)

    def test_before_any_byte(self):
        self.assertEqual(self.replies(), [])

    def test_inside_a_header_is_counted(self):
        self.assert_counted(FOO[:2])

    def test_inside_a_payload_is_counted(self):
        self.assert_counted(FOO + FOO[:-1])

    def assert_counted(self, data):
        before = self.node.metric("weft_framing_errors_total")
        wire = self.connect()
        wire.send_bytes(data)
        wire.finish()
        wire.until_closed()
        self.assertEqual(self.node.metric("weft_framing_errors_total"), before + 1)

    def test_half_closed_connection_gets_its_answers(self):
        wire = self.connect()
        wire.send(request("slow", "demo.sleep", {"ms": 300}), request("fast", "foo"))
        wire.finish()
        answers = [json.loads(answer)["id"] for answer in wire.until_closed()]
        self.assertEqual(answers, ["fast", "slow"])

    def test_killed_clients_do_no_harm(self):
        for _ in range(50):
            wire = self.connect()
            wire.send(request(1, "demo.sleep", {"ms": 60_000}), request(2, "demo.echo", ["x" * 100_000]))
            wire.send_bytes(FOO[:7])
            wire.reset()
        self.assert_alive()


class Garbage(WireCase):
    def test_other_protocols_are_refused(self):
        for garbage, says in ((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "what came is HTTP; metrics and health are at the admin port"),
                              (b"\x16\x03\x01\x02\x00\x01\x00", "what came is TLS"), (b"SSH-2.0-x\r\n", "what came is SSH"),
                              (b"\x00" * 64, "a frame is a signed 32-bit big-endian length")):
            wire = self.connect()
            wire.send_bytes(garbage)
            (answer,) = wire.until_closed()
            self.assertIn(says, json.loads(answer)["error"]["message"], garbage)
        self.assert_alive()


if __name__ == "__main__":
    main()
