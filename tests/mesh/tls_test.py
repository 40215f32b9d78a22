"""Nodes that speak TLS with each other: links, what they refuse and say about it, and certificates that change."""

import json
import threading
import time

from setup import (Certificates, MeshCase, MeshNode, Secrets, TlsWire, eventually, free_addresses, main, own_host,
                   relay)

PERMISSION_DENIED, UNAUTHENTICATED = 7, 16


class TlsMesh(MeshCase):
    """Helpers for nodes that listen on tls:// with certificates for their address."""

    def setUp(self):
        self.certificates = Certificates("x")
        self.addCleanup(self.certificates.close)

    def issue(self, *names, **dates):
        for name in names:
            self.certificates.issue(name, [f"DNS:{name}", f"URI:spiffe://mesh/{name}", f"IP:{own_host()}"], **dates)

    def node(self, name, *options, at=None, peers=None, auth="required", scheme="tls"):
        listen = f"{scheme}://{at or own_host() + ':0'}"
        asks = ("--tls-client-auth", auth) if scheme == "tls" else ()
        return self.start_node("--id", f"node-{name}", *self.certificates.options(name, *asks), *options,
                               listen=listen, peers=peers)

    def mesh(self, names, *options):
        """All of them each other's peers, over mutual TLS."""
        self.issue(*names)
        at = dict(zip(names, free_addresses(len(names))))
        self.at = at
        nodes = {}
        for name in names:
            peers = {other: f"tls://{address}" for other, address in at.items() if other != name}
            nodes[name] = self.node(name, *options, at=at[name], peers=peers)
        self.all_up(nodes)
        return nodes

    def all_up(self, nodes):
        for name, node in nodes.items():
            for other in nodes:
                if other != name:
                    eventually(lambda: node.peer_is(other, "up"), f"{other} as a peer of {name} is up")

    def dial(self, node, name="x"):
        wire = TlsWire(node.address, self.certificates.client(name), name=own_host())
        self.addCleanup(wire.close)
        return wire

    def last_error(self, node, peer, sentence):
        eventually(lambda: sentence in node.peer(peer).get("last_error", ""), f"{sentence!r} in /peers, which has "
                   f"{node.peer(peer)}\n{node.log()}")


class Links(TlsMesh):
    def test_calls_and_streams_over_mutual_tls(self):
        nodes = self.mesh(["a", "b", "c"])
        wire = self.dial(nodes["a"])
        for path in (["b"], ["c"], ["b", "c"]):
            self.assert_ok(self.ask(wire, relay(1, *path)), {"node": f"node-{path[-1]}"})
        self.assert_ok(self.ask(wire, relay(2, "b", method="demo.echo", params=["x" * 300_000])), ["x" * 300_000], id=2)
        self.assert_ok(self.ask(wire, relay(3, "b", method="demo.count", params={"to": 100})), list(range(101)), id=3)
        peer = nodes["a"].peer("b")
        self.assertIs(peer["tls"], True)
        links = [each for each in nodes["a"].page("/connections") if each["role"] == "peer-inbound"]
        self.assertEqual({each["tls"]["version"] for each in links}, {"TLSv1.3"})
        self.assertIn("spiffe://mesh/b", [name for each in links for name in each["tls"]["peer_names"]])
        self.assertGreaterEqual(nodes["a"].metric("weft_tls_handshakes_total", outcome="completed"), 4)

    def test_a_node_that_comes_back_is_dialled_again(self):
        nodes = self.mesh(["a", "b"])
        nodes["b"].kill()
        eventually(lambda: not nodes["a"].peer_is("b", "up"), "b is gone")
        nodes["b"] = self.node("b", at=self.at["b"], peers={"a": f"tls://{self.at['a']}"})
        self.all_up(nodes)
        self.assert_ok(self.ask(self.dial(nodes["a"]), relay(1, "b")), {"node": "node-b"})

    def test_a_file_may_list_nodes_of_tls(self):
        self.issue("a", "b")
        b = self.node("b")
        secrets = Secrets(self.addCleanup)
        listing = secrets.write("peers.json", json.dumps([{"name": "b", "address": f"tls://{b.listen}"}]))
        a = self.node("a", "--peer", f"file://{listing}")
        eventually(lambda: a.peer_is("b", "up"), "b is up")


