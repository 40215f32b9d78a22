"""Tokens and permissions: who may serve and call what, and what everyone else is told."""

import json
import os
import subprocess

from suite import Closed, Secrets, WireCase, eventually, hashed, main, notification, request, token_of

from service import Refused, Service

PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAUTHENTICATED = 7, 8, 16
INVALID_PARAMS, METHOD_NOT_FOUND = -32602, -32601
HASHED_TOKEN = token_of("hashed")
IDENTITIES = {
    "orders": {"serve": ["orders.*"], "call": ["demo.echo", "users.*"]},
    "ops": {"serve": ["*"], "call": ["*"]},
    "other": {"serve": ["*"], "call": ["*"]},
    "mesh": {"node": True},
    "hashed": {"token_sha256": hashed(HASHED_TOKEN), "call": ["foo"]},
}


class AuthCase(WireCase):
    more_options = ()

    @classmethod
    def setUpClass(cls):
        cls.secrets = Secrets(cls.addClassCleanup)
        cls.options = ("--auth-tokens-file", cls.secrets.table(IDENTITIES, cls.everyone), *cls.more_options)
        super().setUpClass()

    everyone = None

    def as_(self, who, **params):
        """A connection that has presented this identity's token."""
        wire = self.connect()
        self.assertIn("result", wire.call("connect", {"token": token_of(who), **params}))
        return wire

    def refused(self, reason):
        return self.node.metric("weft_auth_refused_total", reason=reason)

    def wait_until_routed(self, method):
        eventually(lambda: f'"{method}"' in self.node.admin("/routes")[1], f"{method} is routed")

    def connection(self, name):
        """What the node shows of the connection of this name."""
        page = json.loads(self.node.admin("/connections")[1])
        return next(each for each in page if each["name"] == name)


class Calls(AuthCase):
    def test_without_a_token_nothing_can_be_called(self):
        before = self.refused("no_token")
        for method in "foo", "demo.sleep", "nobody.serves.this", "rpc.nothing", "mesh.routes":
            error = self.assert_mesh_error(self.connect().call(method), UNAUTHENTICATED, "no")
            self.assertIn(f"without a token one may not call '{method}'", error["message"])
        self.assertEqual(self.refused("no_token"), before + 5)

    def test_what_tells_that_a_node_is_there_needs_none(self):
        wire = self.connect()
        self.assertEqual(wire.call("heartbeat")["result"], "ok")
        self.assertEqual(wire.call("mesh.health")["result"]["status"], "SERVING")
        self.assertIn("openrpc", wire.call("rpc.discover")["result"])
        self.assertEqual(wire.call("connect", {"name": "plain"})["result"]["node"], self.node.id)
        self.assertEqual(self.connection("plain")["identity"], "")

    def test_an_identity_may_call_what_its_row_says(self):
        wire = self.as_("orders", name="caller")
        self.assertEqual(wire.call("demo.echo", ["hi"])["result"], ["hi"])
        self.assertEqual(wire.call("mesh.health")["result"]["status"], "SERVING")
        self.assertEqual(self.connection("caller")["identity"], "orders")

    def test_and_nothing_else_whether_it_exists_or_not(self):
        before = self.refused("call")
        wire = self.as_("orders")
        for method in "foo", "demo.ech", "demo.echo2", "users", "nobody.serves.this":
            error = self.assert_mesh_error(wire.call(method), PERMISSION_DENIED, "no")
            self.assertIn(f"'orders' may not call '{method}'", error["message"])
        self.assertEqual(self.refused("call"), before + 5)
        # What it may call and nobody serves is told apart from that.
        self.assert_error(wire.call("users.get"), METHOD_NOT_FOUND, 1)

    def test_an_escaped_name_is_the_same_name(self):
        answer = self.as_("orders").exchange(b'{"jsonrpc":"2.0","id":1,"method":"f\\u006fo"}')
        self.assert_mesh_error(json.loads(answer), PERMISSION_DENIED, "no")

    def test_a_row_may_hold_the_digest_instead_of_the_token(self):
        wire = self.connect()
        wire.call("connect", {"token": HASHED_TOKEN})
        self.assertEqual(wire.call("foo")["result"], "ok")
        self.assert_mesh_error(wire.call("demo.echo"), PERMISSION_DENIED, "no")
        # The digest itself is no token.
        self.assert_mesh_error(self.connect().call("connect", {"token": hashed(HASHED_TOKEN)}), UNAUTHENTICATED, "no")

    def test_in_a_batch_each_call_is_looked_at(self):
        wire = self.as_("orders")
        wire.send([request(1, "demo.echo", [1]), request(2, "foo"), notification("foo"), request(3, "demo.echo", [3])])
        first, second, third = wire.receive()
        self.assertEqual((first["result"], third["result"]), ([1], [3]))
        self.assert_mesh_error(second, PERMISSION_DENIED, "no", 2)

    def test_a_notification_is_dropped_and_counted(self):
        service = self.as_("orders", serves=["orders.log"])
        self.wait_until_routed("orders.log")
        before = self.refused("no_token")
        stranger = self.connect()
        stranger.send(notification("orders.log", ["stranger"]), request("after", "heartbeat"))
        self.assertEqual(stranger.receive()["id"], "after", "a notification is never answered")
        self.assertEqual(self.refused("no_token"), before + 1)
        # Would the stranger's have got through, it would have come before this one.
        allowed = self.as_("ops")
        allowed.send(notification("orders.log", ["ops"]))
        self.assertEqual(service.receive()["params"], ["ops"])


