"""What a call looks like on its way over two nodes to a service: byte for byte, with its deadline, in its order."""

import json

from service_case import ServiceCase
from setup import eventually, main, notification, request

from service import echo

# JSON that a document model would change: numbers beyond a double or 64 bits, equal keys, spaces, escapes.
PARAMS = (rb'{ "n":1e400 ,"big":18446744073709551616,"k":{"a":1,"a":2,"a":-0.0},'
          rb'"text":"\u00e4\/\ud83d\ude00\u0000" ,' + b'\t"list":[ 1.50, 1E+2,[ ],{ } ]}')
CALL = (b'{ "extra" : [1e400,\t18446744073709551616, {"id":true,"id":[8]}] ,\n "method" : "METHOD" ,"id"  :  IDENTITY,\r\n'
        b' "deadline" : null, "params" : ' + PARAMS + b' , "jsonrpc" : "2.0" , "\xc3\xa4" : "\xe2\x82\xac" }')
# A deadline that passes in the test, and never before the call has arrived.
SHORT_MS = 500
IDS = [b'1', b'0', b'-7', b'"text"', b'"1"', b'"\\u0061\\/"', b'1.50', b'1e2', b'-0', b'18446744073709551616',
       b'1e400', b'null', b'9007199254740993', b'""']


class Forwarding:
    def setUp(self):
        super().setUp()
        self.cancelled = set()

    def call_bytes(self, id=b"1", method="get"):
        return CALL.replace(b"IDENTITY", id).replace(b"METHOD", self.name(method).encode())

    def test_a_request_arrives_as_the_bytes_that_were_sent(self):
        service = self.serve("b", "get")
        for node in "ab":
            with self.subTest(node):
                wire = self.client(node, service)
                wire.send(self.call_bytes(b"1"))
                got = service.take()
                self.assertEqual(got.without_hop(), self.call_bytes(b"ID"))
                got.answer("ok")
                self.assert_ok(wire.receive(), "ok")

    def test_an_answer_arrives_as_the_bytes_that_were_sent(self):
        service = self.serve("b", "get")
        for node in "ab":
            wire = self.client(node, service)
            for outcome in (b'"result" : ' + PARAMS,
                            b'"error":{ "code" : 77 ,"message":"\\u00e4","data":' + PARAMS + b',"more":1e400}'):
                with self.subTest(node=node, outcome=outcome):
                    wire.send(self.call_bytes(b'"mine"'))
                    answer = b'{ "extra" : ' + PARAMS + b' , ' + outcome + b',"id" : ID , "jsonrpc":"2.0" }'
                    service.take().answer_raw(answer)
                    self.assertEqual(wire.receive_payload(), answer.replace(b"ID", b'"mine"'))

    def test_whitespace_around_the_message_does_no_harm(self):
        service = self.serve("b", "get", handler=lambda got: got.answer(got.method))
        for node in "ab":
            for payload in (b" \n\t" + self.call_bytes() + b"\r\n ",
                            b'\n{"id":1,"jsonrpc":"2.0","method":"%s"}' % self.name("get").encode()):
                with self.subTest(node=node, payload=payload):
                    answer = json.loads(self.client(node, service).exchange(payload))
                    self.assert_ok(answer, self.name("get"))

    def test_members_may_come_in_any_order(self):
        service = self.serve("b", "get")
        wire = self.client("a", service)
        members = {"id": "1", "method": json.dumps(self.name("get")), "params": "[1]", "deadline_ms": "20000",
                   "jsonrpc": '"2.0"'}
        names = list(members)
        for start in range(len(names)):
            for order in (names[start:] + names[:start], (names[start:] + names[:start])[::-1]):
                with self.subTest(order=order):
                    wire.send("{" + ",".join(f'"{name}":{members[name]}' for name in order) + "}")
                    got = service.take()
                    self.assertEqual(list(got.message), order)
                    self.assertEqual(got.params, [1])
                    self.assertTrue(0 < got.message["deadline_ms"] <= 20_000)
                    got.answer("ok")
                    self.assert_ok(wire.receive(), "ok")

    def test_an_escaped_method_name_is_the_same_method(self):
        service = self.serve("b", "get", handler=echo)
        wire = self.client("a", service)
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in self.name("get"))
        answer = json.loads(wire.exchange('{"jsonrpc":"2.0","id":1,"method":"%s","params":[3]}' % escaped))
        self.assert_ok(answer, {"method": self.name("get"), "params": [3]})

    def test_large_params_and_results(self):
        service = self.serve("b", "get", handler=echo)
        wire = self.client("a", service)
        params = {"x": "y" * 900_000}
        self.assertEqual(self.call(wire, "get", params)["result"]["params"], params)

    def test_every_kind_of_id_comes_back_as_it_was_written(self):
        service = self.serve("b", "get", handler=lambda got: got.answer("ok"))
        for node in "ab":
            wire = self.client(node, service)
            wire.send(*(self.call_bytes(id) for id in IDS))
            answers = {wire.receive_payload() for _ in IDS}
            self.assertEqual(answers, {b'{"jsonrpc": "2.0", "id": ID, "result": "ok"}'.replace(b"ID", id)
                                       .replace(b": ", b":").replace(b", ", b",") for id in IDS})

    def test_equal_ids_of_different_callers_never_meet(self):
        service = self.serve("b", "get")
        wires = [self.client(node, service) for node in "aaabbbccc"]
        for number, wire in enumerate(wires):
            wire.send(request(1, self.name("get"), [number]))
        calls = [service.take() for _ in wires]
        self.assertEqual(len({got.id for got in calls}), len(wires))
        for got in reversed(calls):
            got.answer(got.params)
        for number, wire in enumerate(wires):
            self.assert_ok(wire.receive(), [number])

    def test_the_deadline_shrinks_and_there_always_is_one(self):
        service = self.serve("b", "get")
        wire = self.client("a", service)
        for members, most in (({"deadline_ms": 20_000}, 20_000), ({}, 30_000), ({"deadline_ms": 5e3}, 5_000)):
            wire.send(request(1, self.name("get"), **members))
            got = service.take()
            left = got.message["deadline_ms"]
            self.assertIsInstance(left, int)
            self.assertTrue(most / 2 < left <= most, (members, left))
            got.answer("ok")
            self.assert_ok(wire.receive(), "ok")

    def test_what_has_expired_never_reaches_the_service(self):
        service = self.serve("b", "get")
        for node in "ab":
            wire = self.client(node, service)
            for deadline in (0, -1, -1e300, -0.5):
                answer = self.call(wire, "get", deadline_ms=deadline)
                self.assert_mesh_error(answer, 4, "no", self.mesh[node])
        self.assert_ok(wire.call(service.ready), "ready")
        self.assertTrue(service.idle())

    def test_a_deadline_that_passes_cancels_the_call_at_the_service(self):
        service = self.serve("b", "get")
        for node in "ab":
            wire = self.client(node, service)
            wire.send(request(1, self.name("get"), deadline_ms=SHORT_MS))
            got = service.take_call()
            self.assertEqual(wire.receive()["error"]["code"], 4)
            self.assert_cancelled(service, got)

    def assert_cancelled(self, service, got):
        cancel = service.take()
        # A deadline passes at every node on the way, so the one before may be cancelled once more.
        while cancel.method == "$/cancelRequest" and cancel.params["id"] in self.cancelled:
            cancel = service.take()
        self.cancelled.add(got.id)
        self.assertEqual((cancel.method, cancel.params), ("$/cancelRequest", {"id": got.id}))
        self.assertNotIn("id", cancel.message)

    def test_cancelling_reaches_the_service_by_the_id_it_was_given(self):
        service = self.serve("b", "get")
        for node in "ab":
            for id in ("text", 1.5, 2**64):
                wire = self.client(node, service)
                wire.send(request(id, self.name("get")))
                got = service.take()
                wire.send(notification("$/cancelRequest", {"id": id}))
                self.assert_cancelled(service, got)
                got.fail(-32800, "cancelled")
                self.assert_error(wire.receive(), -32800, id=id)

    def test_a_result_that_was_there_first_wins_over_the_cancellation(self):
        service = self.serve("b", "get")
        wire = self.client("a", service)
        wire.send(request(1, self.name("get")))
        got = service.take()
        wire.send(notification("$/cancelRequest", {"id": 1}))
        self.assert_cancelled(service, got)
        got.answer("done already")
        self.assert_ok(wire.receive(), "done already")

    def test_a_caller_that_leaves_cancels_its_calls(self):
        service = self.serve("b", "get")
        for node in "ab":
            wire = self.client(node, service)
            self.assertIn("result", wire.call("connect", {"name": "caller"}))
            wire.send(request(1, self.name("get")), request(2, self.name("get")))
            calls = [service.take() for _ in range(2)]
            wire.close()
            cancels = [service.take() for _ in range(2)]
            self.assertEqual({cancel.params["id"] for cancel in cancels}, {got.id for got in calls})
            self.assertEqual({cancel.method for cancel in cancels}, {"$/cancelRequest"})

    def test_late_answers_are_dropped(self):
        service = self.serve("b", "get")
        for node in "ab":
            wire = self.client(node, service)
            wire.send(request(1, self.name("get"), deadline_ms=SHORT_MS))
            got = service.take_call()
            self.assertEqual(wire.receive()["error"]["code"], 4)
            self.assert_cancelled(service, got)
            for _ in range(3):
                got.answer("late")
            # Behind the late answers on their way; the next call is answered with its own result.
            wire.send(request(1, self.name("get")))
            service.take_call().answer("in time")
            self.assert_ok(wire.receive(), "in time")
        self.assert_alive(self.mesh["b"])

    def test_an_answer_under_an_id_of_someone_else_is_none(self):
        first, second = self.serve("b", "first"), self.serve("b", "second")
        wire = self.client("a", first, second)
        wire.send(request(1, self.name("first")))
        got = first.take()
        second.wire.send({"jsonrpc": "2.0", "id": got.id, "result": "forged"})
        self.assertEqual(second.call("foo")["result"], "ok")
        got.answer("genuine")
        self.assert_ok(wire.receive(), "genuine")

    def test_losing_the_service_fails_its_calls_as_unknown(self):
        # Many times: the news that it has gone and the failure of its calls take different ways to a.
        for _ in range(20):
            service = self.serve("b", "get")
            wires = {node: self.client(node, service) for node in "ab"}
            for wire in wires.values():
                wire.send(request(1, self.name("get")))
                service.take()
            service.close()
            for wire in wires.values():
                self.assert_mesh_error(wire.receive(), 14, "unknown", self.mesh["b"])

    def test_notifications_are_forwarded_and_never_answered(self):
        service = self.serve("b", "get")
        for node in "ab":
            wire = self.client(node, service)
            message = '{"jsonrpc":"2.0", "params" : [1e400],"method":"%s"}' % self.name("get")
            wire.send(message, notification(self.name("nobody")), request(1, self.name("get")))
            got = service.take()
            self.assertEqual(got.raw, message.encode())
            service.take().answer("after")
            self.assert_ok(wire.receive(), "after")

    def test_a_batch_is_answered_in_its_order(self):
        one, two = self.serve("b", "one"), self.serve("c", "two")
        wire = self.client("a", one, two)
        wire.send([request(1, self.name("two"), [1]), request(2, "foo"), notification(self.name("one"), ["note"]),
                   request(3, self.name("one"), [3]), request(4, self.name("nobody")),
                   request(5, self.name("one"), [5])])
        got = [one.take() for _ in range(3)]
        self.assertEqual([each.params for each in got], [["note"], [3], [5]])
        for each in (*reversed(got[1:]), two.take()):
            each.answer(each.params)
        answers = wire.receive()
        self.assertEqual([answer["id"] for answer in answers], [1, 2, 3, 4, 5])
        self.assertEqual([answer.get("result") for answer in answers], [[1], "ok", [3], None, [5]])
        self.assertEqual(answers[3]["error"]["code"], -32601)

    def test_requests_of_one_connection_arrive_in_the_order_they_were_sent(self):
        arrived = []

        def note(got):
            arrived.append(got.params[0])
            got.answer(got.params[0])

        service = self.serve("b", "get", handler=note)
        for node in "ab":
            wire = self.client(node, service)
            arrived.clear()
            wire.send(*(request(id, self.name("get"), [id]) for id in range(1000)))
            self.assertEqual([wire.receive()["result"] for _ in range(1000)], list(range(1000)))
            self.assertEqual(arrived, list(range(1000)))

    def test_trace_context_travels_along(self):
        service = self.serve("b", "get")
        wire = self.client("a", service)
        trace = "0af7651916cd43dd8448eb211c80319c"
        wire.send(request(1, self.name("get"), traceparent=f"00-{trace}-b7ad6b7169203331-01", tracestate="v=1"))
        got = service.take()
        self.assertEqual(got.message["traceparent"].split("-")[1], trace)
        self.assertEqual(got.message["tracestate"], "v=1")
        got.answer("ok")
        self.assert_ok(wire.receive(), "ok")

    def test_nothing_stays_under_way(self):
        service = self.serve("b", "get", handler=echo)
        wire = self.client("a", service)
        wire.send(*(request(id, self.name("get")) for id in range(100)))
        for _ in range(100):
            self.assertIn("result", wire.receive())
        for node in "ab":
            for direction in "inbound", "outbound":
                eventually(lambda: self.mesh[node].in_flight(direction) == 0, f"nothing {direction} at {node}")


class OneReactor(Forwarding, ServiceCase):
    options = ("--reactors", "1")


class ThreeReactors(Forwarding, ServiceCase):
    options = ("--reactors", "3")


if __name__ == "__main__":
    main()
