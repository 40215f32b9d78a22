"""A node that listens on tls://: handshakes that succeed, and all kinds that must not."""

import json
import os
import re
import socket
import ssl
import subprocess
import time
import warnings

from suite import Certificates, Closed, NodeProcess, TlsWire, Wire, WireCase, eventually, frame, main, request, run



warnings.filterwarnings("ignore", category=DeprecationWarning)


def both(*options):
    return ("--listen", "tls://127.0.0.1:0", *options)


class TlsCase(WireCase):
    """A node with a plain listener and one of TLS; `tls_options` are further arguments."""

    tls_options = ()

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates("a", "b")
        cls.options = both(*cls.certificates.options("a"), *cls.tls_options)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.certificates.close()

    def dial(self, context=None, **more):
        wire = TlsWire(self.node.tls_address, context or self.certificates.client(), **more)
        self.addCleanup(wire.close)
        return wire

    def refused(self, context, name="localhost"):
        """What a client is told whose handshake, or first call, fails."""
        with self.assertRaises((ssl.SSLError, Closed, ConnectionError)) as failure:
            wire = self.dial(context, name=name)
            wire.call("foo")
        return str(failure.exception)

    def outcome(self, name):
        return self.node.metric("weft_tls_handshakes_total", outcome=name)

    def counts_one(self, outcome, act):
        before = self.outcome(outcome)
        result = act()
        eventually(lambda: self.outcome(outcome) == before + 1, f"one more handshake that is {outcome}")
        return result


class Talks(TlsCase):
    def test_a_call_over_tls_1_3_with_alpn(self):
        wire = self.counts_one("completed", self.dial)
        self.assertEqual(wire.session.version(), "TLSv1.3")
        self.assertEqual(wire.session.selected_alpn_protocol(), "weft/1")
        self.assertEqual(wire.call("foo")["result"], "ok")
        shown = [each for each in json.loads(self.node.admin("/connections")[1]) if each["tls"]]
        self.assertEqual(shown[0]["tls"]["version"], "TLSv1.3")
        self.assertTrue(shown[0]["tls"]["cipher"].startswith("TLS_"))
        self.assertEqual(shown[0]["tls"]["peer_names"], [])

    def test_a_client_without_alpn_is_let_in_and_one_for_something_else_is_not(self):
        self.assertEqual(self.dial(self.certificates.client(protocols=())).call("foo")["result"], "ok")
        self.counts_one("protocol", lambda: self.refused(self.certificates.client(protocols=("h2",))))
        self.node.await_log("the peer offers h2 (ALPN), not weft/1")

    def test_large_frames_both_ways(self):
        wire = self.dial()
        for size in (1, 16_383, 16_384, 16_385, 300_000, 1_000_000):
            text = "x" * size
            self.assertEqual(wire.call("demo.echo", [text])["result"], [text])

    def test_many_large_answers_to_who_does_not_read_at_first(self):
        wire = self.dial()
        text = "y" * 200_000
        wire.send(*(request(n, "demo.echo", [text]) for n in range(40)))
        time.sleep(0.3)
        for n in range(40):
            answer = wire.receive()
            self.assertEqual((answer["id"], answer["result"]), (n, [text]))

    def test_many_small_frames_in_one_record_and_in_many(self):
        wire = self.dial()
        wire.send(*(request(n, "demo.echo", [n]) for n in range(500)))
        self.assertEqual(sorted(wire.receive()["id"] for _ in range(500)), list(range(500)))
        for n in range(500):
            wire.send(request(n, "demo.echo", [n]))
        self.assertEqual(sorted(wire.receive()["id"] for _ in range(500)), list(range(500)))

    def test_frames_and_records_that_come_byte_by_byte(self):
        wire = self.dial(shake=False)
        try:
            wire.session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        for byte in wire.outgoing.read():
            wire.socket.sendall(bytes([byte]))
        wire.shake_hands()
        for byte in wire.records(frame(request(1, "foo"))):
            wire.socket.sendall(bytes([byte]))
        self.assertEqual(wire.receive()["result"], "ok")
        for byte in frame(request(2, "foo")):
            wire.send_bytes(bytes([byte]))
        self.assertEqual(wire.receive()["id"], 2)

    def test_the_first_frame_with_the_last_flight_of_the_handshake(self):
        wire = self.dial(shake=False)
        sending = wire.socket.sendall
        held = []
        wire.socket = SocketThatHolds(wire.socket, held)
        wire.shake_hands()
        held.append(wire.records(frame(request(1, "foo")) + frame(request(2, "foo"))))
        sending(b"".join(held[1:]))
        self.assertEqual([wire.receive()["id"], wire.receive()["id"]], [1, 2])

    def test_a_half_close_still_gets_its_answers(self):
        wire = self.dial()
        wire.send(request(1, "demo.sleep", {"ms": 100}), request(2, "foo"))
        wire.finish()
        self.assertEqual(sorted(json.loads(each)["id"] for each in wire.until_closed()), [1, 2])

    def test_a_half_close_that_comes_with_the_last_frame(self):
        wire = self.dial()
        last = wire.records(frame(request(1, "demo.sleep", {"ms": 50})))
        with self.assertRaises(ssl.SSLWantReadError):
            wire.session.unwrap()
        # The socket stays open: only TLS says that this is all.
        wire.socket.sendall(last + wire.outgoing.read())
        self.assertEqual(json.loads(wire.receive_payload())["id"], 1)
        with self.assertRaises(Closed):
            while True:
                wire.receive_payload()

    def test_an_end_without_close_notify_is_the_end(self):
        wire = self.dial()
        self.assertEqual(wire.call("foo")["result"], "ok")
        wire.socket.close()
        wire = self.dial()
        wire.send(request(1, "demo.sleep", {"ms": 20_000}))
        eventually(lambda: self.node.metric("weft_calls_in_flight", direction="inbound") > 0, "the call runs")
        wire.socket.shutdown(socket.SHUT_WR)
        eventually(lambda: self.node.metric("weft_calls_in_flight", direction="inbound") == 0, "its call is cancelled")

    def test_the_node_says_close_notify(self):
        wire = self.dial()
        wire.send_bytes(b"\x7f\xff\xff\xff")
        with self.assertRaises(Closed) as end:
            while True:
                wire.receive_payload()
        self.assertEqual(str(end.exception), "close_notify")

    def test_keys_that_are_renewed(self):
        host, port = self.node.tls_address
        with subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", self.certificates.ca,
                               "-alpn", "weft/1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as client:
            for command in (b"K\n", b"k\n", b"K\n"):
                client.stdin.write(command)
                client.stdin.flush()
                time.sleep(0.2)
            client.stdin.write(frame(request(1, "foo")) + b"\n")
            client.stdin.flush()
            time.sleep(0.5)
            client.stdin.close()
            output = client.stdout.read()
        self.assertIn(b"KEYUPDATE", output)
        self.assertIn(b'"result":"ok"', output)

    def test_sessions_are_resumed(self):
        context = self.certificates.client()
        first = self.dial(context)
        first.call("foo")
        again = TlsWire.__new__(TlsWire)
        Wire.__init__(again, self.node.tls_address)
        self.addCleanup(again.close)
        again.incoming, again.outgoing, again.ended = ssl.MemoryBIO(), ssl.MemoryBIO(), False
        again.session = context.wrap_bio(again.incoming, again.outgoing, server_hostname="localhost",
                                         session=first.session.session)
        again.shake_hands()
        self.assertTrue(again.session.session_reused)
        self.assertEqual(again.call("foo")["result"], "ok")

    def test_the_certificate_s_end_is_a_metric(self):
        text = run("openssl", "x509", "-in", self.certificates.file("a.pem"), "-noout", "-enddate")
        end = ssl.cert_time_to_seconds(text.strip().removeprefix("notAfter="))
        self.assertEqual(self.node.metric("weft_tls_certificate_expiry_timestamp_seconds"), end)


