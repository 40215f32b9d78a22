"""What is no JSON, and what is only just: one -32700 with a null id, and the connection stays open."""

import json

from suite import WireCase, main

CALL = b'{"jsonrpc":"2.0","id":1,"method":"foo"}'
ANSWER = b'{"jsonrpc":"2.0","id":1,"result":"ok"}'


class NoJson(WireCase):
    def assert_parse_error(self, payload):
        """One -32700 with a null id; the calls before and after it are answered on the same connection."""
        with self.subTest(payload=payload[:80]):
            wire = self.connect()
            wire.send(CALL, payload, CALL.replace(b'"id":1', b'"id":2'))
            answers = sorted(wire.receive_payload() for _ in range(3))
            self.assertEqual(answers[:2], [ANSWER, ANSWER.replace(b'"id":1', b'"id":2')])
            self.assertRegex(answers[2], rb'^\{"jsonrpc":"2.0","id":null,"error":\{"code":-32700,')
            self.assert_error(answers[2], -32700)

    def test_syntax(self):
        for payload in (
                b"{", b"}", b"nul", b"hello", b" ", b"\n", b'{"a":1,}', b"[1,]", b'{"a" 1}', b"{'a':1}",
                b'{a:1}', b'{"jsonrpc":"2.0","id":1 /*c*/,"method":"foo"}',
                b'{"jsonrpc":"2.0","id":1,"method":"foo","params":[01]}',
                b'{"jsonrpc":"2.0","id":+1,"method":"foo"}', b'{"jsonrpc":"2.0","id":.5,"method":"foo"}',
                b'{"jsonrpc":"2.0","id":1.,"method":"foo"}', b'{"jsonrpc":"2.0","id":NaN,"method":"foo"}',
                b'{"jsonrpc":"2.0","id":Infinity,"method":"foo"}',
                b'{"jsonrpc":"2.0","id":"\t","method":"foo"}',
                b'{"jsonrpc":"2.0","id":"\\x41","method":"foo"}'):
            self.assert_parse_error(payload)

    def test_truncated(self):
        for cut in range(1, len(CALL)):
            self.assert_parse_error(CALL[:cut])

    def test_truncated_batch(self):
        self.assert_parse_error(b"[" + CALL + b"," + CALL)
        self.assert_parse_error(b"[" + CALL + b',{"jsonrpc":"2.0","method"')

    def test_byte_order_mark(self):
        self.assert_parse_error(b"\xef\xbb\xbf" + CALL)

    def test_bytes_after_the_value(self):
        for tail in b"\0", b"\0garbage", b"x", b"{}", b",", b"]":
            self.assert_parse_error(CALL + tail)

    def test_nul_in_a_string(self):
        self.assert_parse_error(b'{"jsonrpc":"2.0","id":"\0","method":"foo"}')

    def test_invalid_utf8(self):
        for bad in (b"\xff", b"\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xed\xa0\x80",
                    b"\xf0\x80\x80\xaf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xe2\x82",
                    b"\xf0\x9f\xa6"):
            self.assert_parse_error(b'{"jsonrpc":"2.0","id":"' + bad + b'","method":"foo"}')
            far = b"x" * 40 + bad
            self.assert_parse_error(b'{"jsonrpc":"2.0","id":1,"method":"foo","params":["' + far + b'"]}')

    def test_lone_surrogate_escapes(self):
        for bad in rb"\ud800", rb"\udc00", rb"\ud800x", rb"\ud800\ud800", rb"\udc00\ud800":
            self.assert_parse_error(b'{"jsonrpc":"2.0","id":"' + bad + b'","method":"foo"}')

    def test_deep_nesting(self):
        # The brackets of a batch are not counted, those of its elements are.
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            for depth in 66, 5_000, 150_000:
                self.assert_parse_error(opening * depth + b"1" + closing * depth)
                inside = CALL[:-1] + b',"params":[' + opening * depth + b"1" + closing * depth + b"]}"
                self.assert_parse_error(inside)
        self.assert_parse_error(b"[" * 400_000 + b"]" * 400_000)
        self.assert_parse_error(b"[" * 400_000)

    def test_deepest_nesting_that_is_allowed(self):
        # The message is level 1, its params level 2, up to 64.
        nested = b"[" * 63 + b"]" * 63
        reply = self.reply(b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","params":' + nested + b"}")
        self.assertEqual(reply, b'{"jsonrpc":"2.0","id":1,"result":' + nested + b"}")
        too_deep = b"[" + nested + b"]"
        self.assert_parse_error(b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","params":' + too_deep + b"}")


class PassedThrough(WireCase):
    """Params and results travel as the bytes they came as."""

    def assert_echoed(self, params):
        with self.subTest(params=params):
            reply = self.reply(b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","params":' + params + b"}")
            self.assertEqual(reply, b'{"jsonrpc":"2.0","id":1,"result":' + params + b"}")

    def test_numbers(self):
        for number in b"1e400", b"-0", b"1E+2", b"18446744073709551616", b"0.1000", b"1" * 400, b"123e-4567":
            self.assert_echoed(b"[" + number + b"]")

    def test_strings(self):
        unicode = '"\U0001f980 grüße"'.encode()
        for text in rb'"\u0041\n\/"', rb'"\ud83e\udd80"', unicode, b'"' + b"y" * 5000 + b'"':
            self.assert_echoed(b"[" + text + b"]")

    def test_white_space_inside_values(self):
        self.assert_echoed(b'[ 1 ,\t{ "a" : [ ] }\r\n]')

    def test_duplicate_keys_inside_params(self):
        self.assert_echoed(b'{"a":1,"a":2}')

    def test_white_space_around_the_message(self):
        reply = self.reply(b' \r\n\t{ "jsonrpc" : "2.0" , "id" : 7 , "method" : "foo" } \n')
        self.assertEqual(reply, b'{"jsonrpc":"2.0","id":7,"result":"ok"}')

    def test_escaped_member_names_and_methods(self):
        reply = self.reply(rb'{"json\u0072pc":"2.0","\u0069d":1,"m\u0065thod":"f\u006fo"}')
        self.assertEqual(json.loads(reply), {"jsonrpc": "2.0", "id": 1, "result": "ok"})

    def test_a_service_that_wants_a_value_it_cannot_hold(self):
        reply = self.reply(b'{"jsonrpc":"2.0","id":1,"method":"demo.sum","params":{"values":[1e400]}}')
        self.assert_error(reply, -32602, 1)


if __name__ == "__main__":
    main()
