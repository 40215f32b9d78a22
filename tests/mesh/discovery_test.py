"""Nodes that are found in a file or by a DNS name: they appear, vanish, and are this node itself."""

import json
import os
import pathlib
import tempfile
import unittest

from setup import FakePeer, MeshCase, eventually, free_addresses, main, own_host, relay, sleep_on

from names import Names, refusal
from service import Service, echo

OPTIONS = ("--reactors", "2", "--mesh-file-interval", "20ms", "--mesh-dns-interval", "20ms",
           "--mesh-reconnect-initial", "20ms", "--mesh-reconnect-max", "100ms")


def states(node):
    """The state of each address that the node knows as a peer."""
    return {peer["address"]: peer["state"] for peer in node.page("/peers")}


def wait_for(node, expected):
    eventually(lambda: states(node) == expected, f"the peers of {node.id} are {expected}, not {states(node)}")


class DiscoveryCase(MeshCase):
    def serve(self, node, *methods, **more):
        service = Service(node, methods, echo, **more)
        self.addCleanup(service.close)
        return service

    def client(self, node, *services):
        wire = self.connect(node)
        for service in services:
            service.reachable_from(wire)
        return wire


class File(DiscoveryCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weft-peers-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "peers.json"
        self.source = f"file://{self.path}"

    def list(self, *entries):
        self.write(json.dumps(entries))

    def write(self, text):
        """Replaced in one piece, as careful programs do."""
        new = self.path.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.path)

    def start(self, name, *options, **more):
        return self.start_node("--id", f"node-{name}", *OPTIONS, *options, **more)

    def start_looking(self, *options, **more):
        return self.start("a", "--peer", self.source, *options, **more)

    def failures(self, node):
        return node.metric("weft_discovery_failures_total", source="file")

    def test_nodes_appear_and_vanish_without_a_restart(self):
        b, c = self.start("b"), self.start("c")
        services = [self.serve(b, "on.b"), self.serve(c, "on.c")]
        self.list(b.listen)
        a = self.start_looking()
        wait_for(a, {b.listen: "up"})
        self.list(b.listen, c.listen)
        wait_for(a, {b.listen: "up", c.listen: "up"})
        wire = self.client(a, *services)
        self.assertIn("result", wire.call("on.c"))
        self.assertEqual(a.metric("weft_discovered_nodes", source="file"), 2)
        self.list(c.listen)
        wait_for(a, {c.listen: "up"})
        self.assert_mesh_error(wire.call("on.b"), 14, "no", a)
        self.assertIn("result", wire.call("on.c"))
        self.list()
        wait_for(a, {})
        for node in (b, c):
            eventually(lambda: all(each["role"] == "client" for each in node.page("/connections")), "a has left")
        self.assertEqual(a.metric("weft_actors_running", kind="peer"), 0)
        self.assertEqual(a.metric("weft_peers"), 0)

    def test_the_file_need_not_be_there_yet(self):
        b = self.start("b")
        a = self.start_looking()
        eventually(lambda: self.failures(a) >= 3, "a has looked in vain")
        self.assert_alive(a)
        self.assertEqual(a.admin("/readyz")[0], 200)
        # What is nowhere is not waited for.
        self.assert_error(self.connect(a).call("nowhere.at.all"), -32601)
        self.list(b.listen)
        wait_for(a, {b.listen: "up"})

    def test_what_cannot_be_read_changes_nothing_and_is_said_once(self):
        b = self.start("b")
        self.list(b.listen)
        a = self.start_looking()
        wait_for(a, {b.listen: "up"})
        for text, complaint in (("[", "no JSON"), ('{"b": 1}', "JSON object"), ('["b"]', "no port"),
                                ("[7]", "a number"), ('[{"name": "b"}]', '"address" is missing'),
                                ('[{"adress": "b:1"}]', '"adress" is unknown'),
                                ('[{"name": "b c", "address": "b:1"}]', '"b c" is not a name'),
                                ('[{"name": "b", "address": "b:1"}, {"name": "b", "address": "c:1"}]', "twice")):
            with self.subTest(text):
                before = self.failures(a)
                self.write(text)
                eventually(lambda: self.failures(a) >= before + 3, "a has looked")

                def said():
                    return [line for line in a.log().splitlines() if str(self.path) in line and complaint in line]
                lines = eventually(said, "it is said")
                self.assertEqual(len(lines), 1, a.log())
                self.assertIn("1 nodes", lines[0])
        self.path.unlink()
        eventually(lambda: "No such file" in a.log(), "a has looked")
        attempts = a.page("/peers")[0]["attempts"]
        self.list(b.listen)
        eventually(lambda: "readable again" in a.log(), "a has looked")
        peer = a.page("/peers")[0]
        self.assertEqual((peer["state"], peer["attempts"]), ("up", attempts), "the link was never touched")

    def test_nodes_are_called_by_name_address_and_id(self):
        b, c = self.start("b"), self.start("c")
        self.list({"name": "second", "address": b.listen}, c.listen)
        a = self.start_looking()
        wait_for(a, {b.listen: "up", c.listen: "up"})
        wire = self.connect(a)
        for name, node in (("second", b), ("node-b", b), (c.listen, c), ("node-c", c)):
            self.assert_ok(self.ask(wire, relay(1, name)), {"node": node.id})
        peer = a.peer("second")
        self.assertEqual((peer["sources"], peer["names"], peer["node"]), ([self.source], ["second"], "node-b"))
        error = self.assert_mesh_error(self.ask(wire, relay(1, "third")), 14, "no", a)
        for name in ("second", c.listen):
            self.assertIn(name, error["message"])

    def test_one_address_is_dialled_once_whoever_lists_it(self):
        b = self.start("b")
        self.list(b.listen, b.listen, {"name": "again", "address": b.listen})
        a = self.start_looking(peers={"b": b.listen, "too": b.listen})
        peer = eventually(lambda: (found := a.peer("b")).get("state") == "up" and self.source in found["sources"] and
                          found, "b is up, listed thrice")
        self.assertEqual(peer["sources"], [f"b={b.listen}", f"too={b.listen}", self.source])
        self.assertEqual(len(a.page("/peers")), 1)
        self.assertEqual(len([each for each in b.page("/connections") if each["role"] == "peer-inbound"]), 1)
        wire = self.connect(a)
        for name in ("b", "too", "again"):
            self.assert_ok(self.ask(wire, relay(1, name)), {"node": "node-b"})
        # Still a peer, since it is named on the command line.
        self.list()
        eventually(lambda: a.peer("b")["sources"] == [f"b={b.listen}", f"too={b.listen}"], "a has looked")
        self.assertTrue(a.peer_is("b", "up"))

    def test_a_node_recognises_itself_and_does_not_dial_itself_again(self):
        (listen,) = free_addresses(1)
        b = self.start("b")
        self.list(listen, b.listen)
        a = self.start_looking(listen=listen)
        wait_for(a, {listen: "self", b.listen: "up"})
        eventually(lambda: [each["role"] for each in a.page("/connections")] == ["peer-outbound"], "one link, to b")
        opened = a.metric("weft_tcp_open_total", direction="outbound")
        self.assertEqual(a.peer(listen)["node"], "node-a")
        self.assertIn("[+]peers ok: 1 of 1 connected\n", a.admin("/readyz?verbose")[1])
        # Other changes do not make it try.
        self.list(listen)
        wait_for(a, {listen: "self"})
        self.list(b.listen, listen)
        wait_for(a, {listen: "self", b.listen: "up"})
        self.assertEqual(a.metric("weft_tcp_open_total", direction="outbound"), opened + 1)

    def test_calls_under_way_finish_when_a_node_is_dropped(self):
        b = self.start("b")
        service = Service(b, ["slow"])
        self.addCleanup(service.close)
        self.list({"name": "b", "address": b.listen})
        a = self.start_looking()
        wire = self.client(a, service)
        wire.send({"jsonrpc": "2.0", "id": "held", "method": "slow"})
        held = service.take()
        self.list()
        eventually(lambda: a.peer_is("b", "draining"), "b is dropped")
        others = self.connect(a)
        self.assert_mesh_error(self.ask(others, relay(1, "b")), 14, "no", a)
        eventually(lambda: "error" in others.call("slow"), "no new call goes there")
        held.answer("finished")
        self.assert_ok(wire.receive(), "finished", id="held")
        wait_for(a, {})

    def test_a_call_that_does_not_finish_ends_with_the_drain_timeout(self):
        b = self.start("b")
        self.list({"name": "b", "address": b.listen})
        a = self.start_looking("--drain-timeout", "300ms")
        wait_for(a, {b.listen: "up"})
        wire = self.connect(a)
        wire.send(sleep_on("stuck", "b"))
        eventually(lambda: b.in_flight() == 1, "the call has reached b")
        self.list()
        self.assert_mesh_error(wire.receive(), 14, "unknown", a, id="stuck")
        wait_for(a, {})
        eventually(lambda: b.in_flight() == 0, "b has given it up as well")

    def test_a_node_that_comes_back_while_it_is_drained_is_dialled_again(self):
        b = self.start("b")
        service = Service(b, ["slow"])
        self.addCleanup(service.close)
        self.list({"name": "b", "address": b.listen})
        a = self.start_looking()
        wire = self.client(a, service)
        wire.send({"jsonrpc": "2.0", "id": "held", "method": "slow"})
        held = service.take()
        self.list()
        eventually(lambda: a.peer_is("b", "draining"), "b is dropped")
        self.list({"name": "b", "address": b.listen})
        eventually(lambda: a.metric("weft_discovered_nodes", source="file") == 1, "b is listed again")
        held.answer("finished")
        self.assert_ok(wire.receive(), "finished", id="held")
        eventually(lambda: a.peer_is("b", "up"), "b is up again")
        service.reachable_from(wire)

    def test_a_peer_that_is_dropped_in_the_middle_of_its_introduction(self):
        fake = FakePeer(own_host())
        self.addCleanup(fake.close)
        self.list(fake.address)
        a = self.start_looking()
        link = fake.accept()
        self.addCleanup(link.close)
        link.receive_call("connect")
        wait_for(a, {fake.address: "introducing"})
        self.list()
        self.assertEqual(link.until_closed(), [])
        link.close()
        wait_for(a, {})

    def test_the_other_direction_goes_on_without_a_failure(self):
        """b still lists a: its link carries the calls of both when a drops b."""
        (listen,) = free_addresses(1)
        b = self.start("b", peers={"a": listen})
        self.list(b.listen)
        a = self.start_looking(listen=listen)
        wait_for(a, {b.listen: "up"})
        wait_for(b, {listen: "up"})
        near, far = self.serve(a, "on.a"), self.serve(b, "on.b")
        from_a, from_b = self.client(a, far), self.client(b, near)
        links = len(a.page("/connections"))
        self.list()
        while len(a.page("/connections")) == links:
            for wire, method in ((from_a, "on.b"), (from_b, "on.a")):
                self.assertEqual(wire.call(method).get("result", {}).get("method"), method)
        wait_for(a, {})
        self.assertIn("result", from_a.call("on.b"))
        self.assertIn("result", from_b.call("on.a"))

    def test_no_more_than_the_limit_are_dialled(self):
        b, c = self.start("b"), self.start("c")
        self.list(c.listen)
        a = self.start_looking("--mesh-max-discovered-nodes", "1", peers={"b": b.listen})
        wait_for(a, {b.listen: "up", c.listen: "up"})
        more = free_addresses(3)
        self.list(*more, b.listen, c.listen)
        eventually(lambda: a.metric("weft_limit_hits_total", limit="max_discovered_nodes") == 1, "a has looked")
        # The one that is there stays; what is named on the command line does not count.
        self.assertEqual(states(a), {b.listen: "up", c.listen: "up"})
        eventually(lambda: "3 of the nodes" in a.log() and "mesh.max_discovered_nodes" in a.log(), "the log says so")
        self.list(more[0])
        eventually(lambda: set(states(a)) == {b.listen, more[0]}, "the place is free again")


