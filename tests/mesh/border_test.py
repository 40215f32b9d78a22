"""What crosses the border of a node: frames that are full, messages of strangers that call themselves nodes, nodes that
come back, and nodes that share an id."""

import json
import socket
import subprocess
import threading
import time

from setup import FakePeer, MeshCase, eventually, main, notification, own_host, request

from service import Service

MIB = 1 << 20


class Frames(MeshCase):
    def serve(self, node, serves, handler):
        service = Service(node, serves, handler)
        self.addCleanup(service.close)
        return service

    def filled(self, size, **members):
        """A request of exactly this size."""
        message = request(1, "full.m", [""], **members)
        missing = size - len(json.dumps(message, separators=(",", ":")))
        message["params"] = ["x" * missing]
        return message

    def test_one_that_was_accepted_arrives(self):
        mesh = self.start_mesh("ab")
        service = self.serve(mesh["b"], ["full.m"], lambda got: got.answer(len(got.raw)))
        wire = mesh.connect("a")
        service.reachable_from(wire)
        for size in (MIB - 9, MIB - 8, MIB - 1, MIB):
            wire.send(self.filled(size))
            self.assertGreaterEqual(wire.receive()["result"], size - 64)
        self.assertEqual(mesh["a"].metric("weft_framing_errors_total") + mesh["b"].metric("weft_framing_errors_total"), 0)

    def test_an_answer_as_large_as_a_frame_arrives(self):
        mesh = self.start_mesh("ab")

        def fill(got):
            empty = len(json.dumps({"jsonrpc": "2.0", "id": got.id, "result": ""}, separators=(",", ":")))
            got.answer("y" * (MIB - empty))

        service = self.serve(mesh["b"], ["full.m"], fill)
        wire = mesh.connect("a")
        service.reachable_from(wire)
        wire.send(request("an id that is longer than the one between nodes", "full.m"))
        self.assertGreater(len(wire.receive()["result"]), MIB - 100)
        self.assertEqual(wire.call("foo")["result"], "ok")
        self.assertTrue(mesh["a"].peer_is("b", "up"))

    def test_nodes_whose_limits_differ(self):
        mesh = self.start_mesh("ab", own_options={"b": ("--limits-frame-bytes", "64KiB")})
        service = self.serve(mesh["b"], ["full.m"], lambda got: got.answer("small"))
        large = self.serve(mesh["a"], ["large.m"], lambda got: got.answer("z" * 200_000))
        from_a, from_b = mesh.connect("a"), mesh.connect("b")
        service.reachable_from(from_a)
        large.reachable_from(from_b)
        from_a.send(self.filled(100_000))
        error = self.assert_mesh_error(from_a.receive(), 8, "no", mesh["a"])
        self.assertIn("node-b", error["message"])
        error = self.assert_mesh_error(from_b.call("large.m"), 8, "unknown", mesh["a"])
        self.assertIn("node-b", error["message"])
        self.assertEqual(from_a.call("full.m")["result"], "small")
        self.assertTrue(mesh["a"].peer_is("b", "up"))
        self.assertGreaterEqual(mesh["a"].metric("weft_limit_hits_total", limit="other_side_frame_bytes"), 2)

    def test_many_large_schemas_do_not_cut_the_link(self):
        mesh = self.start_mesh("ab")
        small = self.serve(mesh["b"], ["small.m"], lambda got: got.answer("ok"))
        wire = mesh.connect("a")
        small.reachable_from(wire)
        attempts = mesh["a"].peer("b")["attempts"]
        schema = ["d" * 15_000]
        many = [self.serve(mesh["b"], [{"method": f"many.{k}.{i}", "params": schema} for i in range(60)], lambda got: got.answer(k))
                for k in range(4)]
        for service in many:
            service.reachable_from(wire)
        self.assertEqual(wire.call("small.m")["result"], "ok")
        for service in many:
            service.close()
        eventually(lambda: '"many.' not in mesh["a"].admin("/routes")[1].replace('"instances": []', "") or
                   all(not r["instances"] for r in mesh["a"].page("/routes") if r["method"].startswith("many.")),
                   "the methods are withdrawn")
        self.assertEqual(mesh["a"].metric("weft_framing_errors_total") + mesh["b"].metric("weft_framing_errors_total"), 0)
        self.assertEqual(mesh["a"].peer("b")["attempts"], attempts)