class SocketThatHolds:
    """Keeps what is sent after the first flight back, in `held`."""

    def __init__(self, real, held):
        self._real, self._held = real, held

    def sendall(self, data):
        if not self._held:
            self._real.sendall(data)
        self._held.append(data)

    def __getattr__(self, name):
        return getattr(self._real, name)


class Refuses(TlsCase):
    def test_1_2(self):
        context = self.certificates.client()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.counts_one("protocol", lambda: self.refused(context))
        self.node.await_log("no TLS session:")

    def test_a_client_that_does_not_trust_it(self):
        other = Certificates("x")
        self.addCleanup(other.close)
        self.counts_one("refused", lambda: self.refused(self.certificates.client(ca=other.ca)))

    def test_a_client_that_wants_another_name(self):
        self.assertIn("certificate verify failed", self.refused(self.certificates.client(), name="elsewhere.example"))

    def test_plain_frames_with_a_sentence_for_both(self):
        def speak():
            with Wire(self.node.tls_address) as wire:
                answer = wire.call("connect", {"name": "plain"})
                self.assertIn("tls://", answer["error"]["message"])
                with self.assertRaises(Closed):
                    wire.receive()

        self.counts_one("foreign", speak)
        self.node.await_log("does not speak TLS")

    def test_http_and_garbage(self):
        for bytes_sent in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 64, b"\xff" * 4096, b"SSH-2.0-x\r\n"):
            def speak():
                with socket.create_connection(self.node.tls_address, timeout=30) as plain:
                    plain.sendall(bytes_sent)
                    try:
                        while plain.recv(4096):
                            pass
                    except ConnectionError:
                        pass

            before = self.outcome("foreign") + self.outcome("protocol")
            speak()
            eventually(lambda: self.outcome("foreign") + self.outcome("protocol") == before + 1, "it is counted")
        self.assertEqual(self.dial().call("foo")["result"], "ok")

    def test_garbage_inside_a_session(self):
        wire = self.dial()
        wire.socket.sendall(b"\x17\x03\x03\x00\x20" + b"\xaa" * 32)
        with self.assertRaises((Closed, ssl.SSLError)):
            wire.receive()
        self.assertEqual(self.dial().call("foo")["result"], "ok")

    def test_tls_on_the_plain_port_with_a_sentence_for_both(self):
        with self.assertRaises((ssl.SSLError, ConnectionError, Closed)):
            TlsWire(self.node.address, self.certificates.client())
        done = subprocess.run([self.node.binary, "call", "tls://%s:%d" % self.node.address, "foo", "--ca",
                               self.certificates.ca], text=True, capture_output=True, timeout=60)
        self.assertIn("TLS", done.stderr)
        self.assertNotEqual(done.returncode, 0)


