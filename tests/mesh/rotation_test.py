"""Rights that change while a mesh runs: tokens are replaced without a lost call, what is taken away is gone at once, and a
file with a mistake changes nothing."""

import os
import pathlib
import threading

from setup import Mesh, MeshCase, Secrets, eventually, main, token_of

from service import Service, echo
from wire import Closed

UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED = 16, 7, 8
RIGHTS = {
    "users": {"serve": ["users.*", "ready.*"]},
    "orders": {"call": ["users.*", "ready.*", "demo.*"]},
    "mesh": {"node": True},
}


class RotationCase(MeshCase):
    nodes = "ab"
    rights = RIGHTS

    def setUp(self):
        self.secrets = Secrets(self.addCleanup)
        self.table = self.secrets.table(self.rights)
        self.peer_token = self.secrets.write("peer.token", token_of("mesh"))
        self.mesh = Mesh(list(self.nodes), "--auth-tokens-file", self.table, "--peer-token-file", self.peer_token)
        self.addCleanup(self.mesh.stop)

    def rewrite(self, rights):
        """The new table is in force at every node."""
        before = self.reread("taken")
        self.secrets.table(rights)
        eventually(lambda: all(now > then for then, now in zip(before, self.reread("taken"))), "the table is read again")

    def reread(self, outcome):
        return [node.metric("weft_files_reread_total", outcome=outcome) for node in self.mesh.nodes.values()]

    def as_(self, node, token):
        wire = self.connect(self.mesh[node])
        self.assertIn("result", wire.call("connect", {"token": token}))
        return wire

    def serve(self, node="b"):
        service = Service(self.mesh[node], ["users.get", "users.list"], echo, token=token_of("users"))
        self.addCleanup(service.close)
        return service


class Rotation(RotationCase):
    def test_every_token_is_replaced_under_load_without_a_failed_call(self):
        service = self.serve()
        caller = self.as_("a", token_of("orders"))
        service.reachable_from(caller)
        failed, made, stop = [], [0], threading.Event()

        def load():
            while not stop.is_set():
                answer = caller.call("users.get", [made[0]])
                made[0] += 1
                if "error" in answer:
                    failed.append(answer)

        thread = threading.Thread(target=load)
        thread.start()
        try:
            both = {who: {**rights, "token": [token_of(who), token_of("new-" + who)]} for who, rights in RIGHTS.items()}
            self.rewrite(both)
            # Whoever has one shows the new one: the nodes to each other, the service, and the caller below.
            self.secrets.write("peer.token", token_of("new-mesh"))
            eventually(lambda: all(count >= 2 for count in self.reread("taken")), "the new peer token is read")
            self.assertIn("result", service.call("connect", {"token": token_of("new-users")}))
            only_new = {who: {**rights, "token": token_of("new-" + who)} for who, rights in RIGHTS.items()}
            only_new["orders"]["token"] = [token_of("orders"), token_of("new-orders")]
            self.rewrite(only_new)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(failed, [])
        self.assertGreater(made[0], 10)
        # The caller's connection is this thread's again.
        self.assertIn("result", caller.call("connect", {"token": token_of("new-orders")}))
        self.assertIn("result", caller.call("users.get", [1]))
        only_new["orders"]["token"] = token_of("new-orders")
        self.rewrite(only_new)
        self.assertIn("result", caller.call("users.get", [2]))
        for name, other in (("a", "b"), ("b", "a")):
            self.assertTrue(self.mesh[name].peer_is(other, "up"))
            self.assertEqual(self.mesh[name].metric("weft_auth_revoked_total"), 0)
        old = self.connect(self.mesh["a"]).call("connect", {"token": token_of("orders")})
        self.assert_error(old, UNAUTHENTICATED)


