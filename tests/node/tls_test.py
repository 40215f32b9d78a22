"""`weft call` and `weft gen` over TLS, with the certificates of `weft dev-certs`, against Python's ssl and `openssl s_server`."""

import json
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import unittest

WEFT = os.environ["WEFT_BIN"]
OK, FAILED, UNREACHABLE, USAGE = 0, 1, 2, 64
TIMEOUT = 30


def weft(*arguments):
    return subprocess.run([WEFT, *arguments], text=True, capture_output=True, timeout=60)


def frame(message):
    payload = json.dumps(message).encode()
    return struct.pack(">i", len(payload)) + payload


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            return None
        data += chunk
    return data


def answer(request):
    """What the peer says to a request: a list of messages."""
    if request["method"] == "fail":
        return [{"jsonrpc": "2.0", "id": request["id"], "error": {"code": 5, "message": "no"}}]
    if request["method"] == "rpc.discover":
        document = {"openrpc": "1.3.2", "info": {"title": "t", "version": "1"},
                    "methods": [{"name": "orders.get", "params": [], "result": {"name": "r", "schema": {"type": "integer"}}}]}
        return [{"jsonrpc": "2.0", "id": request["id"], "result": document}]
    if "stream" in request:
        items = [{"jsonrpc": "2.0", "method": "$/stream/item", "params": {"id": request["id"], "seq": n, "value": n}}
                 for n in range(3)]
        return [*items, {"jsonrpc": "2.0", "id": request["id"], "result": None}]
    return [{"jsonrpc": "2.0", "id": request["id"], "result": request.get("params")}]