class Dns(DiscoveryCase):
    @classmethod
    def setUpClass(cls):
        if why := refusal():
            raise unittest.SkipTest(f"SKIPPED, names cannot be made up here: {why}")

    def setUp(self):
        self.names = Names()
        self.addCleanup(self.names.close)
        self.hosts = [own_host(number) for number in range(3)]
        self.port = free_addresses(1)[0].rpartition(":")[2]
        self.addresses = [f"{host}:{self.port}" for host in self.hosts]

    def start(self, number, *options):
        """A replica: all have the same configuration, but for what stands for a container's own address and name."""
        return self.start_node("--id", f"replica-{number}", "--peer", f"dns://weft:{self.port}", *OPTIONS, *options,
                               listen=self.addresses[number], launcher=self.names.launcher)

    def expect(self, node, number, others):
        """The replica sees the others, and itself as itself."""
        wait_for(node, {self.addresses[number]: "self"} | {self.addresses[other]: "up" for other in others})

    def test_a_service_is_scaled_up_and_down(self):
        self.names.set(weft=self.hosts[:1])
        first = self.start(0)
        self.expect(first, 0, [])
        second, third = self.start(1), self.start(2)
        self.names.set(weft=self.hosts)
        for number, node in enumerate((first, second, third)):
            self.expect(node, number, {0, 1, 2} - {number})
        service = self.serve(third, "users.get")
        wire = self.client(first, service)
        self.assertIn("result", wire.call("users.get"))
        peer = first.peer(self.addresses[2])
        self.assertEqual((peer["node"], peer["sources"]), ("replica-2", [f"dns://weft:{self.port}"]))
        self.assert_ok(self.ask(wire, relay(1, "replica-1")), {"node": "replica-1"})
        # A caller of metrics sees the service, not the address of a replica that is soon gone.
        self.assertEqual(first.metric("rpc_client_call_duration_seconds_count", server_address="weft"), 1)
        third.stop()
        self.names.set(weft=self.hosts[:2])
        for number, node in enumerate((first, second)):
            self.expect(node, number, {0, 1} - {number})
        self.names.set(weft=self.hosts[:1])
        second.stop()
        self.expect(first, 0, [])

    def test_a_look_up_that_fails_changes_nothing(self):
        self.names.set(weft=self.hosts[:2])
        first, second = self.start(0), self.start(1)
        self.expect(first, 0, [1])
        attempts = first.peer(self.addresses[1])["attempts"]
        self.names.set()
        eventually(lambda: first.metric("weft_discovery_failures_total", source="dns") >= 3, "it was asked in vain")
        self.expect(first, 0, [1])
        self.assertEqual(first.log().count(f"peers of dns://weft:{self.port}: weft: "), 1, first.log())
        self.names.set(weft=self.hosts)
        third = self.start(2)
        self.expect(first, 0, [1, 2])
        self.expect(second, 1, [0, 2])
        self.expect(third, 2, [0, 1])
        self.assertEqual(first.peer(self.addresses[1])["attempts"], attempts)
        self.assertEqual(first.metric("weft_discovered_nodes", source="dns"), 3)

    def test_an_address_that_stands_twice_is_dialled_once(self):
        self.names.set(weft=[*self.hosts[:2], *self.hosts[:2]])
        first, second = self.start(0), self.start(1)
        self.expect(first, 0, [1])
        self.expect(second, 1, [0])
        self.assertEqual(first.metric("weft_discovered_nodes", source="dns"), 2)

    def test_a_name_among_the_peers_may_be_the_node_itself_today(self):
        self.names.set(weft=self.hosts[:1], other=self.hosts[:1])
        first = self.start(0, "--peer", f"other=other:{self.port}")
        other = f"other:{self.port}"
        eventually(lambda: first.peer_is("other", "self"), "the name is this node")
        second = self.start(1)
        self.names.set(weft=self.hosts[:2], other=self.hosts[1:2])
        wait_for(first, {self.addresses[0]: "self", self.addresses[1]: "up", other: "up"})
        self.assert_ok(self.ask(self.connect(first), relay(1, "other")), {"node": second.id})


if __name__ == "__main__":
    main()
