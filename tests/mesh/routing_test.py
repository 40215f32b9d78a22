"""Services register methods at one node and are called through every other."""

import unittest

from service_case import ServiceCase
from setup import eventually, main, notification, request

from service import Refused, Service, echo

BAD_SERVES = [
    ("rpc.anything", "rpc.anything"), ("mesh.health", "mesh.health"), ("$/progress", "$/progress"),
    ("connect", "connect"), ("heartbeat", "heartbeat"), ("rpc.*", "rpc.*"), ("", "empty"),
    ("*", "a name and a dot stand before the star, as in users.*"), ("a*.b", "a star stands only at the end"),
    ("users*", "'users*': a name and a dot stand before the star, as in users.*"), ("a.*.b", "a star stands only at the end"),
    (".*", "a name and a dot stand before the star"), ("x" * 300, "300"),
    (7, "method"), (None, "method"), ([], "method"), ({}, "method"), ({"method": 7}, "method"),
    ({"method": "u.get", "idempotent": "yes"}, "idempotent"),
    ({"method": "u.get", "max_in_flight": 0}, "max_in_flight"),
    ({"method": "u.get", "max_in_flight": -1}, "max_in_flight"),
    ({"method": "u.get", "max_in_flight": 1.5}, "max_in_flight"),
    ({"method": "u.get", "max_in_flight": 2**64}, "max_in_flight"),
]


