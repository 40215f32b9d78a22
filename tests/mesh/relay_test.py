"""Calls from node to node: who answers, what comes back, and what travels along."""

import json

from setup import FakePeer, MeshCase, SharedMesh, eventually, main, own_host, relay, request

SERVED = "rpc_server_call_duration_seconds_count"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class ThreeNodes(SharedMesh):
    """What holds of any mesh, on as many reactors as the machine has cores."""

    def call_a(self, payload):
        wire = self.connect(self.mesh["a"])
        wire.send(payload)
        return wire.receive()

    def test_are_each_others_peers(self):
        for name in "abc":
            node = self.mesh[name]
            peers = {peer["name"]: peer for peer in node.page("/peers")}
            self.assertEqual(sorted(peers), sorted(set("abc") - {name}))
            for other, peer in peers.items():
                self.assertEqual((peer["state"], peer["node"]), ("up", f"node-{other}"))
                self.assertEqual(peer["address"], self.mesh.addresses[other])
                self.assertEqual(peer["last_error"], "")
            self.assertEqual(node.metric("weft_peers", state="up"), 2)
            roles = sorted(connection["role"] for connection in node.page("/connections"))
            links = [role for role in roles if role != "client"]
            self.assertEqual(links, ["peer-inbound"] * 2 + ["peer-outbound"] * 2)
            self.assertIn("[+]peers ok: 2 of 2 connected\n", node.admin("/readyz?verbose")[1])

    def test_call_each_other(self):
        for name in "bc":
            self.assert_ok(self.call_a(relay(1, name)), {"node": f"node-{name}"})

    def test_params_are_described_as_they_are_taken(self):
        wire = self.connect(self.mesh["a"])
        methods = {each["name"]: each for each in wire.call("rpc.discover")["result"]["methods"]}
        for name in "demo.relay", "demo.callback":
            described, = (each["schema"] for each in methods[name]["params"] if each["name"] == "params")
            self.assertEqual(described, {"type": ["object", "array"]})
        data, = (each["schema"] for each in methods["demo.fail"]["params"] if each["name"] == "data")
        self.assertEqual(data, {})
        for params in {"x": 1}, ["x"]:
            call = {"to": "b", "method": "demo.echo", "params": params}
            self.assert_ok(self.call_a(request(1, "demo.relay", call)), params)
        call = {"to": "b", "method": "demo.echo", "params": "x"}
        self.assert_error(self.call_a(request(1, "demo.relay", call)), -32602)

    def test_relay_over_several_hops(self):
        self.assert_ok(self.call_a(relay(1, "b", "c")), {"node": "node-c"})
        self.assert_ok(self.call_a(relay(2, "b", "c", "a", "b", "a", "c")), {"node": "node-c"}, id=2)

    def test_results_come_through_unharmed(self):
        params = {"text": "\u00e4\u20ac\U0001f600 \" \\ \n \x00",
                  "list": [[], {}, None, True, -1.5e300, 2**63 - 1]}
        self.assert_ok(self.call_a(relay(1, "b", "c", method="demo.echo", params=params)), params)
        big = {"x": "y" * 400_000}
        self.assert_ok(self.call_a(relay(2, "b", method="demo.echo", params=big)), big, id=2)

    def test_errors_come_through_unharmed(self):
        for code in (-32001, 8, 12345):
            failure = {"code": code, "message": "that went \u00e4wry", "data": {"why": [1, "2"]}}
            answer = self.call_a(relay(1, "b", "c", method="demo.fail", params=failure))
            self.assertEqual(answer, {"jsonrpc": "2.0", "id": 1, "error": failure})

    def test_a_method_that_the_far_node_has_not(self):
        error = self.assert_error(self.call_a(relay(1, "b", method="no.such")), -32601)
        self.assertIn("no.such", error["message"])

    def test_an_unknown_peer_is_named_and_so_are_the_known(self):
        error = self.assert_mesh_error(self.call_a(relay(1, "nobody")), 14, "no", self.mesh["a"])
        self.assertIn("'nobody'", error["message"])
        self.assertRegex(error["message"], r"\b(b, c|c, b)\b")

    def test_200_at_once(self):
        self.relay_at_once(rounds=1)
        for name in "abc":
            node = self.mesh[name]
            for direction in "inbound", "outbound":
                eventually(lambda: node.in_flight(direction) == 0, f"nothing {direction} in flight on {name}")

    def relay_at_once(self, rounds):
        # More connections than reactors, so that calls come from every reactor.
        wires = [self.connect(self.mesh["a"]) for _ in range(8)]
        expected = {id: [id] for id in range(25)}
        for _ in range(rounds):
            for wire in wires:
                wire.send(*(relay(id, "b", "c", method="demo.echo", params=[id]) for id in range(25)))
            for wire in wires:
                answers = [wire.receive() for _ in range(25)]
                self.assertEqual({answer["id"]: answer.get("result", answer) for answer in answers}, expected)

    def test_in_one_batch(self):
        wire = self.connect(self.mesh["a"])
        wire.send([relay("c", "b", "c"), request("foo", "foo"), relay("b", "b")])
        self.assertEqual([(answer["id"], answer["result"]) for answer in wire.receive()],
                         [("c", {"node": "node-c"}), ("foo", "ok"), ("b", {"node": "node-b"})])

    def test_are_counted_by_peer_and_method(self):
        host, _, port = self.mesh.addresses["b"].rpartition(":")
        labels = {"rpc_method": "demo.whoami", "server_address": host, "server_port": port}
        count = "rpc_client_call_duration_seconds_count"
        before = self.mesh["a"].metric(count, **labels)
        served = self.mesh["b"].metric(SERVED, rpc_method="demo.whoami")
        for id in range(5):
            self.call_a(relay(id, "b"))
        self.assertEqual(self.mesh["a"].metric(count, **labels), before + 5)
        self.assertEqual(self.mesh["b"].metric(SERVED, rpc_method="demo.whoami"), served + 5)


