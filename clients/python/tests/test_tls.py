"""TLS to a listener that speaks the protocol: what is trusted, and that each mistake is one error that says so."""

import asyncio
import contextlib
import json
import logging
import socketserver
import ssl
import threading
import types

import pytest
import weft
from certificates import Authority
from test_command import run
from until import until
from weft.testing import RealNode
from weft.wire import HEADER, frame

HERE = "DNS:localhost", "IP:127.0.0.1"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    ours, other = Authority(folder, "ours"), Authority(folder, "other")
    return types.SimpleNamespace(
        folder=folder, ca=ours.certificate, other_ca=other.certificate, good=ours.sign("good", *HERE),
        elsewhere=ours.sign("elsewhere", "DNS:elsewhere.example"), expired=ours.sign("expired", *HERE, days=-1),
        client=ours.sign("client"), foreign_client=other.sign("client"))


class Echoes(socketserver.StreamRequestHandler):
    """A node that only echoes."""

    def setup(self):
        # OpenSSL says on the socket itself what it refuses.
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self):
        while len(header := self.rfile.read(4)) == 4 and 0 < (length := HEADER.unpack(header)[0]) < 1 << 20:
            message = json.loads(self.rfile.read(length))
            result = message.get("params")
            if message.get("method") == "connect":
                result = {"node": "tls", "connection": "0", "heartbeat_ms": 60_000, "limits": {}}
            self.wfile.write(frame(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()))


class Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that does not like the certificate is what is tested."""


@contextlib.contextmanager
def listener(identity=None, asks_for=None, maximum=None):
    """Its port; with TLS where it has a certificate."""
    context = None
    if identity is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=asks_for)
        context.load_cert_chain(*identity)
        context.set_alpn_protocols(["weft/1"])
        context.maximum_version = maximum or context.maximum_version
        if asks_for is not None:
            context.verify_mode = ssl.CERT_REQUIRED
    with Listener(("127.0.0.1", 0), Echoes) as server:
        server.context = context
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


async def refusal(address, **about):
    """The one error, which names the address."""
    async with asyncio.timeout(20):
        with pytest.raises(weft.Error) as failed:
            await weft.connect(address, **about)
    assert failed.value.code == weft.codes.UNAVAILABLE and failed.value.executed == "no"
    assert failed.value.message.startswith(f"cannot connect to {address.removeprefix('tcp://')}: ")
    return failed.value.message.split(": ", 1)[1]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_the_right_authority(made, host):
    with listener(made.good) as port:
        async with weft.connect(f"tls://{host}:{port}", tls=weft.Tls(ca=made.ca)) as node:
            assert await node.call("demo.echo", "x" * 300_000) == ["x" * 300_000]


async def test_an_address_without_a_scheme_is_as_the_option_says(made):
    tls = weft.Tls(ca=made.ca)
    with listener(made.good) as port:
        async with weft.connect(f"127.0.0.1:{port}", tls=tls) as node:
            assert await node.call("demo.echo", 1) == [1]
    with listener() as port:
        async with weft.connect(f"tcp://127.0.0.1:{port}", tls=tls) as node:
            assert await node.call("demo.echo", 1) == [1]


async def test_a_name_of_its_own(made):
    with listener(made.elsewhere) as port:
        address = f"tls://127.0.0.1:{port}"
        async with weft.connect(address, tls=weft.Tls(ca=made.ca, server_name="elsewhere.example")) as node:
            assert await node.call("demo.echo", 1) == [1]
        async with weft.connect(address, tls=weft.Tls(ca=made.ca), server_hostname="elsewhere.example") as node:
            assert await node.call("demo.echo", 1) == [1]
        said = await refusal(address, tls=weft.Tls(ca=made.ca))
        assert "the node's certificate is for another name" in said and "'127.0.0.1'" in said and "server_name" in said


async def test_a_client_certificate(made):
    with listener(made.good, asks_for=made.ca) as port:
        address = f"tls://localhost:{port}"
        cert, key = made.client
        async with weft.connect(address, tls=weft.Tls(ca=made.ca, cert=cert, key=key)) as node:
            assert await node.call("demo.echo", 1) == [1]
        both = made.folder / "both.pem"
        both.write_text(cert.read_text() + key.read_text())
        async with weft.connect(address, tls=weft.Tls(ca=made.ca, cert=both)) as node:
            assert await node.call("demo.echo", 1) == [1]
        # The listener closes right behind its alert, which a reset may overtake.
        overtaken = "may ask for a client certificate"
        said = await refusal(address, tls=weft.Tls(ca=made.ca))
        assert said.endswith("it asks for a client certificate; give cert and key") or overtaken in said
        assert said.count("client certificate") == 1
        cert, key = made.foreign_client
        said = await refusal(address, tls=weft.Tls(ca=made.ca, cert=cert, key=key))
        assert "it does not trust the authority of the client certificate" in said or overtaken in said


@pytest.mark.parametrize("identity, ca, said", [
    ("good", "other_ca", "not trusted here (unable to get local issuer certificate); give that authority as ca"),
    ("good", None, "of an authority that is not trusted here"),
    ("expired", "ca", "the node's certificate has expired; renew it"),
    (None, "ca", "may not speak TLS (then write tcp://HOST:PORT)"),
    ("option", "ca", "may not speak TLS (then write tcp://HOST:PORT, or leave out the option tls (--tls, --ca, …))")])
async def test_what_is_not_right_is_said(made, identity, ca, said):
    scheme, identity = ("", None) if identity == "option" else ("tls://", identity)
    with listener(identity and getattr(made, identity)) as port:
        assert said in await refusal(f"{scheme}localhost:{port}", tls=weft.Tls(ca=ca and getattr(made, ca)))


async def test_tls_behind_an_address_without_it(made):
    with listener(made.good) as port:
        assert "tls://" in await refusal(f"tcp://127.0.0.1:{port}")


async def test_a_real_node_says_itself_that_its_port_is_behind_tls(made):
    cert, key = made.good
    with RealNode("--tls-cert", str(cert), "--tls-key", str(key), listen="tls://127.0.0.1:0") as node:
        said = await refusal(node.address.removeprefix("tls://"))
        assert said.endswith("closed the connection: this port speaks TLS; connect to it as tls://HOST:PORT"), said


async def test_a_real_node_behind_tls_addresses(weft_node):
    for address, about, without in (
            (f"tls://{weft_node.address}", {"tls": True}, "write tcp://HOST:PORT, or name its TLS port"),
            (weft_node.address, {"tls": True}, "write tcp://HOST:PORT, or leave out the option tls (--tls, --ca, …)"),
            (weft_node.address, {"tls": weft.Tls()}, "write tcp://HOST:PORT, or leave out the option tls")):
        assert (await refusal(address, **about)).startswith(f"it does not speak TLS; {without}")


async def test_versions(made):
    with listener(made.good, maximum=ssl.TLSVersion.TLSv1_2) as port:
        address = f"tls://localhost:{port}"
        async with weft.connect(address, tls=weft.Tls(ca=made.ca)) as node:
            assert await node.call("demo.echo", 1) == [1]
        assert "minimum_version" in await refusal(address, tls=weft.Tls(ca=made.ca, minimum_version="1.3"))


def test_wrong_files_are_wrong_options(made):
    cert, key = made.client
    nothing, text = made.folder / "nothing.pem", made.folder / "text.pem"
    text.write_text("no certificate")
    other_key = made.good[1]
    for tls, said in ((weft.Tls(ca=nothing), f"ca: cannot read '{nothing}': No such file or directory"),
                      (weft.Tls(ca=text), f"ca: '{text}' holds no certificate in PEM form"),
                      (weft.Tls(cert=cert, key=nothing), f"key: cannot read '{nothing}': No such file or directory"),
                      (weft.Tls(cert=text), f"cert, key: '{text}' and '{text}' are no certificate and its key"),
                      (weft.Tls(cert=cert, key=other_key), f"key: '{other_key}' is not that of the certificate"),
                      (weft.Tls(key=key), f"a key was given, '{key}', without its certificate; give cert, too")):
        with pytest.raises(ValueError) as failed:
            weft.connect("tls://localhost:7400", tls=tls)
        assert said in str(failed.value)


async def test_a_service_says_once_why_it_waits(made, caplog):
    caplog.set_level(logging.DEBUG, "weft")
    service = weft.Service("waits")
    service.method("waits.x")(lambda: 1)
    with listener(made.expired) as port:
        serving = asyncio.create_task(
            weft.serve(f"tls://localhost:{port}", service, tls=weft.Tls(ca=made.ca), signals=False))
        await until(lambda: sum("expired" in each.getMessage() for each in caplog.records) >= 3, "it tries again")
        warned = [each for each in caplog.records if "expired" in each.getMessage() and each.levelno > logging.DEBUG]
        assert len(warned) == 1 and "cannot connect to tls://localhost" in warned[0].getMessage()
        serving.cancel()
        await asyncio.wait([serving])


async def test_from_the_command_line(made):
    cert, key = made.client
    with listener(made.elsewhere, asks_for=made.ca) as port:
        options = ["--ca", made.ca, "--cert", cert, "--key", key, "--server-name", "elsewhere.example"]
        done = await asyncio.to_thread(run, "call", f"tls://127.0.0.1:{port}", "demo.echo", "[1]", *options)
        assert (done.returncode, done.stdout, done.stderr) == (0, "[1]\n", "")
        done = await asyncio.to_thread(run, "call", f"tls://127.0.0.1:{port}", "demo.echo", "[1]", *options[:-2])
        assert done.returncode == 2 and "server_name" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    nothing = made.folder / "nothing.pem"
    done = await asyncio.to_thread(run, "call", "tls://127.0.0.1:1", "demo.echo", "[1]", "--ca", nothing)
    assert done.returncode == 64 and "nothing.pem': No such file" in done.stderr
