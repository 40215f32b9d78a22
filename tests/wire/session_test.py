"""Between two messages: connect, heartbeats, deadlines, cancellation, calls in both directions."""

import json
import signal
import time

from suite import WireCase, main, notification, request

# Three of them are longer than a busy machine keeps this process or the node waiting.
INTERVAL_MS = 500
LONG = {"ms": 25_000}


class Connect(WireCase):
    def test_introduces(self):
        wire = self.connect()
        answer = wire.call("connect", {"name": "test", "instance": "1", "heartbeat_ms": 5000})
        result = answer["result"]
        self.assertEqual((result["node"], result["heartbeat_ms"]), (self.node.id, 5000))
        self.assertIn("connection", result)
        self.assertEqual(result["limits"]["frame_bytes"], 1 << 20)
        self.assertEqual(result["limits"]["batch_size"], 100)

    def test_is_optional_and_all_its_params_are(self):
        wire = self.connect()
        self.assertEqual(wire.call("foo")["result"], "ok")
        self.assertGreater(wire.call("connect")["result"]["heartbeat_ms"], 0)
        self.assertGreater(wire.call("connect", {})["result"]["heartbeat_ms"], 0)

    def test_may_be_sent_again(self):
        wire = self.connect()
        for name in "first", "second":
            self.assertIn("result", wire.call("connect", {"name": name}))
        status, page = self.node.admin("/connections")
        self.assertEqual(status, 200)
        self.assertIn('"second"', page)
        self.assertNotIn('"first"', page)


class Heartbeats(WireCase):
    def test_are_answered(self):
        self.assertEqual(self.connect().call("heartbeat"), {"jsonrpc": "2.0", "id": 1, "result": "ok"})

    def introduce(self):
        wire = self.connect()
        wire.call("connect", {"name": "test", "heartbeat_ms": INTERVAL_MS})
        return wire

    def test_whoever_answers_them_is_kept(self):
        wire = self.introduce()
        for _ in range(5):
            message = wire.receive()
            self.assertEqual(message["method"], "heartbeat")
            wire.send({"jsonrpc": "2.0", "id": message["id"], "result": "ok"})
        wire.send(request("still", "foo"))
        while (answer := wire.receive()).get("id") != "still":
            self.assertEqual(answer["method"], "heartbeat")
        self.assertEqual(answer["result"], "ok")

    def test_whoever_is_silent_is_cut_after_three_intervals(self):
        before = self.node.metric("weft_limit_hits_total", limit="heartbeat")
        wire = self.introduce()
        since = time.monotonic()
        messages = [json.loads(payload) for payload in wire.until_closed()]
        self.assertGreaterEqual(time.monotonic() - since, 2.5 * INTERVAL_MS / 1000)
        self.assertTrue(messages, "the node should have asked before it hung up")
        self.assertEqual({message["method"] for message in messages}, {"heartbeat"})
        self.assertEqual(self.node.metric("weft_limit_hits_total", limit="heartbeat"), before + 1)

    def test_any_bytes_count_as_life(self):
        wire = self.introduce()
        end = time.monotonic() + 5 * INTERVAL_MS / 1000
        turn = 0
        while time.monotonic() < end:
            turn += 1
            wire.send(request(turn, "demo.sleep", {"ms": INTERVAL_MS / 2}))
            while wire.receive().get("id") != turn:
                pass

    def test_what_came_while_the_node_was_stopped_counts_as_life(self):
        """As in a container that is paused: its timers expire before it has read a byte."""
        # Several, on all reactors.
        wires = [self.introduce() for _ in range(8)]
        self.node.stop_running()
        try:
            for wire in wires:
                wire.send(request("sent", "foo"))
            time.sleep(4 * INTERVAL_MS / 1000)
        finally:
            self.node.process.send_signal(signal.SIGCONT)
        for wire in wires:
            while (answer := wire.receive()).get("id") != "sent":
                self.assertEqual(answer["method"], "heartbeat")
            self.assertEqual(answer["result"], "ok")

    def test_plain_clients_need_none(self):
        introduced, plain = self.introduce(), self.connect()
        plain.call("foo")
        introduced.until_closed()
        self.assertTrue(plain.nothing_pending())
        self.assertEqual(plain.call("foo")["result"], "ok")


class Deadlines(WireCase):
    def test_expired_on_arrival(self):
        for deadline in 0, -1, -1e300:
            answer = self.connect().call("demo.sleep", {"ms": 1}, deadline_ms=deadline)
            self.assert_mesh_error(answer, 4, "no")

    def test_expires_while_the_method_runs(self):
        answer = self.connect().call("demo.sleep", LONG, deadline_ms=50)
        self.assert_mesh_error(answer, 4, "unknown")

    def test_expires_while_a_blocking_method_runs(self):
        answer = self.connect().call("demo.blocking", {"ms": 2000}, deadline_ms=50)
        self.assert_mesh_error(answer, 4, "unknown")

    def test_expires_while_the_client_is_asked(self):
        wire = self.connect()
        params = {"method": "ask", "params": []}
        wire.send(request(1, "demo.callback", params, deadline_ms=200))
        question = wire.receive()
        self.assertLessEqual(question["deadline_ms"], 200, "the call that it makes has less time left")
        messages = {message.get("method", "answer"): message for message in (wire.receive(), wire.receive())}
        self.assertEqual(messages["$/cancelRequest"]["params"], {"id": question["id"]})
        self.assert_mesh_error(messages["answer"], 4, "unknown")

    def test_far_away(self):
        for deadline in 1, 60_000, 1e300, 1234.5:
            answer = self.connect().call("foo", deadline_ms=deadline)
            self.assertEqual(answer["result"], "ok")

    def test_is_a_number(self):
        for deadline in "50", None, [], {}, True:
            with self.subTest(deadline=deadline):
                self.assert_error(self.connect().call("foo", deadline_ms=deadline), -32600, 1)


