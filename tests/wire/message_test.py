"""One message: ids, versions, params, methods, notifications, responses."""

import json

from suite import WireCase, main, request


class Ids(WireCase):
    def test_are_echoed_byte_for_byte(self):
        for id in (b"0", b"-0", b"-1", b"1e2", b"1E+2", b"1.5", b"1.0", b"18446744073709551616", b"1" * 100,
                   b"9007199254740993", b"-9007199254740991", b'"1"', b'""', b'"' + b"i" * 300 + b'"',
                   rb'"\u0041"', rb'"quote \" slash \/ back \\ line \n \ud83e\udd80"', '"grüße"'.encode(),
                   b"null"):
            with self.subTest(id=id):
                reply = self.reply(b'{"jsonrpc":"2.0","id":' + id + b',"method":"foo"}')
                self.assertEqual(reply, b'{"jsonrpc":"2.0","id":' + id + b',"result":"ok"}')

    def test_are_echoed_in_errors(self):
        for id in b"1e2", b"18446744073709551616", rb'"\u0041"':
            reply = self.reply(b'{"jsonrpc":"2.0","id":' + id + b',"method":"no.such.method"}')
            expected = b'{"jsonrpc":"2.0","id":' + id + b',"error":{"code":-32601,'
            self.assertTrue(reply.startswith(expected), reply)

    def test_must_be_a_string_a_number_or_null(self):
        for id in b"{}", b"[]", b"[1]", b"true", b"false":
            with self.subTest(id=id):
                self.assert_error(self.reply(b'{"jsonrpc":"2.0","id":' + id + b',"method":"foo"}'), -32600)

    def test_number_and_string_are_distinct(self):
        wire = self.connect()
        wire.send(request(1, "demo.sleep", {"ms": 600_000}), request("1", "foo"))
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": "1", "result": "ok"})

    def test_one_id_under_way_twice(self):
        wire = self.connect()
        wire.send(request(5, "demo.sleep", {"ms": 300}), request(5, "foo"))
        self.assert_error(wire.receive(), -32600, 5)
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": 5, "result": "ok"})
        self.assertEqual(wire.call("foo", id=5)["result"], "ok", "the id is free again")

    def test_both_directions_have_their_own(self):
        wire = self.connect()
        for id in range(1, 4):
            wire.send(request(id, "demo.callback", {"method": "client.ask", "params": [id]}))
            question = wire.receive()
            self.assertEqual((question["method"], question["params"]), ("client.ask", [id]))
            # A call of ours under the very id of the node's.
            if question["id"] != id:
                self.assertEqual(wire.call("foo", id=question["id"])["result"], "ok")
            wire.send({"jsonrpc": "2.0", "id": question["id"], "result": {"answer": id}})
            self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": id, "result": {"answer": id}})


class Invalid(WireCase):
    def test_no_object(self):
        for payload in b"1", b"null", b"true", b'"foo"', b"-1.5e3":
            with self.subTest(payload=payload):
                self.assert_error(self.reply(payload), -32600)

    def test_version(self):
        for version in b'"jsonrpc":2.0,', b'"jsonrpc":"2.1",', b'"jsonrpc":"1.0",', b'"jsonrpc":null,', b"":
            with self.subTest(version=version):
                self.assert_error(self.reply(b"{" + version + b'"id":3,"method":"foo"}'), -32600, 3)

    def test_no_method(self):
        self.assert_error(self.reply(b'{"id":1}'), -32600, 1)
        self.assert_error(self.reply(b'{"jsonrpc":"2.0","id":"x"}'), -32600, "x")
        self.assert_error(self.reply(b'{"jsonrpc":"2.0"}'), -32600)
        self.assert_error(self.reply(b"{}"), -32600)

    def test_method_is_no_string(self):
        for method in b"1", b"null", b"[]", b"{}", b"true":
            with self.subTest(method=method):
                self.assert_error(self.reply(b'{"jsonrpc":"2.0","id":1,"method":' + method + b"}"), -32600, 1)

    def test_duplicate_members(self):
        for extra in (b'"id":2', b'"method":"foo"', b'"jsonrpc":"2.0"', b'"params":[]',
                      rb'"m\u0065thod":"foo"'):
            with self.subTest(extra=extra):
                payload = b'{"jsonrpc":"2.0","id":1,"method":"foo","params":[],' + extra + b"}"
                answer = json.loads(self.reply(payload))
                self.assertEqual(answer["error"]["code"], -32600, answer)

    def test_params_are_scalar(self):
        for params in b"1", b'"text"', b"true", b"false":
            with self.subTest(params=params):
                payload = b'{"jsonrpc":"2.0","id":1,"method":"demo.echo","params":' + params + b"}"
                self.assert_error(self.reply(payload), -32600, 1)

    def test_params_null_are_no_params(self):
        reply = self.reply(b'{"jsonrpc":"2.0","id":1,"method":"foo","params":null}')
        self.assertEqual(reply, b'{"jsonrpc":"2.0","id":1,"result":"ok"}')

    def test_unknown_members_are_ignored(self):
        reply = self.reply(b'{"x":{"y":[1]},"jsonrpc":"2.0","id":1,"method":"foo","":null,"idx":5,"i":0}')
        self.assertEqual(reply, b'{"jsonrpc":"2.0","id":1,"result":"ok"}')


