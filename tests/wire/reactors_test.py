"""What holds between two connections of one reactor holds between reactors: every way that a call takes from its caller
to a service and back, run on both. A way that the router treats apart for other reactors has its test here."""

import json

from suite import Closed, WireCase, eventually, main, notification, request

from service import Service

KIB = 1 << 10


class Ways:
    """`apart` says whether caller and service are on different reactors."""

    options = ("--reactors", "2", "--limits-output-soft-bytes", "64KiB", "--limits-output-hard-bytes", "1MiB",
               "--limits-held-request-bytes", "1MiB", "--limits-share-percent", "50", "--limits-frame-bytes", "512KiB",
               "--limits-queue-interval", "20s", "--limits-queue-target", "20s", "--protocol-cancel-grace", "100ms")
    apart = None

    def serve(self, method, handler=None, **declaration):
        service = Service(self.node, [{"method": method, **declaration}], handler)
        self.addCleanup(service.close)
        self.reactor = service.connected["connection"].split("-")[0]
        return service

    def caller(self, apart=None, **connect):
        """A connection on the service's reactor, or not."""
        while True:
            wire = self.connect()
            of = wire.call("connect", connect)["result"]["connection"].split("-")[0]
            if (of != self.reactor) == (self.apart if apart is None else apart):
                return wire

    def test_result_and_error(self):
        self.serve("way.m", lambda got: got.answer(got.params) if got.params else got.fail(7, "no params", data=[1]))
        wire = self.caller()
        self.assertEqual(wire.call("way.m", [1, {"a": None}])["result"], [1, {"a": None}])
        self.assertEqual(wire.call("way.m")["error"], {"code": 7, "message": "no params", "data": [1]})

    def test_batch(self):
        self.serve("way.m", lambda got: got.answer(got.params))
        wire = self.caller()
        wire.send([request(id, "way.m", [id]) for id in (1, "two", 3)])
        self.assertEqual([part["result"] for part in wire.receive()], [[1], ["two"], [3]])

    def test_deadline(self):
        service = self.serve("way.m")
        wire = self.caller()
        wire.send(request(1, "way.m", deadline_ms=50))
        self.assert_mesh_error(wire.receive(), 4, "unknown", id=1)
        got = service.take()
        self.assertLessEqual(got.message["deadline_ms"], 50)
        cancelled = service.take()
        self.assertEqual((cancelled.method, cancelled.params["id"]), ("$/cancelRequest", got.id))

    def test_cancellation_answered_and_not(self):
        service = self.serve("way.m")
        wire = self.caller()
        for answered in (True, False):
            wire.send(request(1, "way.m"), notification("$/cancelRequest", {"id": 1}))
            got = service.take()
            self.assertEqual(service.take().params["id"], got.id)
            if answered:
                got.fail(-32800, "stopped")
            self.assertEqual(wire.receive()["error"]["code"], -32800)
        got.answer("late")
        eventually(lambda: self.node.metric("weft_calls_left_behind") == 0, "the late answer ends it")

    def test_service_goes(self):
        service = self.serve("way.m")
        wire = self.caller()
        wire.send(request(1, "way.m"))
        service.take()
        service.close()
        self.assert_mesh_error(wire.receive(), 14, "unknown", id=1)
        eventually(lambda: wire.call("way.m", id=2)["error"]["code"] in (14, -32601), "nobody serves it")

    def test_caller_goes(self):
        service = self.serve("way.m")
        wire = self.caller()
        wire.send(request(1, "way.m"))
        got = service.take()
        wire.close()
        self.assertEqual(service.take().params["id"], got.id)
        got.answer("for nobody")
        eventually(lambda: self.node.metric("weft_calls_in_flight") == 0, "it is over")

    def test_malformed_answer(self):
        self.serve("way.m", lambda got: got.answer_raw(b'{"jsonrpc":"2.0","id":ID,"result":1,"error":{"code":1,"message":"x"}}'))
        self.assert_mesh_error(self.caller().call("way.m"), 14, "unknown")

    def test_answer_larger_than_the_caller_takes(self):
        self.serve("way.m", lambda got: got.answer("x" * 2000))
        wire = self.caller(limits={"frame_bytes": 1024})
        self.assertIn("1024", self.assert_mesh_error(wire.call("way.m"), 8, "unknown")["message"])
        self.assertEqual(wire.call("foo")["result"], "ok")

    def test_request_larger_than_the_service_takes(self):
        service = Service(self.node, ["way.m"], lambda got: got.answer("ok"), limits={"frame_bytes": 1024})
        self.addCleanup(service.close)
        self.reactor = service.connected["connection"].split("-")[0]
        wire = self.caller()
        self.assertIn("1024", self.assert_mesh_error(wire.call("way.m", ["x" * 2000]), 8, "no")["message"])
        self.assertEqual(wire.call("way.m", [1])["result"], "ok")

    def test_room_in_an_instance(self):
        service = self.serve("way.m", max_in_flight=1)
        wire = self.caller()
        wire.send(*(request(id, "way.m", [id]) for id in range(3)))
        for id in range(3):
            got = service.take_call()
            self.assertTrue(service.idle())
            self.assertEqual(got.params, [id])
            got.answer("done")
            self.assertEqual(wire.receive()["id"], id)

    def test_held_requests_have_shares(self):
        service = self.serve("way.m")
        wire = self.caller()
        wire.send(*(request(id, "way.m", ["x" * 400 * KIB]) for id in range(2)))
        self.assertIn("share", self.assert_mesh_error(wire.receive(), 8, "no", id=1)["message"])
        service.take().answer("ok")
        self.assertEqual(wire.receive()["result"], "ok")

    def test_order_of_one_caller(self):
        service = self.serve("way.*")
        wire = self.caller()
        wire.send(*(request(id, f"way.m{id}") if id % 3 else notification(f"way.m{id}") for id in range(200)))
        self.assertEqual([service.take().method for _ in range(200)], [f"way.m{id}" for id in range(200)])

    def test_notifications_to_a_service_that_does_not_read(self):
        method = "unread.m"
        service = self.connect(receive_buffer=4096)
        self.reactor = service.call("connect", {"serves": [method]})["result"]["connection"].split("-")[0]
        before = self.node.metric("weft_limit_hits_total", limit="output_soft_bytes")
        wire = self.caller()
        last = 400
        wire.send(*(notification(method, [number, "x" * 20 * KIB]) for number in range(last)))
        wire.call("foo")
        eventually(lambda: self.node.metric("weft_limit_hits_total", limit="output_soft_bytes") > before, "some are dropped")
        # It is not cut: when it reads, the next ones come.
        wire.send(request("end", method))
        numbers = []
        while (message := service.receive()).get("id") is None:
            numbers.append(message["params"][0])
        self.assertEqual(numbers, sorted(numbers))
        self.assertLess(len(numbers), last)

    def test_withdrawal(self):
        service = self.serve("way.m", lambda got: got.answer("ok"))
        wire = self.caller()
        self.assertEqual(wire.call("way.m")["result"], "ok")
        self.assertIn("result", service.call("connect", {"serves": []}))
        self.assertIn("error", wire.call("way.m"))


class OneReactor(Ways, WireCase):
    apart = False


class TwoReactors(Ways, WireCase):
    apart = True


if __name__ == "__main__":
    main()