class Allows12(TlsCase):
    tls_options = ("--tls-min-version", "1.2")

    def test_1_2_with_forward_secrecy_only(self):
        context = self.certificates.client()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        wire = self.dial(context)
        self.assertTrue(wire.session.cipher()[0].startswith("ECDHE-"), wire.session.cipher())
        self.assertEqual(wire.call("foo")["result"], "ok")
        context.set_ciphers("AES256-GCM-SHA384")
        self.refused(context)

    def test_renegotiation_is_refused(self):
        host, port = self.node.tls_address
        done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-CAfile",
                               self.certificates.ca], input=b"R\n", capture_output=True, timeout=60)
        self.assertIn(b"RENEGOTIATING", done.stdout + done.stderr)
        self.assertIn(b"no renegotiation", done.stdout + done.stderr)
        self.assertEqual(self.dial().call("foo")["result"], "ok")


class ClientCertificates(TlsCase):
    tls_options = ("--tls-client-auth", "optional")

    def test_none_is_let_in_and_a_good_one_is_shown(self):
        self.assertEqual(self.dial().call("foo")["result"], "ok")
        self.assertEqual(self.dial(self.certificates.client("b")).call("foo")["result"], "ok")
        names = [name for each in json.loads(self.node.admin("/connections")[1]) if each["tls"]
                 for name in each["tls"]["peer_names"]]
        self.assertIn("b", names)

    def test_those_that_are_wrong_are_refused_with_a_sentence(self):
        other = Certificates("x")
        self.addCleanup(other.close)
        self.certificates.issue("old", ["DNS:old"], begins=-20, ends=-10)
        self.certificates.issue("early", ["DNS:early"], begins=10, ends=20)
        foreign = self.certificates.client()
        foreign.load_cert_chain(other.file("x.pem"), other.file("x.key"))
        for context, alert, sentence in (
                (self.certificates.client("old"), "expired", r"the certificate of old expired on \d{4}-\d\d-\d\d"),
                (self.certificates.client("early"), "certificate", r"the certificate of early is not valid before \d{4}-\d\d-\d\d"),
                (foreign, "unknown ca", r"the certificate of x is signed by an unknown authority .*tls\.ca names the bundle")):
            told = self.counts_one("certificate", lambda: self.refused(context))
            self.assertIn(alert, told.lower())
            eventually(lambda: re.search(sentence, self.node.log()), f"{sentence} in the log")


class RequiredCertificates(TlsCase):
    tls_options = ("--tls-client-auth", "required")

    def test_none_is_refused_and_a_good_one_is_let_in(self):
        told = self.counts_one("certificate", lambda: self.refused(self.certificates.client()))
        self.assertIn("certificate required", told.lower())
        self.assertEqual(self.dial(self.certificates.client("b")).call("foo")["result"], "ok")


class SlowOnes(TlsCase):
    tls_options = ("--limits-handshake-timeout", "1s", "--limits-handshakes", "4", "--reactors", "1")

    def hello(self):
        wire = self.dial(shake=False)
        try:
            wire.session.do_handshake()
        except ssl.SSLWantReadError:
            return wire, wire.outgoing.read()

    def test_silent_and_slow_ones_are_cut(self):
        silent = socket.create_connection(self.node.tls_address, timeout=30)
        self.addCleanup(silent.close)
        slow, hello = self.hello()
        slow.socket.sendall(hello[:20])
        before, began = self.outcome("timeout"), time.monotonic()
        self.assertEqual(silent.recv(1), b"")
        self.assertLess(time.monotonic() - began, 10)
        eventually(lambda: self.outcome("timeout") == before + 2, "both are counted")
        self.assertGreaterEqual(self.node.metric("weft_limit_hits_total", limit="handshake_timeout"), 2)
        self.node.await_log("nothing has come within 1000 ms (limits.handshake_timeout)")
        self.node.await_log("the handshake was not finished within 1000 ms")

    def test_many_that_never_finish_leave_others_alone(self):
        plain = Wire(self.node.address)
        self.addCleanup(plain.close)
        for _ in range(60):
            stalled, hello = self.hello()
            stalled.socket.sendall(hello[:20])
        began = time.monotonic()
        self.assertEqual(self.dial().call("foo")["result"], "ok")
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(plain.call("foo")["result"], "ok")
        eventually(lambda: self.outcome("displaced") > 0, "one had to make room")
        self.assertGreater(self.node.metric("weft_limit_hits_total", limit="handshakes"), 0)
        eventually(lambda: self.node.metric("weft_tls_handshakes_running") == 0, "all are over")
        self.assertEqual(self.dial().call("foo")["result"], "ok")