class Methods(WireCase):
    def test_unknown(self):
        for method in "no.such.method", "", "Foo", "foo ", "f" * 256, "fo\u0000o":
            with self.subTest(method=method):
                self.assert_error(self.reply(request(1, method)), -32601, 1)

    def test_name_over_the_limit(self):
        error = self.assert_error(self.reply(request(1, "f" * 257)), -32600, 1)
        self.assertIn("256", error["message"], "the message should name the limit")
        error = self.assert_error(self.reply(request(1, "f" * 500_000)), -32600, 1)
        self.assertLess(len(error["message"]), 1000, "an error must not repeat what was too long")

    def test_reserved_names(self):
        for method in "rpc.foo", "rpc.", "rpc.discover.more", "$/unknown", "mesh.unknown":
            with self.subTest(method=method):
                self.assert_error(self.reply(request(1, method)), -32601, 1)

    def test_unknown_dollar_notification(self):
        self.assert_silent(b'{"jsonrpc":"2.0","method":"$/unknown","params":{"a":1}}')

    def test_discover(self):
        document = json.loads(self.reply(request(1, "rpc.discover")))["result"]
        self.assertTrue(document["openrpc"].startswith("1."), document["openrpc"])
        self.assertTrue(document["info"]["title"] and document["info"]["version"])
        methods = {method["name"]: method for method in document["methods"]}
        self.assertLessEqual({"foo", "demo.echo", "demo.sleep", "demo.sum", "demo.callback"}, methods.keys())
        for method in methods.values():
            self.assertIsInstance(method["params"], list)

    def test_health(self):
        self.assertIn("result", json.loads(self.reply(request(1, "mesh.health"))))

    def test_wrong_params(self):
        for method, params in (
                ("demo.sum", {"values": "1"}), ("demo.sum", {"values": ["1"]}), ("demo.sum", {}),
                ("demo.sum", None), ("demo.sleep", {"ms": "5"}), ("demo.sleep", {"ms": -5}),
                ("demo.sleep", {}), ("demo.sleep", [{}]), ("demo.fail", {"code": "1", "message": "x"}),
                ("demo.callback", {"params": []}), ("demo.sum", [[1], 2]), ("demo.whoami", [1]), ("connect", [1]),
                ("connect", {"heartbeat_ms": "1s"}), ("connect", {"name": 5})):
            with self.subTest(method=method, params=params):
                error = self.assert_error(self.reply(request(1, method, params)), -32602, 1)
                self.assertGreater(len(error["message"]), 10, "the message should say what is expected")

    def test_a_misspelt_parameter_is_refused_with_those_that_there_are(self):
        for method, params in (("demo.sum", {"values": [1], "vals": 2}), ("demo.sleep", {"ms": 0, "vals": 2}),
                               ("demo.blocking", {"ms": 0, "vals": 2}), ("demo.count", {"to": 1, "vals": 2}),
                               ("demo.fail", {"code": 1, "message": "m", "vals": 2}), ("demo.total", {"vals": 2}),
                               ("demo.whoami", {"vals": 2}), ("demo.callback", {"method": "m", "vals": 2}),
                               ("demo.relay", {"to": "b", "method": "m", "vals": 2})):
            with self.subTest(method):
                error = self.assert_error(self.reply(request(1, method, params)), -32602, 1)
                self.assertIn("'vals' is no parameter of it; it takes ", error["message"])

    def test_params_come_by_position_as_well(self):
        for method, params, result in (("demo.sum", [[1, 2]], 3), ("demo.sleep", [1], "ok"), ("demo.blocking", [1], "ok"),
                                       ("demo.count", [3, 2], [2, 3]), ("demo.count", [1], [0, 1])):
            with self.subTest(method):
                self.assertEqual(json.loads(self.reply(request(1, method, params))).get("result"), result)
        self.assertEqual(self.assert_error(self.reply(request(1, "demo.fail", [7, "m", [1]])), 7, 1)["data"], [1])

    def test_results_and_failures(self):
        answer = json.loads(self.reply(request(1, "demo.sum", {"values": [1, 2, 3.5]})))
        self.assertEqual(answer["result"], 6.5)
        failure = {"code": -5, "message": "as asked \" \n", "data": {"deep": [1, None]}}
        self.assertEqual(self.assert_error(self.reply(request(1, "demo.fail", failure)), -5, 1), failure)
        without_data = {"code": 9, "message": "no data"}
        self.assertNotIn("data", self.assert_error(self.reply(request(1, "demo.fail", without_data)), 9, 1))