class OneReactor(ThreeNodes):
    options = ("--reactors", "1")


class FourReactors(ThreeNodes):
    options = ("--reactors", "4")

    def test_clients_of_every_reactor_reach_the_peer(self):
        wires = [self.connect(self.mesh["a"]) for _ in range(8)]
        for wire in wires:
            self.assert_ok(wire.call("demo.relay", {"to": "b", "method": "demo.whoami"}), {"node": "node-b"})
        connections = self.mesh["a"].page("/connections")
        reactors = {each["reactor"] for each in connections if each["role"] == "client"}
        self.assertEqual(reactors, {0, 1, 2, 3})

    def test_reactors_do_not_disturb_each_other(self):
        # Other reactors send while one reads: what it has read must be routed before it reads on.
        self.relay_at_once(rounds=60)


class OnTheWire(MeshCase):
    """What a node sends its peer, as the peer sees it."""

    def start(self, *names):
        """Nodes of which the last has the fake peer `t`, reached from the first; its link is introduced."""
        self.fake = FakePeer(own_host())
        self.addCleanup(self.fake.close)
        mesh = self.start_mesh(list(names), "--reactors", "2", extra_peers={"t": self.fake.address})
        links = [self.fake.link() for _ in names]
        for link, _ in links:
            self.addCleanup(link.close)
        for name in names:
            eventually(lambda: mesh[name].peer_is("t", "up"), f"t is up at {name}")
        self.links = {connect["params"]["node"]: (link, connect) for link, connect in links}
        self.client = self.connect(mesh[names[0]])
        return mesh

    def test_it_introduces_itself(self):
        mesh = self.start("a")
        _, connect = self.links["node-a"]
        self.assertEqual(connect["params"]["name"], "node-a")
        self.assertEqual(connect["params"]["heartbeat_ms"], 15_000)
        self.assertEqual(mesh["a"].peer("t")["node"], "fake")

    def test_trace_context_goes_over_every_hop(self):
        self.start("a", "b")
        self.client.send(relay(1, "b", "t", method="ask", traceparent=PARENT, tracestate="vendor=value"))
        link, _ = self.links["node-b"]
        call = link.receive_call("ask")
        version, trace, span, flags = call["traceparent"].split("-")
        self.assertEqual((version, trace, flags), ("00", TRACE, "01"))
        self.assertRegex(span, "^[0-9a-f]{16}$")
        self.assertEqual(call["tracestate"], "vendor=value")
        link.answer(call, "seen")
        self.assert_ok(self.client.receive(), "seen")

    def test_trace_context_is_not_invented(self):
        self.start("a")
        self.client.send(relay(1, "t", method="ask"))
        self.assertNotIn("traceparent", self.links["node-a"][0].receive_call("ask"))

    def test_the_deadline_shrinks_on_its_way(self):
        self.start("a", "b")
        link, _ = self.links["node-b"]
        self.client.send(relay(1, "b", "t", method="ask", deadline_ms=20_000))
        call = link.receive_call("ask")
        self.assertTrue(0 < call["deadline_ms"] <= 20_000, call)
        # A caller that gives no deadline gets the node's own, and no more.
        self.client.send(relay(2, "b", "t", method="ask"))
        self.assertTrue(0 < link.receive_call("ask")["deadline_ms"] <= 30_000)

    def test_answers_are_matched_by_id_and_not_by_order(self):
        self.start("a")
        link, _ = self.links["node-a"]
        self.client.send(relay("first", "t", method="ask"), relay("second", "t", method="ask"))
        calls = [link.receive_call("ask") for _ in range(2)]
        self.assertNotEqual(calls[0]["id"], calls[1]["id"])
        for call, result in zip(reversed(calls), ("two", "one")):
            link.answer(call, result)
        answers = {answer["id"]: answer["result"] for answer in (self.client.receive() for _ in range(2))}
        self.assertEqual(answers, {"first": "one", "second": "two"})

    def test_answers_that_nobody_waits_for_are_counted_and_dropped(self):
        mesh = self.start("a")
        link, _ = self.links["node-a"]
        self.client.send(relay(1, "t", method="ask"))
        call = link.receive_call("ask")
        for stray in (call["id"] + 1, str(call["id"]), -1, 2**60, 1.5):
            link.send({"jsonrpc": "2.0", "id": stray, "result": "stray"})
        link.answer(call, "right")
        link.answer(call, "again")
        self.assert_ok(self.client.receive(), "right")
        eventually(lambda: mesh["a"].metric("weft_responses_unmatched_total") == 6,
                   "6 answers were unmatched")

    def test_an_answer_over_another_link_is_none(self):
        mesh = self.start("a")
        link, _ = self.links["node-a"]
        self.client.send(relay(1, "t", method="ask"))
        call = link.receive_call("ask")
        stranger = self.connect(mesh["a"])
        stranger.send({"jsonrpc": "2.0", "id": call["id"], "result": "forged"})
        self.assert_ok(stranger.call("foo"), "ok")
        link.answer(call, "genuine")
        self.assert_ok(self.client.receive(), "genuine")

    def test_a_peer_may_call_back_over_the_link(self):
        self.start("a")
        link, _ = self.links["node-a"]
        self.assert_ok(link.call("demo.whoami"), {"node": "node-a"})

    def test_a_result_is_passed_on_as_the_value_it_is(self):
        self.start("a")
        link, _ = self.links["node-a"]
        for result in (None, False, 0, "", [], {"deep": [[[[1]]]]}):
            self.client.send(relay(1, "t", method="ask"))
            link.answer(link.receive_call("ask"), result)
            self.assertEqual(json.dumps(self.client.receive()["result"]), json.dumps(result))


if __name__ == "__main__":
    main()