class Strangers(MeshCase):
    def stranger(self, node, name="stranger"):
        wire = self.connect(node)
        wire.call("connect", {"node": name})
        return wire

    def test_wrong_messages_end_nobody(self):
        node = self.start_node()
        for params in ({"seq": "x"}, {"seq": 1, "reset": "yes"}, {"seq": 1, "reset": True, "add": ["evil.string", 1, None, {}]},
                       {"seq": 1, "reset": True, "add": [{"method": "evil.m", "instances": "many"}]}, {"seq": 2, "remove": [1]},
                       {"seq": 18446744073709551615, "reset": True}, [], "x", None):
            wire = self.stranger(node)
            wire.send(notification("mesh.routes", params), notification("$/goaway", params), notification("mesh.resync", params))
            wire.close()
        service = Service(node, ["late.m"], lambda got: got.answer("ok"))
        self.addCleanup(service.close)
        self.assertEqual(self.connect(node).call("late.m")["result"], "ok")
        self.assertEqual(node.admin("/readyz")[0], 200)
        self.assertIn("[+]actors ok", node.admin("/readyz?verbose")[1])
        self.assertIn("mesh.routes was not understood", node.log())

    def test_who_tells_of_too_many_methods(self):
        node = self.start_node("--limits-routes", "1000", "--reactors", "1")
        wire = self.stranger(node)
        for seq in range(1, 11):
            wire.send(notification("mesh.routes", {"seq": seq, "reset": seq == 1,
                                                   "add": [{"method": f"z{seq}.{i}.*"} for i in range(5000)]}))
        service = Service(node, ["late.m"], lambda got: got.answer("ok"))
        self.addCleanup(service.close)
        caller = self.connect(node)
        self.assertEqual(caller.call("late.m")["result"], "ok")
        self.assertEqual(sum(route["method"].startswith("z") for route in node.page("/routes")), 250, "a quarter of the limit")
        self.assertGreaterEqual(node.metric("weft_limit_hits_total", limit="routes"), 1)
        self.assertEqual(node.log().count("tells of more methods than it may"), 1)


    def test_schemas_beyond_a_links_share_are_left_out(self):
        node = self.start_node("--limits-schema-total-bytes", "4000B")
        wire = self.stranger(node)
        schema = ["s" * 400]
        wire.call("mesh.routes", {"seq": 1, "reset": True,
                                  "add": [{"method": f"told.m{i}", "result": {"x": schema}} for i in range(5)]})
        service = Service(node, [{"method": "mine.m", "params": schema}], lambda got: got.answer("ok"))
        self.addCleanup(service.close)

        def discovered():
            return {m["name"]: m for m in self.connect(node).call("rpc.discover")["result"]["methods"]}

        document = discovered()
        self.assertEqual(sum("x" in document[f"told.m{i}"]["result"]["schema"] for i in range(5)), 2, "a quarter of the limit")
        self.assertEqual(document["mine.m"]["params"], schema)
        self.assertEqual(node.metric("weft_limit_hits_total", limit="schema_total_bytes"), 1)
        # Those that are told anew make room for themselves.
        wire.call("mesh.routes", {"seq": 2, "add": [{"method": f"told.m{i}", "result": {"x": 1}} for i in range(5)]})
        eventually(lambda: [discovered()[f"told.m{i}"]["result"]["schema"] for i in range(5)] == [{"x": 1}] * 5, "they are told")

    def test_one_that_takes_only_small_frames_is_told_what_fits(self):
        node = self.start_node("--limits-method-name-bytes", "1000B", demo=False)
        names = ["plain.m", "with.schema", "n" * 900]
        service = Service(node, [names[0], {"method": names[1], "params": ["p" * 3000]}, names[2]])
        self.addCleanup(service.close)
        wire = self.connect(node)
        wire.call("connect", {"node": "small", "limits": {"link_frame_bytes": 1024}})
        told = {}
        while names[1] not in told:
            message = wire.receive()
            if message.get("method") == "mesh.routes":
                self.assertLessEqual(len(json.dumps(message, separators=(",", ":"))), 1024)
                told.update((entry["method"], entry) for entry in message["params"]["add"])
        self.assertNotIn("params", told[names[1]])
        self.assertNotIn(names[2], told)
        eventually(lambda: "takes frames of 1024 bytes, too few to be told of method 'nnn" in node.log(), "it is told")
        self.assertEqual(node.metric("weft_routes_not_told_total"), 1)


    def test_who_asks_for_everything_again_and_again(self):
        node = self.start_node("--reactors", "1")
        schema = ["s" * 14_000]
        services = [Service(node, [{"method": f"large.{k}.m{i}", "params": schema} for i in range(60)]) for k in range(4)]
        for service in services:
            self.addCleanup(service.close)
        before = node.resident_bytes()
        bystander = self.connect(node)
        for greedy in (notification("mesh.resync"), request(1, "mesh.resync"), request(1, "connect", {"node": "greedy"})):
            wire = self.connect(node, receive_buffer=4096)
            wire.call("connect", {"node": "greedy"})
            wire.send(*[greedy] * 3000)
            for _ in range(20):
                self.assertEqual(bystander.call("foo")["result"], "ok")
            # Without a bound it was gigabytes. A sanitizer keeps what is freed.
            self.assertLess(node.resident_bytes() - before, 400 * MIB, greedy)
            wire.close()

    def test_a_node_that_asks_is_told_once_more(self):
        node = self.start_node(demo=False)
        service = Service(node, ["told.m"])
        self.addCleanup(service.close)
        wire = self.connect(node)
        wire.call("connect", {"node": "asks"})

        def told():
            while (message := wire.receive()).get("method") != "mesh.routes":
                pass
            return message["params"]

        self.assertTrue(told()["reset"])
        wire.send(notification("mesh.resync"))
        again = told()
        self.assertEqual((again["seq"], again["reset"]), (1, True))
        self.assertIn("told.m", [entry["method"] for entry in again["add"]])

    def test_drain_is_for_services(self):
        wire = self.stranger(self.start_node())
        wire.send(request("drain", "mesh.drain"))
        while (answer := wire.receive()).get("id") != "drain":
            pass
        self.assertEqual(answer["error"]["code"], -32600)
        self.assertIn("$/goaway", answer["error"]["message"])