class Notifications(WireCase):
    def test_are_never_answered(self):
        for method, params in (
                (b"foo", b"[]"), (b"no.such.method", b"[]"), (b"demo.sum", b'{"values":"wrong"}'),
                (b"rpc.nope", b"[]"), (b"demo.fail", b'{"code":1,"message":"m"}'),
                (b"demo.sleep", b'{"ms":10}'), (b"heartbeat", b"[]")):
            with self.subTest(method=method):
                self.assert_silent(b'{"jsonrpc":"2.0","method":"' + method + b'","params":' + params + b"}")

    def test_malformed_ones_are_no_notifications(self):
        # Without a valid message nobody can tell that no answer was wanted.
        self.assert_error(self.reply(b'{"jsonrpc":"2.0","method":1}'), -32600)
        self.assert_error(self.reply(b'{"jsonrpc":"2.0","method":"foo","params":1}'), -32600)


class Responses(WireCase):
    def test_unmatched_ones_are_dropped_and_counted(self):
        before = self.node.metric("weft_responses_unmatched_total")
        unmatched = (
            b'{"jsonrpc":"2.0","id":1,"result":"x"}', b'{"jsonrpc":"2.0","id":"x","result":null}',
            b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}',
            b'{"jsonrpc":"2.0","id":18446744073709551616,"error":{"code":1,"message":"m","data":[]}}')
        for response in unmatched:
            with self.subTest(response=response):
                self.assert_silent(response)
        self.assertEqual(self.node.metric("weft_responses_unmatched_total"), before + len(unmatched))

    def test_invalid_ones_are_never_answered(self):
        for response in (
                b'{"jsonrpc":"2.0","result":1}', b'{"jsonrpc":"2.0","id":{},"result":1}',
                b'{"id":1,"result":1}', b'{"jsonrpc":"1.0","id":1,"result":1}',
                b'{"jsonrpc":"2.0","error":{}}',
                b'{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":"m"}}',
                b'{"jsonrpc":"2.0","id":1,"error":1}', b'{"jsonrpc":"2.0","id":1,"error":{}}',
                b'{"jsonrpc":"2.0","id":1,"error":{"code":1}}',
                b'{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"m"}}',
                b'{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":"m"}}'):
            with self.subTest(response=response):
                self.assert_silent(response)

    def test_batches_of_responses_are_accepted(self):
        wire = self.connect()
        wire.send(*(request(id, "demo.callback", {"method": "ask", "params": []}) for id in (1, 2)))
        ids = [wire.receive()["id"] for _ in range(2)]
        wire.send([{"jsonrpc": "2.0", "id": id, "result": n} for n, id in enumerate(ids)])
        answers = [wire.receive() for _ in range(2)]
        self.assertEqual(sorted((a["id"], a["result"]) for a in answers), [(1, 0), (2, 1)])

    def test_an_answer_counts_once(self):
        wire = self.connect()
        wire.send(request(1, "demo.callback", {"method": "ask", "params": []}))
        id = wire.receive()["id"]
        wire.send(*({"jsonrpc": "2.0", "id": id, "result": result} for result in ("first", "second")))
        wire.finish()
        self.assertEqual([json.loads(a)["result"] for a in wire.until_closed()], ["first"])

    def test_errors_of_the_other_side_pass_through(self):
        wire = self.connect()
        wire.send(request(1, "demo.callback", {"method": "ask", "params": {"a": 1}}))
        question = wire.receive()
        self.assertEqual(question["params"], {"a": 1})
        error = {"code": 42, "message": "mine", "data": [1, {"x": None}]}
        wire.send({"jsonrpc": "2.0", "id": question["id"], "error": error})
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": 1, "error": error})


class WithoutVersion(WireCase):
    options = ("--protocol-require-version=false",)

    def test_messages_without_a_version_are_accepted(self):
        self.assertEqual(json.loads(self.reply(b'{"id":1,"method":"foo"}'))["result"], "ok")
        self.assert_silent(b'{"method":"foo"}')

    def test_a_wrong_version_is_refused_all_the_same(self):
        self.assert_error(self.reply(b'{"jsonrpc":"1.0","id":1,"method":"foo"}'), -32600, 1)


if __name__ == "__main__":
    main()
