"""Calls that nobody waits for any more, while a service still works on them: whom they count against."""

from setup import Mesh, MeshCase, Secrets, eventually, main, notification, request, token_of

from service import Service

QUOTA = 4
ROUNDS = 3
IDENTITIES = {
    "limited": {"call": ["*"], "in_flight": QUOTA},
    "caller": {"call": ["*"]},
    "service": {"serve": ["*"], "call": []},
    "mesh": {"node": True},
}


def cancel(id):
    return notification("$/cancelRequest", {"id": id})


class LeftBehindCase(MeshCase):
    """Node a has the callers, the services are at node b; links and callers are on different reactors."""

    options = ("--reactors", "3", "--protocol-cancel-grace", "50ms")

    def serve(self, *serves, node="b", **connect):
        service = Service(self.mesh[node], serves, **connect)
        self.addCleanup(service.close)
        return service

    def under_way(self, node):
        return self.mesh[node].metric("weft_calls_in_flight", direction="inbound")

    def assert_nothing_under_way(self):
        for node in "ab":
            eventually(lambda: self.under_way(node) == 0, f"nothing is under way at {node}")
            self.assertEqual(self.mesh[node].metric("weft_calls_left_behind"), 0)


class Quotas(LeftBehindCase):
    @classmethod
    def setUpClass(cls):
        secrets = Secrets(cls.addClassCleanup)
        cls.mesh = Mesh(["a", "b"], *cls.options, "--auth-tokens-file", secrets.table(IDENTITIES),
                        "--peer-token-file", secrets.token("mesh"))
        cls.addClassCleanup(cls.mesh.stop)

    def as_(self, who):
        wire = self.connect(self.mesh["a"])
        self.assertIn("result", wire.call("connect", {"token": token_of(who)}))
        return wire

    def exceed(self, service, method, give_up):
        """Fills the quota, gives up, and tries again; what the service was asked for, all of which it still works on."""
        service.reachable_from(self.as_("caller"))
        for _ in range(ROUNDS):
            wire = self.as_("limited")
            wire.send(*(request(id, method, deadline_ms=60_000) for id in range(QUOTA)))
            give_up(wire)
        answer = self.as_("limited").call(method, id="one more")
        self.assertIn(f"{QUOTA} calls of 'limited'", self.assert_mesh_error(answer, 8, "no", self.mesh["a"], "one more")["message"])
        return [service.take_call() for _ in range(QUOTA)]

    def finish(self, service, asked):
        self.assertTrue(all(got.method == "$/cancelRequest" for got in service.taken()), "no more was asked for")
        for got in asked:
            got.answer("too late")
        self.assert_nothing_under_way()
        self.as_("limited").send(request("next", asked[0].method))
        service.take_call().answer("in time")

    def give_up(self, wire, end):
        if end == "cancel":
            wire.send(*(cancel(id) for id in range(QUOTA)))
            for _ in range(QUOTA):
                self.assertIn(wire.receive()["error"]["code"], (8, -32800))
        else:
            # What was asked for has come to the node.
            wire.send(request("behind", "mesh.health"))
            while wire.receive()["id"] != "behind":
                pass
        wire.close()

    def test_count_what_another_node_works_on(self):
        for end in "cancel", "close":
            with self.subTest(end=end):
                service = self.serve(f"{end}.m", token=token_of("service"))
                self.finish(service, self.exceed(service, f"{end}.m", lambda wire: self.give_up(wire, end)))

    def test_count_blocking_handlers_that_were_cancelled(self):
        wire = self.as_("limited")
        wire.send(*(request(id, "demo.blocking", {"ms": 1000}) for id in range(QUOTA)), *(cancel(id) for id in range(QUOTA)))
        self.assertEqual({wire.receive()["error"]["code"] for _ in range(QUOTA)}, {-32800})
        self.assert_mesh_error(self.as_("limited").call("demo.blocking", {"ms": 1}), 8, "no", self.mesh["a"])
        self.assertEqual(self.mesh["a"].metric("weft_calls_left_behind"), QUOTA)
        self.assert_nothing_under_way()
        self.assertIn("result", self.as_("limited").call("demo.blocking", {"ms": 1}))


class Links(LeftBehindCase):
    """Without identities."""

    def setUp(self):
        self.mesh = self.start_mesh("ab", *self.options)

    def test_a_link_does_not_pay_for_callers_that_are_gone(self):
        service = self.serve("silent.m")
        for ends in ("close",), ("cancel", "close"):
            with self.subTest(ends=ends):
                wire = self.connect(self.mesh["a"])
                service.reachable_from(wire)
                wire.send(*(request(id, "silent.m", deadline_ms=60_000) for id in range(50)))
                asked = [service.take_call() for _ in range(50)]
                if "cancel" in ends:
                    wire.send(*(cancel(id) for id in range(50)))
                    for answer in [wire.receive() for _ in range(50)]:
                        self.assert_mesh_error(answer, -32800, "unknown", self.mesh["a"], answer["id"])
                    self.assertEqual([self.under_way(node) for node in "ab"], [50, 50], "its connection has them still")
                wire.close()
                self.assert_nothing_under_way()
                asked[0].answer("to nobody")
                got = [service.take() for _ in range(50)]
                self.assertEqual({each.method for each in got}, {"$/cancelRequest"})
                self.assertEqual({each.params["id"] for each in got}, {each.id for each in asked})

    def test_a_limited_method_keeps_its_places(self):
        service = self.serve({"method": "narrow.m", "max_in_flight": 2})
        wire = self.connect(self.mesh["a"])
        service.reachable_from(wire)
        wire.send(*(request(id, "narrow.m", deadline_ms=60_000) for id in range(2)))
        asked = [service.take_call() for _ in range(2)]
        wire.close()
        cancelled = [service.take() for _ in range(2)]
        self.assertEqual({each.method for each in cancelled}, {"$/cancelRequest"})
        other = self.connect(self.mesh["a"])
        other.send(request("waits", "narrow.m", deadline_ms=60_000), request("behind", "mesh.health"))
        self.assertEqual(other.receive()["id"], "behind")
        self.assertTrue(service.idle(), "the service still works on both")
        for got in asked:
            got.answer("to nobody")
        service.take_call().answer("yes")
        self.assert_ok(other.receive(), "yes", id="waits")
        self.assert_nothing_under_way()


if __name__ == "__main__":
    main()