class Tokens(AuthCase):
    def wrong(self, wire):
        return self.assert_mesh_error(wire.call("connect", {"token": token_of("nobody"), "name": "liar"}),
                                      UNAUTHENTICATED, "no")

    def test_a_wrong_token_leaves_the_connection_as_it_was(self):
        before = self.refused("wrong_token")
        wire = self.as_("orders", name="before")
        self.assertIn("nobody has this token", self.wrong(wire)["message"])
        self.node.await_log("from 127.0.0.1:%d: presented a token that nobody has, wrong one 1 of 5 (auth.max_failures)"
                            % wire.socket.getsockname()[1])
        self.assertEqual(self.connection("before")["identity"], "orders")
        self.assertEqual(wire.call("demo.echo", [1])["result"], [1])
        self.assertEqual(self.refused("wrong_token"), before + 1)

    def test_another_one_replaces_it_and_none_keeps_it(self):
        wire = self.as_("orders")
        wire.call("connect", {"token": token_of("hashed")})
        self.assertEqual(wire.call("foo")["result"], "ok")
        self.assert_mesh_error(wire.call("demo.echo", [1]), PERMISSION_DENIED, "no")
        for params in {}, {"token": ""}:
            self.assertIn("result", wire.call("connect", params))
            self.assertEqual(wire.call("foo")["result"], "ok")

    def test_is_a_string_of_bounded_length(self):
        for token in 5, None, ["x"], "x" * 257:
            error = self.assert_error(self.connect().call("connect", {"token": token}), INVALID_PARAMS, 1)
            self.assertIn("'token'", error["message"])
            self.assertNotIn("xxx", error["message"])

    def test_guessing_ends_the_connection(self):
        before = self.node.metric("weft_limit_hits_total", limit="auth_max_failures")
        wire = self.connect()
        for _ in range(4):
            self.assertNotIn("max_failures", self.wrong(wire)["message"])
        self.assertIn("ends after 5 wrong ones (auth.max_failures)", self.wrong(wire)["message"])
        self.assertRaises(Closed, wire.receive)
        self.assertEqual(self.node.metric("weft_limit_hits_total", limit="auth_max_failures"), before + 1)
        self.node.await_log("cut after 5 wrong tokens (auth.max_failures)")

    def test_behind_the_last_wrong_one_the_right_one_is_wrong_too(self):
        wire = self.connect()
        guesses = [request(n, "connect", {"token": token_of("nobody")}) for n in range(5)]
        wire.send(*guesses, request(5, "connect", {"token": token_of("ops")}), request(6, "foo"))
        for n in range(7):
            self.assert_mesh_error(wire.receive(), UNAUTHENTICATED, "no", n)
        self.assertRaises(Closed, wire.receive)

    def test_guesses_in_a_batch_count_each(self):
        wire = self.connect()
        wire.send([request(n, "connect", {"token": token_of("nobody")}) for n in range(20)])
        answers = wire.receive()
        self.assertEqual([answer["error"]["code"] for answer in answers], [UNAUTHENTICATED] * 20)
        self.assertRaises(Closed, wire.receive)

    def test_no_page_and_no_log_line_shows_one(self):
        self.wrong(self.as_("orders"))
        self.as_("mesh", node="other")
        pages = [self.node.admin(page)[1] for page in ("/config", "/connections", "/metrics", "/peers", "/methods")]
        for text in [*pages, self.node.log()]:
            for secret in *map(token_of, ("orders", "mesh", "nobody")), hashed(HASHED_TOKEN):
                self.assertNotIn(secret, text)
        self.assertIn("tokens.json", pages[0])