class Routing:
    def test_a_service_is_called_through_every_node(self):
        service = self.serve("b", "get", handler=echo)
        for node in "abc":
            wire = self.client(node, service)
            self.assert_ok(self.call(wire, "get", {"n": node}), {"method": self.name("get"), "params": {"n": node}})

    def test_a_service_calls_others_over_its_own_connection(self):
        callee = self.serve("b", "get", handler=echo)
        caller = self.serve("a", "other")
        eventually(lambda: caller.call(callee.ready).get("result") == "ready", "the caller's node knows the way")
        self.assertEqual(caller.call(self.name("get"), [1])["result"]["params"], [1])

    def test_two_services_call_each_other_for_one_call(self):
        inner = self.serve("c", "inner", handler=echo)
        outer = self.serve("b", "outer")
        wire = self.client("a", inner, outer)
        eventually(lambda: outer.call(inner.ready).get("result") == "ready", "the outer one knows the way")
        wire.send(request(1, self.name("outer"), [5]))
        got = outer.take()
        got.answer(outer.call(self.name("inner"), got.params)["result"])
        self.assert_ok(wire.receive(), {"method": self.name("inner"), "params": [5]})

    def test_the_exact_name_and_then_the_longest_prefix_win(self):
        # On different nodes, so that being nearer could tempt the router.
        for node, pattern in (("a", "*"), ("b", "users.*"), ("c", "users.get"), ("c", "users.admin.*")):
            service = self.serve(node, pattern, handler=lambda got, pattern=pattern: got.answer(pattern))
            wire = self.client("a", service)
        for method, pattern in (("users.get", "users.get"), ("users.get.all", "users.*"), ("users.list", "users.*"),
                                ("users.admin.get", "users.admin.*"), ("users.administer", "users.*"), ("other", "*"),
                                ("usersget", "*"), ("users", "*")):
            with self.subTest(method):
                self.assert_ok(self.call(wire, method), pattern)

    def test_a_prefix_ends_at_its_dot(self):
        wire = self.client("a", self.serve("b", "users.*", handler=echo))
        for method in ("users", "usersx", "users_get"):
            self.assert_error(self.call(wire, method), -32601)

    def test_the_nodes_own_methods_cannot_be_taken_over(self):
        service = Service(self.mesh["b"], ["demo.*"], lambda got: got.answer("taken"))
        self.addCleanup(service.close)
        wire = self.client("b", service)
        self.assert_ok(wire.call("demo.whoami"), {"node": "node-b"})

    def test_a_second_connect_replaces_the_set(self):
        service = self.serve("b", "old", "kept", handler=echo)
        wires = {node: self.client(node, service) for node in "ab"}
        service.wire.send(request("again", "connect", {"serves": [self.name("kept"), self.name("new")]}))
        for node, wire in wires.items():
            self.eventually_gone(node, wire, self.name("old"))
            self.assertEqual(self.call(wire, "new")["result"]["method"], self.name("new"))
            self.assertEqual(self.call(wire, "kept")["result"]["method"], self.name("kept"))

    def test_a_connect_without_serves_keeps_the_set(self):
        service = self.serve("b", "get", handler=echo)
        wire = self.client("a", service)
        self.assertIn("result", service.call("connect", {"name": "renamed"}))
        self.assertIn("result", self.call(wire, "get"))

    def test_disconnecting_withdraws_at_once(self):
        service = self.serve("b", "get", handler=echo)
        wires = {node: self.client(node, service) for node in "abc"}
        service.close()
        for node, wire in wires.items():
            self.eventually_gone(node, wire, self.name("get"))

    def test_an_instance_that_leaves_the_others_is_no_failure(self):
        first, second = (self.serve(node, "get", handler=lambda got, node=node: got.answer(node)) for node in "ab")
        wire = self.client("c", first, second)
        self.assertIn(self.call(wire, "get")["result"], ("a", "b"))
        first.close()
        eventually(lambda: "error" in wire.call(first.ready), "c knows that the first has gone")
        for _ in range(20):
            self.assert_ok(self.call(wire, "get"), "b")

    def test_draining_withdraws_and_finishes_what_is_under_way(self):
        service = self.serve("b", "get")
        waiting, others = self.client("a", service), self.client("c", service)
        waiting.send(request("held", self.name("get")))
        held = service.take()
        self.assertEqual(service.call("mesh.drain")["result"], "ok")
        for node in "bc":
            wire = others if node == "c" else self.connect(self.mesh[node])
            # What is on its way while the news spreads may still come, and is answered.
            self.eventually_gone(node, wire, service.ready)
            self.assert_mesh_error(self.call(wire, "get"), 14, "no", self.mesh[node])
        self.assertTrue(service.idle())
        held.answer("finished")
        self.assert_ok(waiting.receive(), "finished", id="held")
        # The connection itself goes on: a draining service may still call.
        self.assertEqual(service.call("foo")["result"], "ok")

    def test_what_cannot_be_served_is_refused_and_says_why(self):
        for entry, expected in BAD_SERVES:
            with self.subTest(entry=entry), self.assertRaises(Refused) as refused:
                Service(self.mesh["a"], [entry])
            error = refused.exception.error
            self.assertEqual(error["code"], -32602, error)
            self.assertIn(expected, error["message"])
        for serves in ("users.get", {"method": "users.get"}, 5):
            with self.subTest(serves=serves):
                answer = self.connect(self.mesh["a"]).call("connect", {"serves": serves})
                self.assertIn("array", self.assert_error(answer, -32602)["message"])

    def test_an_entry_that_stands_twice_is_named(self):
        wire = self.connect(self.mesh["a"])
        answer = wire.call("connect", {"serves": ["u.get", "u.get"]})
        self.assertIn("u.get", self.assert_error(answer, -32602)["message"])
        self.assert_ok(wire.call("foo", id=2), "ok", id=2)

    def test_a_refused_connect_changes_nothing(self):
        service = self.serve("b", "get", handler=echo)
        wire = self.client("a", service)
        answer = service.call("connect", {"serves": [self.name("other"), "mesh.stolen"]})
        self.assertEqual(answer["error"]["code"], -32602)
        self.assertIn("result", self.call(wire, "get"))
        self.assert_error(self.call(wire, "other"), -32601)

    def test_discover_shows_the_schemas_on_every_node(self):
        params = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
        result = {"type": "object", "description": "\u00e4\u20ac"}
        service = self.serve("b", {"method": "get", "idempotent": True, "params": params, "result": result}, "plain")
        for node in "abc":
            wire = self.client(node, service)
            methods = {each["name"]: each for each in wire.call("rpc.discover")["result"]["methods"]}
            described = methods[self.name("get")]
            self.assertEqual(described["result"]["schema"], result)
            self.assertEqual((described["x-params-schema"], described["x-idempotent"]), (params, True))
            self.assertFalse(methods[self.name("plain")]["x-idempotent"])
            self.assertIn("foo", methods)
            self.assertEqual(len(methods), len(wire.call("rpc.discover")["result"]["methods"]))
        service.close()
        for node in "abc":
            wire = self.connect(self.mesh[node])
            eventually(lambda: all(each["name"] != self.name("get")
                                   for each in wire.call("rpc.discover")["result"]["methods"]),
                       f"{node} no longer describes what has gone")

    def test_an_unknown_method_is_named(self):
        for node in "abc":
            error = self.assert_error(self.call(self.connect(self.mesh[node]), "nobody"), -32601)
            self.assertIn(self.name("nobody"), error["message"])

    def test_a_forwarded_call_is_not_forwarded_again(self):
        service = self.serve("b", "get")
        self.client("a", service)
        node = self.connect(self.mesh["a"])
        self.assertIn("result", node.call("connect", {"name": "other", "node": f"node-of-{self.prefix}"}))
        node.send(request("sent on", self.name("get"), deadline_ms=20_000),
                  notification(self.name("get")))
        answer = node.receive()
        while answer.get("id") != "sent on":
            answer = node.receive()
        self.assert_mesh_error(answer, 14, "no", self.mesh["a"], id="sent on")
        self.assertIn("result", self.client("b", service).call("foo"))
        self.assertTrue(service.idle())

    def assert_full(self, wire, service, limit, calls=12):
        wire.send(*(request(id, self.name("get")) for id in range(calls)))
        held = [service.take() for _ in range(limit)]
        refused = [wire.receive() for _ in range(calls - limit)]
        for answer in refused:
            error = self.assert_error(answer, 8, answer["id"])
            self.assertEqual(error["data"]["executed"], "no")
            self.assertGreater(error["data"]["retry_after_ms"], 0)
        self.assertTrue(service.idle())
        for got in held:
            got.answer("held")
        answers = [wire.receive() for _ in held]
        self.assertEqual({answer["id"] for answer in answers + refused}, set(range(calls)))
        self.assertEqual([answer["result"] for answer in answers], ["held"] * limit)

    def test_an_instance_gets_no_more_than_its_max_in_flight(self):
        service = self.serve("b", {"method": "get", "max_in_flight": 3})
        for _ in range(2):
            # Twice, because what was answered must make room.
            self.assert_full(self.client("b", service), service, 3)

    def test_max_in_flight_holds_for_calls_from_another_node(self):
        service = self.serve("b", {"method": "get", "max_in_flight": 3})
        for _ in range(2):
            self.assert_full(self.client("a", service), service, 3)

    def test_calls_go_to_an_instance_that_has_room(self):
        first, second = (self.serve("b", {"method": "get", "max_in_flight": 1}) for _ in range(2))
        wire = self.client("b", first, second)
        wire.send(request(1, self.name("get")), request(2, self.name("get")))
        for service in (first, second):
            service.take().answer("ok")
        self.assertEqual({wire.receive()["id"] for _ in range(2)}, {1, 2})


class OneReactor(Routing, ServiceCase):
    options = ("--reactors", "1")


class ThreeReactors(Routing, ServiceCase):
    options = ("--reactors", "3")


if __name__ == "__main__":
    main()