class Callers(MeshCase):
    """What a caller does costs other callers nothing."""

    def serve(self, node, serves, handler=None):
        service = Service(node, serves, handler)
        self.addCleanup(service.close)
        return service

    def test_deadlines_that_are_too_short_take_no_instance_away(self):
        node = self.start_node()

        def slowly(got):
            time.sleep(0.004)
            got.answer("ok")

        services = [self.serve(node, ["slow.m"], slowly) for _ in range(3)]
        wire = self.connect(node)
        for service in services:
            service.reachable_from(wire)
        for _ in range(60):
            wire.call("slow.m", deadline_ms=1)
        self.assertEqual(node.metric("weft_ejections_total"), 0)
        self.assertEqual({i["state"] for r in node.page("/routes") if r["method"] == "slow.m" for i in r["instances"]}, {"healthy"})

    def test_attempts_do_not_multiply_over_a_link(self):
        mesh = self.start_mesh("ab", "--retry-budget-percent", "100")
        attempts = []

        def refuse(got):
            attempts.append(got.id)
            got.fail(14, "no", data={"executed": "no"})

        services = [self.serve(mesh["b"], ["refusing.m"], refuse) for _ in range(3)]
        for name in "ba":
            wire = mesh.connect(name)
            for service in services:
                service.reachable_from(wire)
            attempts.clear()
            self.assertEqual(wire.call("refusing.m")["error"]["code"], 14)
            self.assertEqual(len(attempts), 3, f"retry.attempts, from node {name}")

    def test_names_that_one_leaves_behind_displace_no_others(self):
        node = self.start_node()
        for k in range(6):
            Service(node, [f"junk.{k}.{i}" for i in range(1000)]).close()
        service = self.serve(node, ["lost.m"])
        wire = self.connect(node)
        service.reachable_from(wire)
        service.close()
        eventually(lambda: wire.call("lost.m")["error"]["code"] == 14, "it is unavailable")
        self.assertEqual([wire.call("lost.m")["error"]["code"] for _ in range(5)], [14] * 5)

    def test_a_cancellation_reaches_both_attempts_of_a_hedged_call(self):
        node = self.start_node("--hedge", "hedged.*=50")
        slow, cancelled = [], []

        def handle(got):
            if got.params:
                got.answer("quick")
            else:
                slow.append(got)

        services = [self.serve(node, [{"method": "hedged.m", "idempotent": True}], handle) for _ in range(2)]
        wire = self.connect(node)
        for service in services:
            service.reachable_from(wire)
        for _ in range(60):
            wire.call("hedged.m", ["quick"])
        wire.send(request(1, "hedged.m"))
        eventually(lambda: len(slow) == 2, "there is a second attempt")
        wire.send(notification("$/cancelRequest", {"id": 1}))
        for service in services:
            # Those of attempts that lost before are there as well.
            while (id := service.take().params["id"]) not in [got.id for got in slow]:
                pass
            cancelled.append(id)
        self.assertEqual(sorted(cancelled), sorted(got.id for got in slow))
        for got in slow:
            got.fail(-32800, "stopped")
        self.assertEqual(wire.receive()["error"]["code"], -32800)
        eventually(lambda: node.in_flight() == 0, "it is over")


