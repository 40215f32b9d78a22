"""Tokens in a mesh: on the links between nodes, of services, and of callers at other nodes."""

from setup import Mesh, MeshCase, Secrets, eventually, main, request, token_of

from service import Refused, Service, echo

PERMISSION_DENIED, UNAUTHENTICATED = 7, 16
IDENTITIES = {
    "users": {"serve": ["users.*", "ready.*"]},
    "orders": {"call": ["users.get", "ready.*", "demo.relay"]},
    "intruder": {"serve": ["intruder.*"], "call": ["*"]},
    "mesh": {"node": True},
}


class AuthCase(MeshCase):
    """Three nodes that ask for tokens, and present one to each other."""

    @classmethod
    def setUpClass(cls):
        cls.secrets = Secrets(cls.addClassCleanup)
        cls.table = ("--auth-tokens-file", cls.secrets.table(IDENTITIES))
        cls.mesh = Mesh(["a", "b", "c"], *cls.table, "--peer-token-file", cls.secrets.token("mesh"))
        cls.addClassCleanup(cls.mesh.stop)

    def as_(self, node, who):
        wire = self.connect(self.mesh[node])
        self.assertIn("result", wire.call("connect", {"token": token_of(who)}))
        return wire

    def serve(self, node, who, *serves, **connect):
        service = Service(self.mesh[node], serves, echo, token=token_of(who), **connect)
        self.addCleanup(service.close)
        return service


class Callers(AuthCase):
    def test_reach_a_service_at_another_node(self):
        service = self.serve("a", "users", "users.get")
        for node in "abc":
            caller = self.as_(node, "orders")
            service.reachable_from(caller)
            self.assertEqual(caller.call("users.get", [1])["result"], {"method": "users.get", "params": [1]})

    def test_are_checked_where_they_connect(self):
        service = self.serve("a", "users", "users.get", "users.delete")
        for node in "abc":
            caller = self.as_(node, "orders")
            service.reachable_from(caller)
            before = [self.mesh[name].metric("weft_auth_refused_total") for name in "abc"]
            answer = caller.call("users.delete")
            self.assert_mesh_error(answer, PERMISSION_DENIED, "no", self.mesh[node])
            answer = self.connect(self.mesh[node]).call("users.get")
            self.assert_mesh_error(answer, UNAUTHENTICATED, "no", self.mesh[node])
            after = [self.mesh[name].metric("weft_auth_refused_total") for name in "abc"]
            self.assertEqual([now - then for then, now in zip(before, after)],
                             [2 if name == node else 0 for name in "abc"])

    def test_handlers_of_a_node_call_with_its_own_rights(self):
        caller = self.as_("a", "orders")
        answer = caller.call("demo.relay", {"to": "b", "method": "demo.whoami"})
        self.assertEqual(answer["result"], {"node": "node-b"})

    def test_nothing_is_served_that_may_not_be(self):
        with self.assertRaises(Refused) as refused:
            self.serve("b", "intruder", "intruder.ok", "users.get")
        self.assertEqual(refused.exception.error["code"], PERMISSION_DENIED)
        # A service of the same node that comes later is known everywhere, so the intruder would be.
        service = self.serve("b", "users", "users.list")
        caller = self.as_("c", "intruder")
        service.reachable_from(caller)
        self.assert_error(caller.call("intruder.ok"), -32601)


class Links(AuthCase):
    def stranger(self, *options):
        """A node that dials a, and is no peer of a's configuration."""
        return self.start_node("--id", "stranger", *options, peers={"a": self.mesh.addresses["a"]})

    def refused_by_a(self, node, reason):
        """Waits until the node has been refused, and knows why."""
        error = eventually(lambda: node.peer("a").get("last_error"), "the peer's error")
        self.assertIn("connect was refused: " + reason, error)
        self.assertFalse(node.peer_is("a", "up"))
        self.assertNotIn("stranger", self.mesh["a"].admin("/connections")[1])

    def test_without_a_token_are_refused(self):
        before = self.mesh["a"].metric("weft_auth_refused_total", reason="no_token")
        self.refused_by_a(self.stranger(), "without a token one may not link as a node")
        self.assertGreater(self.mesh["a"].metric("weft_auth_refused_total", reason="no_token"), before)

    def test_with_a_wrong_token_are_refused(self):
        stranger = self.stranger("--peer-token-file", self.secrets.token("nobody"))
        self.refused_by_a(stranger, "nobody has this token")
        self.assertNotIn(token_of("nobody"), stranger.log() + self.mesh["a"].log())

    def test_with_a_token_that_may_not_link_are_refused(self):
        stranger = self.stranger("--peer-token-file", self.secrets.token("intruder"))
        self.refused_by_a(stranger, "'intruder' may not link as a node")

    def test_with_the_right_token_come_up_and_carry_calls(self):
        node = self.stranger("--peer-token-file", self.secrets.token("mesh"))
        eventually(lambda: node.peer_is("a", "up"), "the link is up")
        service = self.serve("a", "users", "users.get")
        wire = self.connect(node)
        # The stranger asks for no tokens, and a trusts its link.
        service.reachable_from(wire)
        wire.send(request(1, "users.get", [2]))
        self.assertEqual(wire.receive()["result"]["params"], [2])

    def test_that_were_refused_do_not_hold_up_answers(self):
        """A method that nobody serves is told at once, although a configured peer never comes up."""
        node = self.stranger()
        eventually(lambda: node.peer("a").get("last_error"), "the peer's error")
        self.assert_error(self.connect(node).call("nobody.serves.this"), -32601)


if __name__ == "__main__":
    main()