class Serving(AuthCase):
    def test_is_allowed_within_what_the_row_says(self):
        for serves in ["orders.create"], ["orders.*", "orders.a.*"], [{"method": "orders.x", "idempotent": True}], []:
            self.as_("orders", serves=serves)
        self.as_("ops", serves=["anything", "any.*"])

    def test_beyond_that_nothing_of_the_connect_takes_effect(self):
        before = self.refused("serve")
        wire = self.as_("orders", name="good", serves=["orders.kept"])
        for pattern in "users.get", "orders", "order.*", "o.*":
            answer = wire.call("connect", {"name": "bad", "heartbeat_ms": 10, "serves": ["orders.new", pattern]})
            error = self.assert_mesh_error(answer, PERMISSION_DENIED, "no")
            self.assertIn(f"'orders' may not serve '{pattern}'", error["message"])
        self.assertEqual(self.refused("serve"), before + 4)
        self.wait_until_routed("orders.kept")
        self.assertEqual(self.connection("good")["identity"], "orders")
        self.assertIn("result", wire.call("connect", {"serves": ["orders.kept", "orders.later"]}))
        self.wait_until_routed("orders.later")
        self.assertNotIn("orders.new", self.node.admin("/routes")[1])

    def test_a_token_that_may_not_serve_is_not_taken_either(self):
        wire = self.connect()
        wire.call("connect", {"name": "still nobody"})
        answer = wire.call("connect", {"token": token_of("orders"), "serves": ["users.get"]})
        self.assert_mesh_error(answer, PERMISSION_DENIED, "no")
        self.assertEqual(self.connection("still nobody")["identity"], "")
        self.assert_mesh_error(wire.call("demo.echo"), UNAUTHENTICATED, "no")

    def test_needs_a_token(self):
        answer = self.connect().call("connect", {"serves": ["orders.create"]})
        error = self.assert_mesh_error(answer, UNAUTHENTICATED, "no")
        self.assertIn("without a token one may not serve 'orders.create'", error["message"])

    def test_a_service_may_leave_whatever_it_may_call(self):
        wire = self.as_("orders", serves=["orders.leaving"])
        self.assertEqual(wire.call("mesh.drain")["result"], "ok")


class NodeLinks(AuthCase):
    def test_need_a_token_that_may_link(self):
        answer = self.connect().call("connect", {"node": "intruder"})
        self.assert_mesh_error(answer, UNAUTHENTICATED, "no")
        before = self.refused("node")
        answer = self.connect().call("connect", {"node": "intruder", "token": token_of("ops")})
        error = self.assert_mesh_error(answer, PERMISSION_DENIED, "no")
        self.assertIn("'ops' may not link as a node", error["message"])
        self.assertEqual(self.refused("node"), before + 1)
        self.assertNotIn("peer-inbound", self.node.admin("/connections")[1])

    def test_are_trusted_from_then_on(self):
        wire = self.as_("mesh", name="linked", node="other")
        self.assertEqual(self.connection("linked")["role"], "peer-inbound")
        while (message := wire.receive()).get("method") != "mesh.routes":
            pass
        self.assertTrue(message["params"]["reset"])
        wire.send(request(1, "foo"))
        while (message := wire.receive()).get("id") != 1:
            pass
        self.assertEqual(message["result"], "ok")

    def test_a_node_s_token_gives_no_rights_to_a_client(self):
        wire = self.as_("mesh")
        self.assert_mesh_error(wire.call("foo"), PERMISSION_DENIED, "no")
        self.assert_mesh_error(wire.call("mesh.routes", {"seq": 1}), PERMISSION_DENIED, "no")