class Lives(MeshCase):
    """Nodes that come back, and nodes with one id."""

    def test_a_node_is_back_before_its_old_link_is_closed(self):
        hub = self.start_node("--id", "hub")
        frozen = threading.Event()
        relay = socket.create_server((own_host(), 0))
        self.addCleanup(relay.close)

        def pump(source, target, first):
            try:
                while data := source.recv(1 << 16):
                    target.sendall(data)
            except OSError:
                pass
            if not (first and frozen.is_set()):
                for each in (source, target):
                    try:
                        each.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

        kept = []

        def accept():
            first = True
            while True:
                try:
                    client = relay.accept()[0]
                except OSError:
                    return
                server = socket.create_connection(hub.address)
                kept.append((client, server))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=(*pair, first), daemon=True).start()
                first = False

        threading.Thread(target=accept, daemon=True).start()
        peers = {"hub": "%s:%d" % relay.getsockname()}
        old = self.start_node("--id", "back", peers=peers, demo=False)
        service = Service(old, ["back.m"], lambda got: got.answer("old"))
        wire = self.connect(hub)
        eventually(lambda: wire.call("back.m").get("result") == "old", "the old life is reached")
        frozen.set()
        old.kill()
        new = self.start_node("--id", "back", peers=peers, demo=False)
        again = Service(new, ["back.m"], lambda got: got.answer("new"))
        self.addCleanup(again.close)
        eventually(lambda: wire.call("back.m", deadline_ms=300).get("result") == "new", "the new life is reached")
        for _ in range(10):
            self.assertEqual(wire.call("back.m")["result"], "new")
        self.assertEqual(hub.metric("weft_node_conflicts_total"), 0)
        self.assertEqual(hub.admin("/readyz")[0], 200)
        service.wire.close()

    def test_two_nodes_of_one_id_that_a_third_dials(self):
        first = self.start_node("--id", "twin", demo=False)
        second = self.start_node("--id", "twin", demo=False)
        services = [Service(node, ["both.m"], lambda got, name=name: got.answer(name))
                    for node, name in ((first, "first"), (second, "second"))]
        for service in services:
            self.addCleanup(service.close)
        node = self.start_node("--mesh-reconnect-max", "500ms", peers={"one": first.listen, "two": second.listen})
        eventually(lambda: sorted(p["state"] for p in node.page("/peers")) == ["conflict", "up"], "one of them is refused")
        status, body = node.admin("/readyz")
        self.assertEqual(status, 503)
        self.assertIn("[-]identity failed", body)
        self.assertIn("two nodes have the id 'twin'", node.log())
        self.assertGreaterEqual(node.metric("weft_node_conflicts_total"), 1)
        wire = self.connect(node)
        self.assertEqual(len({wire.call("both.m")["result"] for _ in range(20)}), 1)
        # The one that stays goes: the other one is taken.
        up = next(p for p in node.page("/peers") if p["state"] == "up")
        (first if up["name"] == "one" else second).kill()
        eventually(lambda: wire.call("both.m").get("result") == ("second" if up["name"] == "one" else "first"), "the other one serves")
        eventually(lambda: node.admin("/readyz")[0] == 200, "there is no conflict any more")

    def test_two_nodes_of_one_id_that_dial_each_other(self):
        first = self.start_node("--id", "same", demo=False)
        second = self.start_node("--id", "same", peers={"other": first.listen}, demo=False)
        eventually(lambda: second.peer_is("other", "conflict"), "the conflict shows")
        self.assertIn("same", second.peer("other")["last_error"])
        self.assertEqual(second.admin("/readyz")[0], 503)
        self.assertEqual(first.admin("/readyz")[0], 200, "whoever claims an id cannot take a node out")
        eventually(lambda: "has the id 'same' of this one" in first.log(), "the other one says so as well")
        self.assertIn("weft_peers{state=\"conflict\"} 1", second.admin("/metrics")[1])

    def test_one_that_is_refused_for_its_id_learns_why(self):
        hub = self.start_node("--id", "hub", demo=False)
        first = self.start_node("--id", "twin", peers={"hub": hub.listen}, demo=False)
        eventually(lambda: first.peer_is("hub", "up"), "the first one is there")
        second = self.start_node("--id", "twin", "--mesh-reconnect-max", "200ms", peers={"hub": hub.listen}, demo=False)
        eventually(lambda: second.peer_is("hub", "conflict"), "the second one is refused")
        self.assertIn("two nodes have the id 'twin'", second.peer("hub")["last_error"])
        self.assertEqual(second.admin("/readyz")[0], 503)
        # Each time that it tries again it is told so.
        seen = set()
        told = second.metric("weft_node_conflicts_total")
        while second.metric("weft_node_conflicts_total") < told + 5:
            seen.add(second.peer("hub")["state"])
        self.assertLessEqual(seen, {"conflict", "up"})
        self.assertTrue(first.peer_is("hub", "up"))
        self.assertEqual(first.admin("/readyz")[0], 200)

    def test_one_that_dials_itself_is_no_conflict(self):
        host = own_host()
        with socket.create_server((host, 0)) as reserved:
            listen = "%s:%d" % reserved.getsockname()
        node = self.start_node("--id", "alone", listen=listen, peers={"me": listen})
        eventually(lambda: node.peer_is("me", "self"), "it knows itself")
        self.assertEqual(node.admin("/readyz")[0], 200)