class Vanishing(TlsCase):
    tls_options = ("--limits-handshakes", "2", "--reactors", "1")

    def test_those_that_are_gone_before_their_turn(self):
        reset = b"\x01\0\0\0\0\0\0\0"
        for how in ("reset", "end", "probe"):
            crowd = []
            for number in range(150):
                wire = self.dial(shake=False)
                try:
                    wire.session.do_handshake()
                except ssl.SSLWantReadError:
                    hello = wire.outgoing.read()
                if how != "probe":
                    wire.socket.sendall(hello[:len(hello) if number % 2 else 40])
                crowd.append(wire)
            for wire in crowd:
                if how == "reset":
                    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                wire.socket.close()
            eventually(lambda: self.node.metric("weft_tls_handshakes_running") == 0, "all are over")
            self.assertEqual(self.dial().call("foo")["result"], "ok")
        self.assertEqual(sum(self.outcome(each) for each in ("connection", "displaced", "completed")), 3 * 150 + 3)


class OneAtATime(TlsCase):
    tls_options = ("--limits-handshake-timeout", "3s", "--limits-handshakes", "1", "--reactors", "1")

    def test_all_get_their_turn_or_their_end(self):
        stalled = []
        for _ in range(20):
            wire = self.dial(shake=False)
            try:
                wire.session.do_handshake()
            except ssl.SSLWantReadError:
                stalled.append(wire)
                wire.socket.sendall(wire.outgoing.read()[:30])
        self.assertEqual(self.dial().call("foo")["result"], "ok")
        eventually(lambda: self.node.metric("weft_tls_handshakes_running") == 0, "all are over")
        self.assertEqual(self.outcome("timeout") + self.outcome("displaced"), 20)
        for wire in stalled:
            with self.assertRaises((Closed, ssl.SSLError)):
                wire.shake_hands()
        self.assertEqual(self.dial().call("foo")["result"], "ok")


class AtStart(WireCase):
    """What a node refuses to start with."""

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates("a", "b")

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()

    def complaint(self, *options):
        done = subprocess.run([os.environ["WEFT_BIN"], "node", "--check-config", *options], text=True, capture_output=True,
                              timeout=60, env={"PATH": os.environ["PATH"]})
        self.assertEqual(done.returncode, 64, done)
        return done.stderr

    def test_says_what_would_be_right(self):
        file = self.certificates.file
        self.certificates.issue("old", ["DNS:old"], begins=-20, ends=-10)
        listen = ("--listen", "tls://127.0.0.1:0")
        for options, sentence in (
                (listen, "no certificate is named; name its file with tls.cert"),
                ((*listen, "--tls-cert", file("none.pem")), "none.pem"),
                ((*listen, "--tls-cert", file("a.pem"), "--tls-key", file("b.key")), "the key does not match the certificate of a"),
                ((*listen, "--tls-cert", file("old.pem"), "--tls-key", file("old.key")), "the certificate of old expired on"),
                ((*listen, "--tls-cert", file("a.pem"), "--tls-key", file("a.key"), "--tls-client-auth", "required"),
                 "tls.ca names the bundle"),
                (("--tls-key", file("a.key")), "is the key of no certificate"),
                ((*listen, *self.certificates.options("a"), "--tls-node-names", "b"), "tls.client_auth asks nobody for one"),
                (("--tls-check-peer-names", "no"), "would let any certificate pass"),
                (("--tls-client-auth", "required"), "write --listen tls://HOST:PORT")):
            with self.subTest(options):
                self.assertIn(sentence, self.complaint(*options))

    def test_lists_all_its_listeners(self):
        with NodeProcess("--listen", "tls://127.0.0.1:0", "--listen", "127.0.0.1:0",
                         *self.certificates.options("a")) as node:
            kinds = [each.startswith("tls://") for each in node.also_listens]
            self.assertEqual(kinds, [True, False])


if __name__ == "__main__":
    main()