class Peer:
    """A TLS server with framed JSON-RPC on a port of the system's choice; `heard` are the requests."""

    def __init__(self, context):
        self.context = context
        self.heard = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                raw, _ = self.listening.accept()
            except OSError:
                return
            raw.settimeout(TIMEOUT)
            try:
                with (self.context.wrap_socket(raw, server_side=True) if self.context else raw) as connection:
                    self._talk(connection)
            except OSError:
                pass  # refused, by either side: what the tool says about it is tested

    def _talk(self, connection):
        while header := read_exactly(connection, 4):
            payload = read_exactly(connection, struct.unpack(">i", header)[0])
            if payload is None:
                return
            request = json.loads(payload)
            self.heard.append(request)
            if "id" in request:
                connection.sendall(b"".join(frame(message) for message in answer(request)))
        if self.context:
            connection.unwrap()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join(TIMEOUT)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        made = weft("dev-certs", cls.path())
        assert made.returncode == OK, made
        assert weft("dev-certs", cls.path("other")).returncode == OK

    @classmethod
    def path(cls, name=""):
        return os.path.join(cls.directory.name, name)

    def context(self, own="a", clients=ssl.CERT_NONE):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{own}.pem"), self.path(f"{own}.key"))
        context.load_verify_locations(self.path("ca.pem"))
        context.verify_mode = clients
        context.set_alpn_protocols(["weft/1"])
        return context

    def call(self, peer, *arguments, ca="ca.pem", host="127.0.0.1"):
        return weft("call", f"tls://{host}:{peer.port}", *arguments, "--ca", self.path(ca))

    def assert_unreachable(self, run, *sentences):
        self.assertEqual(run.returncode, UNREACHABLE, run)
        self.assertEqual(run.stdout, "")
        for sentence in sentences:
            self.assertIn(sentence, run.stderr)

    def test_a_call_and_an_error(self):
        with Peer(self.context()) as peer:
            for host in ("127.0.0.1", "localhost"):
                run = self.call(peer, "echo", '{"n": [1, 2]}', host=host)
                self.assertEqual((run.returncode, json.loads(run.stdout)), (OK, {"n": [1, 2]}), run)
            self.assertEqual(self.call(peer, "fail").returncode, FAILED)

    def test_a_large_result(self):
        with Peer(self.context()) as peer:
            params = json.dumps(["x" * 3_000_000])
            file = self.path("params.json")
            with open(file, "w", encoding="utf-8") as out:
                out.write(params)
            run = self.call(peer, "echo", "@" + file)
            self.assertEqual(run.returncode, OK, run.stderr)
            self.assertEqual(json.loads(run.stdout), json.loads(params))

    def test_a_stream(self):
        with Peer(self.context()) as peer:
            run = self.call(peer, "count", "--stream")
            self.assertEqual((run.returncode, run.stdout), (OK, "0\n1\n2\n"), run)

    def test_a_notification_arrives(self):
        with Peer(self.context()) as peer:
            run = self.call(peer, "note", "[1]", "--notify")
            self.assertEqual(run.returncode, OK, run)
            self.assertEqual([each["method"] for each in peer.heard], ["note"])

    def test_a_generated_client(self):
        with Peer(self.context()) as peer:
            run = weft("gen", "python", f"tls://localhost:{peer.port}", "--ca", self.path("ca.pem"))
            self.assertEqual(run.returncode, OK, run)
            self.assertIn("orders.get", run.stdout)

    def test_another_name_is_refused(self):
        with Peer(self.context()) as peer:
            run = self.call(peer, "echo", "--server-name", "b.example")
            self.assert_unreachable(run, f"cannot connect to tls://127.0.0.1:{peer.port}: no SAN matches b.example; the "
                                    "certificate has a, localhost, 127.0.0.1, ::1")
            self.assertEqual(self.call(peer, "echo", "--server-name", "a").returncode, OK)

    def test_an_unknown_authority_is_refused(self):
        with Peer(self.context()) as peer:
            run = self.call(peer, "echo", ca="other/ca.pem")
            self.assert_unreachable(run, "unknown authority (issuer O=weft dev CA - not for production); --ca names")
            self.assert_unreachable(weft("call", f"tls://localhost:{peer.port}", "echo"), "unknown authority")

    def test_a_certificate_for_both(self):
        own = ("--cert", self.path("b.pem"), "--key", self.path("b.key"))
        with Peer(self.context(clients=ssl.CERT_REQUIRED)) as peer:
            self.assertEqual(self.call(peer, "echo", *own).returncode, OK)
            missing = "the peer requires a certificate, and none was presented; --cert and --key name one"
            self.assert_unreachable(self.call(peer, "echo"), missing)
            self.assert_unreachable(self.call(peer, "echo", "--stream"), missing)
            self.assert_unreachable(self.call(peer, "note", "--notify"), missing)
            wrong = ("--cert", self.path("other/b.pem"), "--key", self.path("other/b.key"))
            self.assert_unreachable(self.call(peer, "echo", *wrong), "the peer refused our certificate")

    def test_older_versions(self):
        context = self.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with Peer(context) as peer:
            self.assertEqual(self.call(peer, "echo").returncode, OK)
            self.assertEqual(self.call(peer, "note", "--notify").returncode, OK)

    def test_a_peer_without_tls(self):
        with Peer(None) as peer:
            self.assert_unreachable(self.call(peer, "echo", "--timeout", "1s"), "TLS")
        listening = socket.create_server(("127.0.0.1", 0))

        def refuse():
            connection, _ = listening.accept()
            with connection:
                connection.recv(1)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.settimeout(TIMEOUT)
                while connection.recv(1000):
                    pass

        with listening:
            thread = threading.Thread(target=refuse)
            thread.start()
            run = weft("call", f"tls://127.0.0.1:{listening.getsockname()[1]}", "echo", "--ca", self.path("ca.pem"))
            thread.join(TIMEOUT)
        self.assert_unreachable(run, 'the peer does not speak TLS (it answered "HTTP/1.1 400 Bad')

    def test_files_that_cannot_be_used(self):
        address = "tls://127.0.0.1:1"
        key = self.path("open.key")
        with open(key, "w", encoding="utf-8") as out:
            with open(self.path("a.key"), encoding="utf-8") as source:
                out.write(source.read())
        os.chmod(key, 0o644)
        for arguments, complaint in (
                (("--ca", self.path("none.pem")), "No such file"),
                (("--ca", self.path("a.key")), "holds no certificate"),
                (("--cert", self.path("a.pem")), "name the key's file, too"),
                (("--cert", self.path("a.pem"), "--key", self.path("b.key")), "does not match the certificate of a"),
                (("--cert", self.path("a.pem"), "--key", key), "chmod 600")):
            run = weft("call", address, "echo", *arguments)
            self.assertEqual(run.returncode, USAGE, run)
            self.assertIn(complaint, run.stderr)

    def test_options_of_tls_need_an_address_of_tls(self):
        for command in (("call", "127.0.0.1:1", "echo"), ("gen", "python", "127.0.0.1:1")):
            run = weft(*command, "--ca", self.path("ca.pem"))
            self.assertEqual(run.returncode, USAGE, run)
            self.assertIn("write tls://HOST:PORT", run.stderr)
        for command in (("bench", "tls://127.0.0.1:1"), ("health", "tls://127.0.0.1:1")):
            run = weft(*command)
            self.assertEqual(run.returncode, USAGE, run)
            self.assertIn("this command speaks plain TCP only", run.stderr)

    def test_openssl_that_speaks_something_else(self):
        with subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", self.path("a.pem"), "-key",
                               self.path("a.key"), "-alpn", "h2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as server:
            try:
                port = next(line for line in server.stdout if line.startswith("ACCEPT")).strip().rpartition(":")[2]
                run = weft("call", f"tls://127.0.0.1:{port}", "echo", "--ca", self.path("ca.pem"))
                self.assert_unreachable(run, "the peer speaks TLS, but not weft/1; check the port")
            finally:
                server.kill()


if __name__ == "__main__":
    unittest.main()