class Loss(RotationCase):
    def test_whose_token_is_gone_is_told_and_cut(self):
        service = self.serve()
        caller = self.as_("a", token_of("orders"))
        service.reachable_from(caller)
        self.rewrite({who: rights for who, rights in RIGHTS.items() if who != "orders"})
        told = caller.receive()
        self.assertEqual(told["method"], "$/goaway")
        self.assertIn("the token that was shown is not valid any more", told["params"]["reason"])
        with self.assertRaises(Closed):
            caller.receive()
        self.assertEqual(self.mesh["a"].metric("weft_auth_revoked_total"), 1)

    def test_what_may_not_be_served_any_more_is_withdrawn(self):
        service = self.serve()
        caller = self.as_("a", token_of("orders"))
        service.reachable_from(caller)
        self.rewrite({**RIGHTS, "users": {"serve": ["users.get", "ready.*"]}})
        eventually(lambda: caller.call("users.list").get("error", {}).get("code") in (-32601, 14), "users.list is gone")
        self.assertIn("result", caller.call("users.get", [1]))

    def test_what_may_not_be_called_any_more_is_refused(self):
        service = self.serve()
        caller = self.as_("a", token_of("orders"))
        service.reachable_from(caller)
        self.rewrite({**RIGHTS, "orders": {"call": ["users.list"]}})
        self.assert_error(caller.call("users.get"), PERMISSION_DENIED)
        self.assertIn("result", caller.call("users.list"))

    def test_a_node_that_may_be_none_any_more_is_cut(self):
        self.rewrite({**RIGHTS, "mesh": {"call": ["demo.*"]}})
        for name, other in (("a", "b"), ("b", "a")):
            eventually(lambda: not self.mesh[name].peer_is(other, "up"), f"{other} is no peer of {name} any more")
            self.assertIn("may not link as a node", eventually(lambda: self.mesh[name].peer(other).get("last_error"), "why"))
        self.rewrite(RIGHTS)
        for name, other in (("a", "b"), ("b", "a")):
            eventually(lambda: self.mesh[name].peer_is(other, "up"), f"{other} is a peer of {name} again")

    def test_a_file_with_a_mistake_changes_nothing(self):
        caller = self.as_("a", token_of("orders"))
        self.secrets.write("tokens.json", '{"identities": [{"name": "orders"}]}')
        eventually(lambda: all(self.reread("refused")), "the file is refused")
        self.assertIn("result", caller.call("demo.whoami"))
        self.mesh["a"].await_log("auth.tokens_file stays as it was")
        self.assertIn('needs "token"', self.mesh["a"].log().replace("\\", ""))

    def test_a_file_that_is_none_stops_nothing(self):
        caller = self.as_("a", token_of("orders"))
        path = pathlib.Path(self.table)
        path.unlink()
        os.mkfifo(path, 0o600)
        eventually(lambda: all(self.reread("refused")), "the file is refused")
        self.mesh["a"].await_log("it is a FIFO")
        self.assertIn("result", caller.call("demo.whoami"))
        path.unlink()
        self.rewrite({who: rights for who, rights in RIGHTS.items() if who != "orders"})
        self.assertEqual(caller.receive()["method"], "$/goaway")

    def test_is_read_again_on_hangup(self):
        before = self.reread("taken")
        for node in self.mesh.nodes.values():
            node.process.send_signal(1)
        eventually(lambda: all(now >= then + 2 for then, now in zip(before, self.reread("taken"))), "both files are read")


