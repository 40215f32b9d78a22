"""A node of a mesh is told to stop: its clients and peers lose nothing that was under way."""

import signal
import time

from setup import MeshCase, eventually, main, relay, request, sleep_on

from service import Service

# What a busy machine may add to a time limit.
SLACK = 10


class Drain(MeshCase):
    def start(self, *options):
        self.mesh = self.start_mesh(["a", "b"], "--reactors", "2", *options)
        self.a, self.b = self.mesh["a"], self.mesh["b"]

    def introduced(self, node):
        wire = self.connect(node)
        wire.call("connect", {"name": "client", "heartbeat_ms": 60_000})
        return wire

    def under_way(self, wire, ms):
        """A call over `wire`, which is connected to a, that b works on for so long."""
        wire.send(sleep_on("slow", "b", ms=ms))
        eventually(lambda: self.b.in_flight() == 1, "b works on the call")

    def test_readiness_is_gone_before_anyone_is_told(self):
        self.start()
        wire = self.introduced(self.b)
        self.under_way(self.connect(self.a), 3000)
        self.assertEqual(self.b.admin("/readyz")[0], 200)
        self.b.terminate()
        self.assertEqual(wire.receive()["method"], "$/goaway")
        status, body = self.b.admin("/readyz")
        self.assertEqual(status, 503)
        self.assertIn("[-]serving failed: draining", body)
        self.assertEqual(wire.call("mesh.health")["result"], {"status": "NOT_SERVING", "node": "node-b"})
        self.b.wait()

    def test_what_a_peer_has_in_flight_is_finished(self):
        self.start()
        wire = self.connect(self.a)
        self.under_way(wire, 1500)
        self.b.terminate()
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": "slow", "result": "ok"})
        self.b.wait()

    def test_peers_send_nothing_new(self):
        self.start()
        wire = self.connect(self.a)
        self.under_way(wire, 3000)
        told = self.introduced(self.b)
        self.b.terminate()
        self.assertEqual(told.receive()["method"], "$/goaway")
        # The goaway to a may still be on its way: until it is there, calls are answered as before.
        answer = eventually(lambda: (answer := self.ask(wire, relay(1, "b"))).get("error") and answer,
                            "a sends no more calls to b")
        self.assert_mesh_error(answer, 14, "no", self.a)
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": "slow", "result": "ok"})
        self.b.wait()

    def serve(self, node):
        service = Service(node, ["moves.get"], lambda got: got.answer(node.id) if got.id is not None else None,
                          heartbeat_ms=60_000)
        self.addCleanup(service.close)
        return service

    def state_at_a(self, node):
        """Of moves.get's instance behind that node."""
        instances = [each for route in self.a.page("/routes") if route["method"] == "moves.get"
                     for each in route["instances"]]
        return next((each["state"] for each in instances if each["node"] == node.id), None)

    def test_the_last_instance_is_called_until_it_is_known_elsewhere(self):
        self.start("--drain-handover", "60s", "--drain-timeout", "60s")
        old = self.serve(self.b)
        wire = self.connect(self.a)
        old.reachable_from(wire)
        self.b.terminate()
        eventually(lambda: self.state_at_a(self.b) == "draining", "a knows that b drains")
        self.assert_ok(wire.call("moves.get"), "node-b")
        new = self.serve(self.a)
        new.reachable_from(wire)
        for _ in range(20):
            self.assert_ok(wire.call("moves.get"), "node-a")
        old.close()
        self.b.wait()

    def test_what_nobody_takes_over_is_withdrawn_after_the_handover(self):
        self.start("--drain-handover", "300ms", "--drain-timeout", "60s")
        old = self.serve(self.b)
        wire = self.connect(self.a)
        old.reachable_from(wire)
        self.under_way(wire, 3000)
        since = time.monotonic()
        self.b.terminate()
        # The call that b works on keeps it from ending: it is not the end of the link that withdraws.
        answer = eventually(lambda: (answer := self.ask(wire, request(1, "moves.get"))).get("error") and answer,
                            "a sends no more calls to b")
        self.assertGreaterEqual(time.monotonic() - since, 0.3)
        self.assert_mesh_error(answer, 14, "no", self.a)
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": "slow", "result": "ok"})
        self.b.wait()

    def test_services_that_others_have_as_well_keep_nobody_waiting(self):
        self.start("--drain-handover", "60s", "--drain-timeout", "60s")
        wire = self.connect(self.b)
        self.serve(self.a).reachable_from(wire)
        wire.call("connect", {"serves": ["moves.get"], "heartbeat_ms": 60_000})
        since = time.monotonic()
        self.b.stop()
        self.assertLess(time.monotonic() - since, SLACK)

    def test_the_node_that_relays_finishes_as_well(self):
        self.start()
        wire = self.introduced(self.a)
        self.under_way(wire, 1500)
        self.a.terminate()
        self.assertEqual(wire.receive()["method"], "$/goaway")
        self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": "slow", "result": "ok"})
        self.assertEqual(wire.until_closed(), [])
        self.a.wait()
        self.assert_alive(self.b)

    def test_it_ends_soon_after_the_last_call(self):
        self.start()
        wire = self.connect(self.a)
        self.under_way(wire, 1500)
        self.b.terminate()
        self.assertEqual(wire.receive()["result"], "ok")
        since = time.monotonic()
        self.b.wait()
        self.assertLess(time.monotonic() - since, 5)

    def test_a_call_that_outlives_the_timeout_is_cut_off(self):
        self.start("--drain-timeout", "500ms")
        wire = self.connect(self.a)
        self.under_way(wire, 25_000)
        since = time.monotonic()
        self.b.terminate()
        error = self.assert_error(wire.receive(), 14, id="slow")
        self.assertEqual(error["data"]["executed"], "unknown")
        self.b.wait()
        took = time.monotonic() - since
        self.assertGreater(took, 0.4, "the call had 500 ms to finish")
        self.assertLess(took, 0.5 + SLACK)

    def test_a_second_signal_ends_it_at_once(self):
        self.start("--drain-timeout", "60s")
        told = self.introduced(self.b)
        wire = self.connect(self.a)
        self.under_way(wire, 25_000)
        self.b.terminate()
        self.assertEqual(told.receive()["method"], "$/goaway")
        since = time.monotonic()
        self.b.terminate()
        self.b.wait(expected=128 + signal.SIGTERM)
        self.assertLess(time.monotonic() - since, SLACK)
        self.assert_mesh_error(wire.receive(), 14, "unknown", self.a, id="slow")

    def test_the_mesh_goes_on_without_it_and_takes_it_back(self):
        self.start("--mesh-reconnect-max", "200ms")
        self.b.stop()
        self.assert_alive(self.a)
        eventually(lambda: not self.a.peer_is("b", "up"), "a has noticed")
        self.b = self.mesh.start("b")
        eventually(lambda: self.a.peer_is("b", "up"), "b is up again")
        wire = self.connect(self.a)
        self.assert_ok(self.ask(wire, relay(1, "b")), {"node": "node-b"})

    def test_a_rolling_restart_fails_no_call_that_was_accepted(self):
        """Each node in turn; a client that heeds goaway and connects anew sees only results."""
        self.start("--mesh-reconnect-max", "100ms")
        for name in "ab":
            wire = self.introduced(self.mesh[name])
            wire.send(*(sleep_on(id, ms=1500) for id in range(50)))
            eventually(lambda: self.mesh[name].in_flight() == 50, "the calls have arrived")
            self.mesh[name].terminate()
            self.assertEqual(wire.receive()["method"], "$/goaway")
            answers = [wire.receive() for _ in range(50)]
            self.assertEqual({answer.get("result") for answer in answers}, {"ok"})
            self.mesh[name].wait()
            self.mesh.start(name)
            self.mesh.wait_until_up()


if __name__ == "__main__":
    main()