class Refused(TlsMesh):
    def refuse(self, told_a, told_b, a_certificate="a"):
        """What both say when a, with this certificate or none, dials b."""
        b = self.node("b")
        a = self.start_node("--id", "node-a", *(self.certificates.options(a_certificate) if a_certificate else
                                                ("--tls-ca", self.certificates.ca)),
                            listen=own_host() + ":0", peers={"b": f"tls://{b.listen}"})
        self.last_error(a, "b", told_a)
        a.await_log(told_a)
        b.await_log(told_b)

    def test_a_certificate_without_the_name(self):
        self.issue("a")
        self.certificates.issue("b", ["DNS:b.example", "IP:10.9.8.7"])
        self.refuse(f"no SAN matches {own_host()}; the certificate has b.example, 10.9.8.7", "no TLS session:")

    def test_an_unknown_authority(self):
        self.issue("a", "b")
        other = Certificates("y")
        self.addCleanup(other.close)
        b = self.node("b", auth="off")
        a = self.start_node("--id", "node-a", "--tls-ca", other.ca, listen=own_host() + ":0",
                            peers={"b": f"tls://{b.listen}"})
        self.last_error(a, "b", "is signed by an unknown authority")
        self.last_error(a, "b", "tls.ca names the bundle")
        b.await_log("no TLS session:")

    def test_a_node_that_shows_no_certificate(self):
        self.issue("b")
        self.refuse("the peer requires a certificate, and none was presented; tls.cert and tls.key name one",
                    "no TLS session:", a_certificate=None)

    def test_a_certificate_of_another_authority_for_a_client(self):
        self.issue("a", "b")
        other = Certificates("y")
        self.addCleanup(other.close)
        b = self.node("b")
        a = self.start_node("--id", "node-a", "--tls-cert", other.file("y.pem"), "--tls-key", other.file("y.key"),
                            "--tls-ca", self.certificates.ca, listen=own_host() + ":0",
                            peers={"b": f"tls://{b.listen}"})
        self.last_error(a, "b", "certificate")
        b.await_log("the certificate of y is signed by an unknown authority")

    def test_plain_to_tls_and_tls_to_plain(self):
        self.issue("a", "b")
        b = self.node("b", auth="off")
        plain = self.start_node("--id", "node-p", listen=own_host() + ":0", peers={"b": b.listen})
        self.last_error(plain, "b", "speaks TLS")
        b.await_log("does not speak TLS")
        over = self.node("a", auth="off", peers={"p": f"tls://{plain.listen}"})
        self.last_error(over, "p", "does not speak TLS")
        plain.await_log("TLS")

    def test_names_that_nodes_must_have(self):
        self.issue("a", "b", "c")
        names = ("--tls-node-names", "spiffe://mesh/a", "--tls-node-names", "spiffe://mesh/b")
        b = self.node("b", *names)
        a = self.node("a", *names, peers={"b": f"tls://{b.listen}"})
        c = self.node("c", peers={"b": f"tls://{b.listen}"})
        eventually(lambda: a.peer_is("b", "up"), "b is a peer of a")
        self.last_error(c, "b", "a node shows a certificate for spiffe://mesh/a or spiffe://mesh/b here (tls.node_names); "
                        "this one has c, spiffe://mesh/c")
        self.assertIn("result", self.dial(b, "c").call("connect", {"name": "a client"}), "c is a client like any other")

    def test_a_name_of_nodes_instead_of_the_one_that_was_dialled(self):
        self.issue("a")
        self.certificates.issue("b", ["URI:spiffe://mesh/b"])
        b = self.node("b", "--tls-node-names", "spiffe://mesh/a")
        names = ("--tls-node-names", "spiffe://mesh/b", "--tls-check-peer-names", "no")
        a = self.node("a", *names, peers={"b": f"tls://{b.listen}"})
        eventually(lambda: a.peer_is("b", "up"), "b is up")