class Cancellation(WireCase):
    def cancel(self, id):
        return notification("$/cancelRequest", {"id": id})

    def test_is_answered_once(self):
        wire = self.connect()
        wire.send(request(7, "demo.sleep", LONG), self.cancel(7), self.cancel(7))
        self.assert_error(wire.receive(), -32800, 7)
        wire.send(self.cancel(7), request(7, "foo"))
        wire.finish()
        self.assertEqual([json.loads(a)["result"] for a in wire.until_closed()], ["ok"])

    def test_of_a_blocking_method(self):
        wire = self.connect()
        wire.send(request(1, "demo.blocking", {"ms": 1000}), self.cancel(1))
        self.assert_error(wire.receive(), -32800, 1)

    def test_of_unknown_ids_is_ignored(self):
        for params in b'{"id":99}', b'{"id":null}', b"{}", b"[]", b"[7]", b'{"id":{}}', b"null":
            with self.subTest(params=params):
                self.assert_silent(b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":' + params + b"}")

    def test_finds_ids_as_they_were_written(self):
        for id in b"18446744073709551616", b"1e2", rb'"\u0041"', b'"1"':
            with self.subTest(id=id):
                wire = self.connect()
                wire.send(b'{"jsonrpc":"2.0","id":' + id + b',"method":"demo.sleep","params":{"ms":25000}}',
                          b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":' + id + b"}}")
                answer = wire.receive_payload()
                expected = b'{"jsonrpc":"2.0","id":' + id + b',"error":{"code":-32800,'
                self.assertTrue(answer.startswith(expected), answer)

    def test_tells_number_and_string_apart(self):
        wire = self.connect()
        wire.send(request(1, "demo.sleep", LONG), request("1", "demo.sleep", LONG), self.cancel("1"))
        self.assert_error(wire.receive(), -32800, "1")
        wire.send(self.cancel(1))
        self.assert_error(wire.receive(), -32800, 1)

    def test_concerns_the_connection_it_came_over(self):
        mine, other = self.connect(), self.connect()
        mine.send(request(1, "demo.sleep", LONG))
        other.send(request(1, "demo.sleep", LONG), self.cancel(1))
        self.assert_error(other.receive(), -32800, 1)
        self.assertEqual(mine.call("foo", id=2)["id"], 2)
        self.assertTrue(mine.nothing_pending())

    def test_travels_to_the_calls_that_the_method_made(self):
        wire = self.connect()
        wire.send(request(1, "demo.callback", {"method": "ask", "params": []}))
        question = wire.receive()
        wire.send(self.cancel(1))
        messages = {message.get("method", "answer"): message for message in (wire.receive(), wire.receive())}
        self.assertEqual(messages["$/cancelRequest"]["params"], {"id": question["id"]})
        self.assert_error(messages["answer"], -32800, 1)
        self.assert_silent({"jsonrpc": "2.0", "id": question["id"], "result": "too late"})

    def test_as_a_request_is_no_method(self):
        self.assert_error(self.reply(request(1, "$/cancelRequest", {"id": 5})), -32601, 1)


class Disconnect(WireCase):
    def test_of_the_caller_cancels_its_calls(self):
        wire = self.connect()
        wire.send(*(request(id, "demo.sleep", LONG) for id in range(50)), request("last", "foo"))
        self.assertEqual(wire.receive()["id"], "last")
        self.assertEqual(self.node.metric("weft_calls_in_flight", direction="inbound"), 50)
        wire.reset()
        self.until(lambda: self.node.metric("weft_calls_in_flight", direction="inbound") == 0)

    def test_of_the_one_who_is_asked_fails_the_call(self):
        wire = self.connect()
        wire.send(request(1, "demo.callback", {"method": "ask", "params": []}))
        wire.receive()
        wire.reset()
        self.until(lambda: self.node.metric("weft_calls_in_flight", direction="outbound") == 0)
        self.assert_alive()

    def until(self, condition):
        """Asks again and again: each look takes a round trip to the node's admin port."""
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline, "the calls are still under way")


class TraceContext(WireCase):
    PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    def test_is_continued_in_the_calls_that_the_method_makes(self):
        wire = self.connect()
        wire.send(request(1, "demo.callback", {"method": "ask", "params": []}, traceparent=self.PARENT,
                          tracestate="vendor=value"))
        question = wire.receive()
        self.assertEqual(question["traceparent"][:36], self.PARENT[:36], "the trace id must stay")
        self.assertEqual(question["tracestate"], "vendor=value")

    def test_is_not_invented(self):
        wire = self.connect()
        wire.send(request(1, "demo.callback", {"method": "ask", "params": []}))
        self.assertNotIn("traceparent", wire.receive())


if __name__ == "__main__":
    main()