class Quotas(RotationCase):
    nodes = "a"
    rights = {**RIGHTS,
              "slow": {"call": ["foo", "demo.*"], "calls_per_second": {"rate": 1, "burst": 5}},
              "few": {"call": ["demo.*"], "in_flight": 2},
              "single": {"call": ["foo"], "connections": 1},
              "two": {"call": ["users.*", "demo.*"], "in_flight": 2},
              "large": {"call": ["demo.*"], "bytes_per_second": 1000},
              "small": {"call": ["demo.*"], "bytes_per_second": 2000}}

    def over(self, answer, quota):
        self.assert_error(answer, RESOURCE_EXHAUSTED)
        self.assertIn(f"its quota ({quota} in auth.tokens_file)", answer["error"]["message"])
        self.assertEqual(answer["error"]["data"]["executed"], "no")
        self.assertGreater(answer["error"]["data"]["retry_after_ms"], 0)

    def refused(self, identity):
        return self.mesh["a"].metric("weft_quota_refused_total", identity=identity)

    def test_calls_per_second_hold_for_all_connections_together(self):
        wires = [self.as_("a", token_of("slow")) for _ in range(3)]
        answers = [wire.call("foo") for wire in wires for _ in range(5)]
        taken = [answer for answer in answers if "result" in answer]
        self.assertIn(len(taken), (5, 6, 7))
        self.over(answers[-1], "calls_per_second")
        self.assertEqual(self.refused("slow"), len(answers) - len(taken))
        self.assertIn("result", self.as_("a", token_of("orders")).call("demo.whoami"))

    def test_calls_in_flight_hold_for_all_connections_together(self):
        one, other = (self.as_("a", token_of("few")) for _ in range(2))
        one.send(*({"jsonrpc": "2.0", "id": id, "method": "demo.sleep", "params": {"ms": 2000}} for id in (1, 2)))
        eventually(lambda: self.mesh["a"].metric("weft_calls_in_flight") == 2, "two calls are under way")
        self.over(other.call("demo.sleep", {"ms": 1}), "in_flight")
        self.assertEqual({one.receive()["id"], one.receive()["id"]}, {1, 2})
        self.assertIn("result", other.call("demo.sleep", {"ms": 1}))

    def test_connections(self):
        first = self.as_("a", token_of("single"))
        second = self.connect(self.mesh["a"])
        answer = second.call("connect", {"token": token_of("single")})
        self.assert_error(answer, RESOURCE_EXHAUSTED)
        self.assertIn("its quota (connections in auth.tokens_file)", answer["error"]["message"])
        self.assertIn("result", first.call("foo"))

    def test_bytes_per_second(self):
        wire = self.as_("a", token_of("small"))
        self.assertIn("result", wire.call("demo.echo", ["x" * 1500]))
        self.over(wire.call("demo.echo", ["x" * 1500]), "bytes_per_second")

    def test_a_request_of_many_seconds_worth_is_made_up_for(self):
        wire = self.as_("a", token_of("large"))
        # Once what `connect` took is made up for.
        eventually(lambda: "result" in wire.call("demo.echo", ["x" * 100_000]), "it is taken")
        refused = wire.call("demo.echo", [])
        self.over(refused, "bytes_per_second")
        self.assertGreater(refused["error"]["data"]["retry_after_ms"], 90_000)

    def test_values_for_streams_count(self):
        wire = self.as_("a", token_of("large"))
        wire.send({"jsonrpc": "2.0", "id": 1, "method": "demo.total", "stream": {"credit": 9}})
        while wire.receive().get("method") != "$/stream/item":
            pass
        wire.send({"jsonrpc": "2.0", "method": "$/stream/send", "params": {"id": 1, "value": 1, "pad": "x" * 50_000}})
        self.over(self.as_("a", token_of("large")).call("demo.echo", []), "bytes_per_second")

    def test_who_hangs_up_has_what_is_worked_on_for_it_in_flight(self):
        node = self.mesh["a"]
        service = Service(node, [{"method": "users.get", "max_in_flight": 3}, "users.list"], token=token_of("users"))
        self.addCleanup(service.close)
        for identity, method, most in (("two", "users.list", 2), ("orders", "users.get", 3)):
            with self.subTest(method):
                for _ in range(4):
                    wire = self.as_("a", token_of(identity))
                    wire.send(*({"jsonrpc": "2.0", "id": id, "method": method} for id in range(most)))
                    wire.send({"jsonrpc": "2.0", "id": "last", "method": "demo.whoami"})
                    while wire.receive()["id"] != "last":
                        pass
                    wire.reset()
                    eventually(lambda: node.metric("weft_tcp_connections") == 1, "it is gone")
                self.assertEqual(node.metric("weft_calls_left_behind"), most)
                got = [each for each in service.taken() if each.method == method]
                self.assertEqual(len(got), most)
                for each in got:
                    each.answer("late")
                eventually(lambda: node.metric("weft_calls_in_flight") == 0, "nothing is under way")

    def test_that_are_raised_hold_from_then_on(self):
        wire = self.as_("a", token_of("slow"))
        while "result" in wire.call("foo"):
            pass
        self.rewrite({**self.rights, "slow": {"call": ["foo"]}})
        for _ in range(20):
            self.assertIn("result", wire.call("foo"))


if __name__ == "__main__":
    main()
