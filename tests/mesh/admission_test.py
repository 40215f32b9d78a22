"""Calls beyond a limit of calls under way wait for room, for a bounded time, in a bounded queue."""

import subprocess

from setup import eventually, main, request
from service_case import ServiceCase

from service import echo

# Long enough that nothing here waits too long by accident.
PATIENT = ("--limits-queue-interval", "50s", "--limits-queue-target", "50s")
RESOURCE_EXHAUSTED = 8


class Waiting(ServiceCase):
    options = ("--reactors", "2", "--limits-share-percent", "100", "--limits-queue-length", "4", "--limits-method-in-flight", "limited.*=2",
               "--limits-method-in-flight", "demo.sleep=1", *PATIENT)

    def queued(self, node):
        return self.mesh[node].metric("weft_calls_queued")

    def hits(self, node, limit):
        return self.mesh[node].metric("weft_limit_hits_total", limit=limit)

    def test_a_call_waits_until_the_instance_has_room(self):
        service = self.serve("a", {"method": "get", "max_in_flight": 2})
        wire = self.client("a", service)
        wire.send(*(request(id, self.name("get")) for id in range(4)))
        first, second = service.take(), service.take()
        eventually(lambda: self.queued("a") == 2, "two calls wait")
        self.assertTrue(service.idle())
        second.answer("second")
        self.assert_ok(wire.receive(), "second", id=1)
        third = service.take()
        eventually(lambda: self.queued("a") == 1, "one call waits")
        third.answer("third")
        self.assert_ok(wire.receive(), "third", id=2)
        for got in (first, service.take()):
            got.answer("late")
        self.assertEqual({wire.receive()["id"] for _ in range(2)}, {0, 3})
        self.assertEqual(self.queued("a"), 0)

    def test_calls_of_other_connections_and_nodes_wait_too(self):
        service = self.serve("a", {"method": "get", "max_in_flight": 1})
        wires = [self.client(node, service) for node in "aaabbc"]
        before = self.mesh["a"].metric("weft_limit_hits_total", limit="queue_length")
        for wire in wires[:5]:
            wire.send(request(1, self.name("get")))
        for _ in range(5):
            service.take().answer("ok")
        for wire in wires[:5]:
            self.assert_ok(wire.receive(), "ok")
        self.assertEqual(self.hits("a", "queue_length"), before)

    def test_a_new_instance_takes_the_waiting_calls(self):
        service = self.serve("a", {"method": "get", "max_in_flight": 1})
        wire = self.client("a", service)
        wire.send(*(request(id, self.name("get")) for id in range(3)))
        held = service.take()
        eventually(lambda: self.queued("a") == 2, "two calls wait")
        self.serve("a", {"method": "get", "max_in_flight": 2}, handler=echo)
        self.assertEqual({wire.receive()["id"] for _ in range(2)}, {1, 2})
        held.answer("ok")
        self.assert_ok(wire.receive(), "ok", id=0)

    def test_calls_that_wait_when_the_last_instance_leaves_are_told(self):
        service = self.serve("a", {"method": "get", "max_in_flight": 1})
        wire = self.client("a", service)
        wire.send(*(request(id, self.name("get")) for id in range(2)))
        service.take()
        eventually(lambda: self.queued("a") == 1, "one call waits")
        service.close()
        answers = {answer["id"]: answer for answer in (wire.receive() for _ in range(2))}
        self.assert_mesh_error(answers[0], 14, "unknown", self.mesh["a"], id=0)
        self.assert_mesh_error(answers[1], 14, "no", self.mesh["a"], id=1)

    def test_the_queue_is_bounded(self):
        service = self.serve("a", {"method": "get", "max_in_flight": 1})
        wire = self.client("a", service)
        before = self.hits("a", "queue_length")
        wire.send(*(request(id, self.name("get")) for id in range(6)))
        error = self.assert_mesh_error(wire.receive(), RESOURCE_EXHAUSTED, "no", self.mesh["a"], id=5)
        self.assertIn("limits.queue_length", error["message"])
        self.assertGreater(error["data"]["retry_after_ms"], 0)
        self.assertEqual(self.hits("a", "queue_length"), before + 1)
        for _ in range(5):
            service.take().answer("ok")
        self.assertEqual([wire.receive()["id"] for _ in range(5)], list(range(5)))

    def test_a_waiting_call_can_be_cancelled_and_meets_its_deadline(self):
        service = self.serve("a", {"method": "get", "max_in_flight": 1})
        wire = self.client("a", service)
        wire.send(request("held", self.name("get")))
        held = service.take()
        wire.send(request("cancelled", self.name("get")), request("late", self.name("get"), deadline_ms=50))
        self.assert_mesh_error(wire.receive(), 4, "no", self.mesh["a"], id="late")
        wire.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "cancelled"}})
        self.assert_error(wire.receive(), -32800, id="cancelled")
        self.assertEqual(self.queued("a"), 0)
        held.answer("ok")
        self.assert_ok(wire.receive(), "ok", id="held")
        self.assertTrue(service.idle())

    def test_who_hangs_up_stops_waiting(self):
        service = self.serve("a", {"method": "get", "max_in_flight": 1})
        wire, gone = self.client("a", service), self.client("a", service)
        wire.send(request(1, self.name("get")))
        held = service.take()
        gone.send(request(1, self.name("get")))
        eventually(lambda: self.queued("a") == 1, "one call waits")
        gone.close()
        eventually(lambda: self.queued("a") == 0, "nobody waits")
        held.answer("ok")
        self.assert_ok(wire.receive(), "ok")
        self.assertTrue(service.idle())

    def test_a_method_has_a_limit_of_its_own_over_all_instances(self):
        services = [self.serve("a", "get") for _ in range(2)]
        for service in services:
            service.wire.send(request("again", "connect", {"serves": ["limited.get", service.ready]}))
            service._answers.get(timeout=60)
        wire = self.client("a", *services)
        eventually(lambda: len(self.instances("limited.get")) == 2, "both serve it")
        wire.send(*(request(id, "limited.get") for id in range(3)))
        eventually(lambda: self.queued("a") == 1, "the third call waits")
        self.assertEqual(self.route("limited.get")["max_in_flight"], 2)
        self.assertEqual(self.route("limited.get")["waiting"], 1)
        self.assertIn("limited.get (1 waiting)", subprocess.check_output(
            [self.mesh["a"].binary, "routes", "%s:%d" % self.mesh["a"].admin_address], text=True, timeout=60))
        for _ in range(3):
            eventually(lambda: not all(service.idle() for service in services), "a call arrives")
            next(service for service in services if not service.idle()).take().answer("ok")
        self.assertEqual({wire.receive()["id"] for _ in range(3)}, {0, 1, 2})

    def route(self, method):
        return next((route for route in self.mesh["a"].page("/routes") if route["method"] == method), {})

    def instances(self, method):
        return self.route(method).get("instances", [])

    def test_a_method_of_the_process_can_be_limited(self):
        wires = [self.connect(self.mesh["a"]) for _ in range(3)]
        wires[0].send(request("slow", "demo.sleep", {"ms": 25_000}))
        eventually(lambda: self.mesh["a"].in_flight() == 1, "it has begun")
        for wire in wires[1:]:
            wire.send(request(1, "demo.sleep", {"ms": 1}))
        eventually(lambda: self.queued("a") == 2, "two calls wait")
        wires[0].send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "slow"}})
        self.assert_error(wires[0].receive(), -32800, id="slow")
        for wire in wires[1:]:
            self.assert_ok(wire.receive(), "ok")