class Everyone(AuthCase):
    everyone = {"call": ["demo.echo"], "serve": ["public.*"]}
    more_options = ("--auth-max-failures", "1")

    def test_may_do_what_the_file_says_and_no_more(self):
        wire = self.connect()
        self.assertEqual(wire.call("demo.echo", [1])["result"], [1])
        self.assertIn("result", wire.call("connect", {"serves": ["public.clock"]}))
        for method in "mesh.health", "rpc.discover", "foo":
            self.assert_mesh_error(wire.call(method), UNAUTHENTICATED, "no")

    def test_an_identity_may_do_so_too(self):
        wire = self.connect()
        wire.call("connect", {"token": HASHED_TOKEN, "serves": ["public.calendar"]})
        self.assertEqual(wire.call("demo.echo", [1])["result"], [1])

    def test_one_wrong_token_may_be_enough(self):
        wire = self.connect()
        self.assert_mesh_error(wire.call("connect", {"token": token_of("nobody")}), UNAUTHENTICATED, "no")
        self.assertRaises(Closed, wire.receive)


class SharesCase(AuthCase):
    """An identity has one share, over how many connections it may come; another one has its own."""

    def service(self, *serves, who="other", **more):
        service = Service(self.node, serves, token=token_of(who), **more)
        self.addCleanup(service.close)
        return service

    def in_flight(self):
        return self.node.metric("weft_calls_in_flight", direction="inbound")

    def assert_over_share(self, answer, limit, id, who="'ops'"):
        error = self.assert_mesh_error(answer, RESOURCE_EXHAUSTED, "no", id)
        self.assertIn(f"limits.share_percent of limits.{limit}", error["message"])
        self.assertIn(who, error["message"])


class SharesOfAReactor(SharesCase):
    # A quarter of eight is two, of 8 MiB two requests of 900 KB.
    more_options = ("--reactors", "1", "--limits-held-request-bytes", "8MiB", "--limits-queue-length", "8",
                    "--limits-queue-interval", "60s", "--limits-queue-target", "60s")

    def test_requests_that_are_kept(self):
        silent = self.service("silent.m")
        first, second, other = self.as_("ops"), self.as_("ops"), self.as_("other")
        for wire, id in (first, 1), (second, 2):
            wire.send(request(id, "silent.m", ["x" * 900_000]))
        held = [silent.take_call() for _ in range(2)]
        self.assert_over_share(second.call("silent.m", ["x" * 900_000], id=3), "held_request_bytes", 3)
        self.assert_over_share(self.as_("ops").call("silent.m", ["x" * 900_000], id=4), "held_request_bytes", 4)
        other.send(request(5, "silent.m", ["x" * 900_000]))
        held.append(silent.take_call())
        for call in held:
            call.answer("done")
        self.assertEqual([wire.receive()["result"] for wire in (first, second, other)], ["done"] * 3)
        second.send(request(6, "silent.m", ["x" * 900_000]))
        silent.take_call().answer("again")
        self.assertEqual(second.receive()["result"], "again")

    def test_places_in_a_queue(self):
        full = self.service({"method": "full.m", "max_in_flight": 1})
        first, second, other = self.as_("ops"), self.as_("ops"), self.as_("other")
        # One is with the service, and one of each connection waits.
        first.send(request(1, "full.m"), request(2, "full.m"))
        got = full.take_call()
        second.send(request(3, "full.m"), request(4, "full.m"))
        self.assert_over_share(second.receive(), "queue_length", 4)
        other.send(request(5, "full.m"))
        for wire, id in (first, 1), (first, 2), (second, 3), (other, 5):
            got.answer("served")
            self.assertEqual(wire.receive(), {"jsonrpc": "2.0", "id": id, "result": "served"})
            got = full.take_call() if id != 5 else None

    def test_a_caller_that_goes_gives_back_what_it_had(self):
        silent = self.service("quiet.m")
        first, second = self.as_("ops"), self.as_("ops")
        first.send(*(request(id, "quiet.m", ["x" * 900_000]) for id in range(2)))
        for _ in range(2):
            silent.take_call()
        self.assert_over_share(second.call("quiet.m", ["x" * 900_000]), "held_request_bytes", 1)
        first.close()
        eventually(lambda: self.node.metric("weft_held_request_bytes") == 0, "what it had is given back")
        second.send(request(2, "quiet.m", ["x" * 900_000]))
        silent.take_call().answer("ok")
        self.assertEqual(second.receive()["result"], "ok")

    def test_a_call_is_given_back_to_whom_it_was_charged(self):
        silent = self.service("charged.m")
        wire = self.as_("ops")
        wire.send(*(request(id, "charged.m", ["x" * 900_000]) for id in range(2)))
        held = [silent.take_call() for _ in range(2)]
        self.assertIn("result", wire.call("connect", {"token": token_of("other")}, id="other now"))
        wire.send(request(2, "charged.m", ["x" * 900_000]))
        held.append(silent.take_call())
        for call in held:
            call.answer("done")
        self.assertEqual({wire.receive()["id"] for _ in held}, {0, 1, 2})
        for who in "ops", "other":
            wire = self.as_(who)
            wire.send(*(request(id, "charged.m", ["x" * 900_000]) for id in range(2)))
            for _ in range(2):
                silent.take_call().answer("room")
            self.assertEqual([wire.receive()["result"] for _ in range(2)], ["room"] * 2)


