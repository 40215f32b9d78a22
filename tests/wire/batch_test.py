"""Batches: one array of answers in request order, no frame without an answer, one error if too long."""

import json

from suite import WireCase, main, notification, request


class Batches(WireCase):
    def batch(self, *messages):
        """The answers to a batch; the reply must be one frame."""
        return json.loads(self.reply(list(messages)))

    def test_answers_come_in_request_order(self):
        answers = self.batch(request("c", "demo.sleep", {"ms": 200}), request(2, "foo"),
                             request("a", "demo.sleep", {"ms": 50}), request(None, "demo.echo", [1]))
        self.assertEqual([(a["id"], a["result"]) for a in answers],
                         [("c", "ok"), (2, "ok"), ("a", "ok"), (None, [1])])

    def test_requests_run_at_the_same_time(self):
        # One after the other they would need more than the deadline that each of them has.
        calls = [request(id, "demo.sleep", {"ms": 400}, deadline_ms=6000) for id in range(20)]
        self.assertEqual([a.get("result") for a in self.batch(*calls)], ["ok"] * 20)

    def test_of_one(self):
        self.assertEqual(self.reply(b'[{"jsonrpc":"2.0","id":1e2,"method":"foo"}]'),
                         b'[{"jsonrpc":"2.0","id":1e2,"result":"ok"}]')

    def test_mixed(self):
        response = {"jsonrpc": "2.0", "id": 9, "result": 1}
        answers = self.batch(request(1, "foo"), notification("foo"), 7, request(2, "no.such.method"),
                             {"foo": "boo"}, request(3, 1), response, request(4, "demo.sum", {"values": "x"}))
        self.assertEqual([(a["id"], a.get("error", {}).get("code")) for a in answers],
                         [(1, None), (None, -32600), (2, -32601), (None, -32600), (3, -32600), (4, -32602)])

    def test_of_notifications_has_no_answer(self):
        sleep = notification("demo.sleep", {"ms": 5})
        self.assert_silent([notification("foo"), notification("no.such.method"), sleep])

    def test_of_responses_has_no_answer(self):
        self.assert_silent(b'[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":2,"error":1}]')

    def test_of_scalars(self):
        answers = json.loads(self.reply(b"[1,2,3]"))
        self.assertEqual(len(answers), 3)
        for answer in answers:
            self.assert_error(answer, -32600)

    def test_of_batches(self):
        (answer,) = json.loads(self.reply(b'[[{"jsonrpc":"2.0","id":1,"method":"foo"}]]'))
        self.assert_error(answer, -32600)

    def test_empty(self):
        self.assert_error(self.reply(b"[]"), -32600)
        self.assert_error(self.reply(b" [ \n] "), -32600)

    def test_one_id_twice(self):
        answers = self.batch(request(1, "demo.sleep", {"ms": 100}), request(1, "foo"))
        self.assertEqual([(a["id"], "error" in a) for a in answers], [(1, False), (1, True)])
        self.assert_error(answers[1], -32600, 1)

    def test_longest(self):
        answers = self.batch(*(request(id, "foo") for id in range(100)))
        self.assertEqual([a["id"] for a in answers], list(range(100)))

    def test_over_the_limit(self):
        for size in 101, 5000:
            error = self.assert_error(self.reply([request(id, "foo") for id in range(size)]), -32600)
            self.assertIn("100", error["message"], "the message should name the limit")

    def test_cancelled_inside(self):
        wire = self.connect()
        wire.send([request(1, "demo.sleep", {"ms": 600_000}), request(2, "foo")])
        wire.send(notification("$/cancelRequest", {"id": 1}))
        cancelled, done = wire.receive()
        self.assert_error(cancelled, -32800, 1)
        self.assertEqual(done["result"], "ok")


class ShortBatches(WireCase):
    options = ("--limits-batch-size", "2")

    def test_limit_is_configurable(self):
        self.assertEqual(len(json.loads(self.reply([request(1, "foo"), request(2, "foo")]))), 2)
        self.assert_error(self.reply([request(1, "foo"), request(2, "foo"), notification("foo")]), -32600)


if __name__ == "__main__":
    main()