class Impatient(ServiceCase):
    options = ("--limits-share-percent", "100", "--limits-queue-interval", "100ms", "--limits-queue-target", "1ms", "--limits-held-request-bytes",
               "2KiB", "--retry-attempts", "1")

    def test_a_call_waits_no_longer_than_the_interval(self):
        service = self.serve("a", {"method": "get", "max_in_flight": 1})
        wire = self.client("a", service)
        before = self.mesh["a"].metric("weft_limit_hits_total", limit="queue_wait")
        wire.send(*(request(id, self.name("get")) for id in range(2)))
        held = service.take()
        error = self.assert_mesh_error(wire.receive(), RESOURCE_EXHAUSTED, "no", self.mesh["a"], id=1)
        self.assertIn("limits.queue_interval", error["message"])
        self.assertEqual(error["data"]["retry_after_ms"], 100)
        self.assertEqual(self.mesh["a"].metric("weft_limit_hits_total", limit="queue_wait"), before + 1)
        self.assertGreaterEqual(self.mesh["a"].metric("weft_calls_queue_wait_seconds_total"), 0.1)
        held.answer("ok")
        self.assert_ok(wire.receive(), "ok", id=0)

    def test_requests_that_are_kept_have_a_limit_of_bytes(self):
        service = self.serve("a", "get")
        wire = self.client("a", service)
        before = self.mesh["a"].metric("weft_limit_hits_total", limit="held_request_bytes")
        for id in range(2):
            wire.send(request(id, self.name("get"), {"text": "x" * 1200}))
        error = self.assert_mesh_error(wire.receive(), RESOURCE_EXHAUSTED, "no", self.mesh["a"], id=1)
        self.assertIn("limits.held_request_bytes", error["message"])
        self.assertEqual(self.mesh["a"].metric("weft_limit_hits_total", limit="held_request_bytes"), before + 1)
        service.take().answer("ok")
        self.assert_ok(wire.receive(), "ok", id=0)
        wire.send(request(2, self.name("get"), {"text": "x" * 1200}))
        service.take().answer("what was answered makes room")
        self.assertEqual(wire.receive()["id"], 2)


if __name__ == "__main__":
    main()