class SharesOfCalls(SharesCase):
    more_options = ("--reactors", "1", "--limits-calls-per-reactor", "16")

    def test_calls_under_way(self):
        silent = self.service("silent.m")
        first, second, other = self.as_("ops"), self.as_("ops"), self.as_("other")
        for wire in first, second:
            wire.send(*(request(id, "silent.m") for id in range(2)))
        held = [silent.take_call() for _ in range(4)]
        self.assert_over_share(second.call("silent.m", id="more"), "calls_per_reactor", "more")
        other.send(request(1, "silent.m"))
        silent.take_call().answer("other")
        self.assertEqual(other.receive()["result"], "other")
        held[0].answer("done")
        self.assertEqual(first.receive()["result"], "done")
        second.send(request("fits", "silent.m"))
        silent.take_call().answer("fits")
        self.assertEqual(second.receive()["result"], "fits")


class SharesOfTheNode(SharesCase):
    """The connections of one identity are on both reactors: the acceptor gives them out in turn."""

    more_options = ("--reactors", "2", "--limits-blocking-calls", "8", "--limits-routes", "100",
                    "--limits-schema-total-bytes", "10000B")

    def reactors_of(self, *names):
        page = json.loads(self.node.admin("/connections")[1])
        return {each["reactor"] for each in page if each["name"] in names}

    def wires_on_both(self, who):
        wires = [self.as_(who, name=f"{who} {i}") for i in range(4)]
        self.assertEqual(len(self.reactors_of(*(f"{who} {i}" for i in range(4)))), 2)
        return wires

    def test_blocking_handlers(self):
        wires = self.wires_on_both("ops")
        for wire in wires[:2]:
            wire.send(request(1, "demo.blocking", {"ms": 1000}))
        eventually(lambda: self.in_flight() == 2, "two are under way")
        for wire in wires[2:]:
            self.assert_over_share(wire.call("demo.blocking", {"ms": 1}), "blocking_calls", 1)
        self.assertEqual(self.as_("other").call("demo.blocking", {"ms": 1})["result"], "ok")
        self.assertEqual([wire.receive()["result"] for wire in wires[:2]], ["ok", "ok"])
        self.assertEqual(wires[3].call("demo.blocking", {"ms": 1})["result"], "ok", "there is room again")

    def test_a_blocking_handler_counts_until_it_ends_whoever_has_gone(self):
        gone = self.as_("ops")
        gone.send(*(request(id, "demo.blocking", {"ms": 1500}) for id in range(2)))
        eventually(lambda: self.in_flight() == 2, "two are under way")
        gone.reset()
        eventually(lambda: self.in_flight() == 0, "nobody waits for them any more")
        later = self.as_("ops")
        self.assert_over_share(later.call("demo.blocking", {"ms": 1}), "blocking_calls", 1)
        eventually(lambda: later.call("demo.blocking", {"ms": 1}).get("result") == "ok", "they end, and there is room")

    def test_methods(self):
        # A service of the tests has one method more: 25 with that.
        first = self.service(*(f"first.m{i}" for i in range(14)), who="ops")
        with self.assertRaises(Refused) as refused:
            self.service(*(f"second.m{i}" for i in range(10)), who="ops")
        self.assert_over_share({"jsonrpc": "2.0", "id": 1, "error": refused.exception.error}, "routes", 1)
        self.service(*(f"second.m{i}" for i in range(9)), who="ops").close()
        self.service(*(f"other.m{i}" for i in range(14))).close()
        first.close()

    def test_schemas(self):
        def serves(name, count):
            return [{"method": f"{name}.m{i}", "params": ["x" * 996]} for i in range(count)]

        first = self.service(*serves("first", 1), who="ops")
        with self.assertRaises(Refused) as refused:
            self.service(*serves("second", 2), who="ops")
        self.assert_over_share({"jsonrpc": "2.0", "id": 1, "error": refused.exception.error}, "schema_total_bytes", 1)
        other = self.service(*serves("other", 2))
        # Sent again, connect replaces what it said: the old schemas do not count beside the new ones.
        other.wire.send(request("again", "connect", {"serves": serves("other", 2)}))
        self.assertIn("result", other._answers.get(timeout=30))
        for service in first, other:
            service.close()