class Dialling(MeshCase):
    def test_who_answers_and_hangs_up_is_dialled_ever_less(self):
        peer = FakePeer(own_host())
        self.addCleanup(peer.close)
        self.start_node("--mesh-reconnect-initial", "20ms", peers={"fake": peer.address})
        times = []
        for _ in range(5):
            link, _ = peer.link()
            times.append(time.monotonic())
            link.close()
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        self.assertGreater(gaps[-1], 2 * gaps[0], gaps)

    def test_what_was_found_instead_of_a_node(self):
        for answer, words in ((b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks HTTP; is this the admin port"),
                              (b"\x15\x03\x01\x00\x02\x02\x0a", "speaks TLS"),
                              (b"SSH-2.0-server\r\n", "speaks SSH"),
                              (b"220 mail ESMTP\r\n", "speaks something other than framed JSON-RPC")):
            with self.subTest(words):
                listener = socket.create_server((own_host(), 0))
                self.addCleanup(listener.close)

                def serve(listener=listener, answer=answer):
                    while True:
                        try:
                            client = listener.accept()[0]
                        except OSError:
                            return
                        client.recv(65536)
                        client.sendall(answer)
                        client.close()

                threading.Thread(target=serve, daemon=True).start()
                node = self.start_node("--mesh-reconnect-max", "100ms", peers={"wrong": "%s:%d" % listener.getsockname()})
                eventually(lambda: node.peer("wrong").get("attempts", 0) > 5, "it was dialled some times")
                eventually(lambda: words in node.peer("wrong")["last_error"], "the peer's state says so")
                self.assertEqual(node.log().count(words), 1, node.log())
                self.assertIn(" warn", next(line for line in node.log().splitlines() if words in line))

    def test_a_real_admin_port_says_what_it_is_to_peers_and_tools(self):
        other = self.start_node("--id", "other")
        admin = "%s:%d" % other.admin_address
        words = "speaks HTTP; is this the admin port of a node?"
        node = self.start_node("--mesh-reconnect-max", "100ms", peers={"wrong": admin})
        eventually(lambda: node.peer("wrong").get("attempts", 0) > 3, "it was dialled some times")
        eventually(lambda: words in node.peer("wrong")["last_error"], "the peer's state says so")
        self.assertEqual(node.log().count(words), 1, node.log())
        for tool in (["call", admin, "foo"], ["bench", admin, "--connections", "4", "--pipeline", "8", "--duration", "1h"],
                     ["bench", admin, "--idle", "3", "--introduce"]):
            with self.subTest(tool):
                tried = subprocess.run([other.binary, *tool], capture_output=True, text=True, timeout=30)
                self.assertNotEqual(tried.returncode, 0)
                self.assertIn(words, tried.stdout + tried.stderr)
        self.assertEqual(other.admin("/livez")[0], 200)

    def test_look_ups_share_no_threads_with_blocking_handlers(self):
        target = self.start_node("--id", "target")
        node = self.start_node("--limits-blocking-threads", "1", "--limits-share-percent", "100", "--drain-timeout", "500ms",
                               peers={"named": "localhost:%s" % target.listen.rsplit(":", 1)[1]})
        busy = self.connect(node)
        busy.send(*(request(id, "demo.blocking", {"ms": 20_000}, deadline_ms=1) for id in range(3)))
        for _ in range(3):
            busy.receive()
        attempts = node.peer("named")["attempts"]
        eventually(lambda: node.peer("named")["attempts"] > attempts or node.peer_is("named", "up"), "the name is looked up again")
        # And it ends in time, leaving them behind.
        began = time.monotonic()
        node.stop()
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn("3 blocking handlers still run", node.log())


if __name__ == "__main__":
    main()