class Identities(TlsMesh):
    def test_a_certificate_is_an_identity_without_a_token(self):
        self.issue("a", "orders", "node")
        secrets = Secrets(self.addCleanup)
        rows = [{"name": "orders", "san": "spiffe://mesh/orders", "call": ["demo.echo"]},
                {"name": "mesh", "san": "node", "node": True}]
        path = secrets.write("tokens.json", json.dumps({"identities": rows}))
        a = self.node("a", "--auth-tokens-file", path)
        wire = self.dial(a, "orders")
        self.assert_ok(wire.call("demo.echo", [1]), [1])
        self.assert_error(wire.call("demo.whoami"), PERMISSION_DENIED)
        shown = [each["identity"] for each in a.page("/connections")]
        self.assertEqual(shown, ["orders"])
        self.assertIn("result", wire.call("connect", {"name": "o", "serves": []}))
        self.assert_error(self.dial(a).call("demo.echo", [1]), UNAUTHENTICATED)
        peer = self.node("node", peers={"a": f"tls://{a.listen}"})
        eventually(lambda: peer.peer_is("a", "up"), "a takes the link of a node by its certificate")
        # Its row goes: it is told, and cut.
        secrets.write("tokens.json", json.dumps({"identities": rows[1:]}))
        told = wire.receive()
        self.assertEqual(told["method"], "$/goaway")
        self.assertIn("the certificate that was shown is nobody's any more", told["params"]["reason"])
        self.assertTrue(peer.peer_is("a", "up"))


class Reload(TlsMesh):
    def serial(self, node):
        with TlsWire(node.address, self.certificates.client("x"), name=own_host()) as wire:
            return wire.session.getpeercert()["serialNumber"]

    def reread(self, node, outcome):
        return node.metric("weft_files_reread_total", outcome=outcome)

    def test_under_load_without_a_failed_call(self):
        nodes = self.mesh(["a", "b"])
        stop, made, failed = threading.Event(), [0, 0], []

        def load(number):
            wire = self.dial(nodes["a"])
            while not stop.is_set():
                answer = self.ask(wire, relay(1, "b"))
                made[number] += 1
                if "error" in answer:
                    failed.append(answer)

        threads = [threading.Thread(target=load, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        try:
            before = {name: self.serial(node) for name, node in nodes.items()}
            for name in nodes:
                self.issue(name)
            began = time.monotonic()
            for name, node in nodes.items():
                eventually(lambda: self.serial(node) != before[name], f"{name} shows its new certificate")
                self.assertLess(time.monotonic() - began, 5)
                self.assertGreaterEqual(self.reread(node, "taken"), 1)
                node.await_log("new connections get a new certificate of")
            now = {name: self.serial(node) for name, node in nodes.items()}
            (self.certificates.path / "a.pem").write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
            eventually(lambda: self.reread(nodes["a"], "refused") >= 1, "the broken file is refused")
            nodes["a"].await_log("stay in use")
            self.assertEqual(self.serial(nodes["a"]), now["a"])
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failed, [])
        self.assertGreater(min(made), 10)
        for name, other in (("a", "b"), ("b", "a")):
            self.assertTrue(nodes[name].peer_is(other, "up"))

    def test_a_new_authority_counts_for_new_connections(self):
        self.issue("a")
        a = self.node("a")
        wire = self.dial(a)
        other = Certificates("y")
        self.addCleanup(other.close)
        bundle = (self.certificates.path / "ca.pem")
        bundle.write_text(bundle.read_text() + (other.path / "ca.pem").read_text())
        a.await_log("another CA bundle")
        context = self.certificates.client()
        context.load_cert_chain(other.file("y.pem"), other.file("y.key"))
        newcomer = TlsWire(a.address, context, name=own_host())
        self.addCleanup(newcomer.close)
        self.assertEqual(newcomer.call("foo")["result"], "ok")
        self.assertEqual(wire.call("foo")["result"], "ok")


if __name__ == "__main__":
    main()