class SharesOfLinks(SharesCase):
    more_options = ("--reactors", "1", "--limits-calls-per-reactor", "16")

    def test_a_link_between_nodes_counts_for_itself(self):
        silent = self.service("silent.m")
        nodes = [self.as_("mesh", node=f"other {i}") for i in range(2)]
        for wire in nodes:
            wire.send(*(request(f"c{id}", "silent.m") for id in range(4)))
        for _ in range(8):
            silent.take_call().answer("ok")
        for wire in nodes:
            answered = 0
            while answered < 4:
                message = wire.receive()
                if str(message.get("id", "")).startswith("c"):
                    self.assertEqual(message["result"], "ok")
                    answered += 1


class WithoutATable(WireCase):
    def test_a_token_does_no_harm(self):
        wire = self.connect()
        for _ in range(10):
            self.assertIn("result", wire.call("connect", {"token": token_of("anyone"), "serves": ["any.thing"]}))
        self.assertEqual(wire.call("foo")["result"], "ok")


class Tools(AuthCase):
    def weft(self, *arguments):
        return subprocess.run([os.environ["WEFT_BIN"], *arguments], capture_output=True, text=True, timeout=60)

    def test_call_presents_a_token(self):
        file = self.secrets.token("orders")
        done = self.weft("call", self.node.listen, "demo.echo", '["hi"]', "--token-file", file)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '["hi"]\n', ""))
        done = self.weft("call", self.node.listen, "foo", "--token-file", file)
        self.assertEqual((done.returncode, json.loads(done.stderr)["code"]), (1, PERMISSION_DENIED))
        done = self.weft("call", self.node.listen, "demo.echo", "--token-file", self.secrets.token("nobody"))
        self.assertEqual((done.returncode, json.loads(done.stderr)["code"]), (1, UNAUTHENTICATED))
        self.assertNotIn(token_of("nobody"), done.stderr)

    def test_bench_presents_it_on_every_connection(self):
        load = ("bench", self.node.listen, "--connections", "3", "--warmup", "0ms", "--duration", "50ms", "--json")
        done = self.weft(*load, "--token-file", self.secrets.token("ops"))
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.weft(*load, "--token-file", self.secrets.token("nobody"))
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("the node refused the token", done.stderr)
        done = self.weft("bench", self.node.listen, "--idle", "3", "--duration", "50ms", "--json", "--token-file",
                         self.secrets.token("ops"))
        self.assertEqual((done.returncode, json.loads(done.stdout)["idle_connections_still_open"]), (0, 3), done.stderr)

    def test_refuse_a_file_that_others_may_read(self):
        file = self.secrets.write("open.token", token_of("ops"), 0o644)
        for command in ("call", self.node.listen, "foo"), ("bench", self.node.listen, "--idle", "1"):
            done = self.weft(*command, "--token-file", file)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn(f"chmod 600 {file}", done.stderr)


if __name__ == "__main__":
    main()
