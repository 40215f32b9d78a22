"""Connections that come and go, against real nodes: failover, draining, refusals, TLS."""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import signal
import ssl
import subprocess
import sys

import pytest
from until import until

import weft
from weft.testing import RealNode

SECRET = "0123456789abcdef" * 3


def tokens(folder):
    """A tokens file: `users` may serve users.*, everyone may call."""
    path = folder / "tokens.json"
    path.write_text(json.dumps({
        "identities": [{"name": "users", "token_sha256": hashlib.sha256(SECRET.encode()).hexdigest(),
                        "serve": ["users.*"], "call": ["*"]}]}))
    path.chmod(0o600)
    return str(path)


def users():
    service = weft.Service("users")
    service.began = 0

    @service.method(idempotent=True)
    async def get(id: int) -> int:
        return id

    @service.method
    async def slow(seconds: float) -> str:
        service.began += 1
        await asyncio.sleep(seconds)
        return "slept"

    return service


async def stop(node):
    await asyncio.to_thread(node.stop)


async def test_the_first_address_that_answers_is_taken(weft_node):
    async with weft.connect("127.0.0.1:1", weft_node.address) as node:
        assert await node.call("foo") == "ok"
    async with weft.connect(f"127.0.0.1:1, {weft_node.address}") as node:
        assert node.info["node"] == weft_node.id and node.state == "connected"
    assert node.state == "closed"
    with pytest.raises(weft.Error) as closed:
        await node.call("foo")
    assert (closed.value.code, closed.value.executed) == (weft.codes.UNAVAILABLE, "no")


async def test_no_node_is_an_error_that_names_them_all():
    with pytest.raises(weft.Error, match="cannot connect to 127.0.0.1:1: .*; 127.0.0.1:2: ") as error:
        await weft.connect("127.0.0.1:1", "127.0.0.1:2")
    assert (error.value.code, error.value.executed) == (weft.codes.UNAVAILABLE, "no")


async def test_what_speaks_something_else_is_named(weft_node):
    with pytest.raises(weft.Error, match=r": it speaks HTTP; is this the admin port of a node\? \(code 14\)$") as error:
        await weft.connect(weft_node.admin)
    assert (error.value.code, error.value.executed) == (weft.codes.UNAVAILABLE, "no")
    for says, said in (b"SSH-2.0-x\r\n", "it speaks SSH"), (b"\x15\x03\x01\x00\x02\x02\x0a", "it speaks TLS; write"):
        async def greet(_, writer, says=says):
            writer.write(says)
            await writer.drain()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            with pytest.raises(weft.Error, match=said):
                await weft.connect("127.0.0.1:%d" % server.sockets[0].getsockname()[1])


@pytest.mark.parametrize("address", ["", "7400", "host:", ":7400", "host:port", "host:70000", "http://host:1"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match="address of a node"):
        weft.connect(address)


async def test_a_killed_node_is_replaced_and_idempotent_calls_go_on():
    with RealNode() as a, RealNode() as b:
        async with weft.connect(a.address, b.address) as node:
            sleeping = asyncio.create_task(node.call("demo.sleep", weft.options(idempotent=True), ms=200))
            risky = asyncio.create_task(node.call("demo.sleep", ms=20_000))
            await node.call("foo")
            a.kill()
            assert await sleeping == "ok"
            with pytest.raises(weft.Error) as lost:
                await risky
            assert (lost.value.code, lost.value.executed) == (weft.codes.UNAVAILABLE, "unknown")
            assert node.info["node"] == b.id


async def test_a_node_that_drains_loses_no_call():
    """Calls all the time, while the service and its callers move from one node of a mesh to the other."""
    with RealNode("--id", "b") as b, RealNode("--id", "a", "--peer", f"b={b.address}") as a:
        service = users()
        async with weft.connect(a.address, b.address, name="users", services=[service]):
            async with weft.connect(b.address) as beside:
                await until_served(beside)
            async with weft.connect(a.address, b.address, name="caller") as node:
                under_way = asyncio.create_task(node.call("users.slow", 0.4))
                answered, ending = 0, asyncio.Event()

                async def ask():
                    nonlocal answered
                    while not ending.is_set():
                        assert await node.call("users.get", answered) >= 0
                        answered += 1

                asking = asyncio.gather(*(ask() for _ in range(8)))
                await until(lambda: answered > 200, "calls run")
                await stop(a)
                assert await under_way == "slept"
                before = answered
                await until(lambda: answered > before + 200, "calls run at the other node")
                ending.set()
                await asking
                assert node.info["node"] == b.id


async def test_one_that_comes_back_is_found_again_and_served():
    with RealNode() as first:
        address = first.address
        serving = asyncio.create_task(weft.serve(address, users(), signals=False))
        async with weft.connect(address) as node:
            await until_served(node)
            await stop(first)
            waiting = asyncio.create_task(node.call("foo"))
            await until(lambda: node.state == "connecting", "it looks for a node")
            with RealNode(listen=address):
                assert await waiting == "ok"
                await until_served(node)
                serving.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await serving


async def until_served(node):
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(weft.Error):
                return await node.call("users.get", 1)
            await asyncio.sleep(0.01)


async def test_a_call_without_a_connection_waits_no_longer_than_it_may():
    with RealNode() as only:
        async with weft.connect(only.address) as node:
            await stop(only)
            await until(lambda: node.state == "connecting", "it looks for a node")
            with pytest.raises(weft.Error, match="no connection to a node in time: ") as waited:
                await node.call("foo", weft.options(timeout=0.1))
            assert (waited.value.code, waited.value.executed) == (weft.codes.UNAVAILABLE, "no")


async def test_more_calls_than_the_node_takes_wait_for_their_turn():
    with RealNode("--limits-in-flight-per-connection", "16") as small:
        async with weft.connect(small.address) as node:
            assert set(await asyncio.gather(*(node.call("demo.sleep", ms=1) for _ in range(200)))) == {"ok"}


async def test_calls_that_give_up_waiting_for_their_turn_pass_it_on():
    with RealNode("--limits-in-flight-per-connection", "10") as small:
        async with weft.connect(small.address) as node:
            for _ in range(20):
                calls = [asyncio.create_task(node.call("demo.sleep", ms=5)) for _ in range(12)]
                await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                for call in calls[2:8]:
                    call.cancel()
                _, late = await asyncio.wait(calls, timeout=10)
                peer = node._uplink.peer
                assert not late, (peer._pending, peer._waiting_for_turn)
                assert [call.result() for call in calls[8:]] == ["ok"] * 4


async def test_a_resumed_stream_goes_on_over_another_connection():
    with RealNode() as a, RealNode() as b:
        async with weft.connect(a.address, b.address) as node:
            got = []
            async for n in node.stream("demo.count", weft.options(resume=True, window=4), to=50, ms=5):
                got.append(n)
                if n == 10:
                    a.kill()
            assert got == list(range(51))
            stream = node.stream("demo.count", to=10**6, ms=1)
            await anext(stream)
            b.kill()
            with pytest.raises(weft.Error) as lost:
                async for _ in stream:
                    pass
            assert lost.value.code == weft.codes.UNAVAILABLE


async def test_a_token_that_is_refused_ends_it(tmp_path):
    with RealNode("--auth-tokens-file", tokens(tmp_path)) as guarded:
        for token in ("wrong", None):
            with pytest.raises(weft.Error) as refused:
                await weft.serve(guarded.address, users(), token=token, signals=False)
            assert refused.value.code in (weft.codes.UNAUTHENTICATED, weft.codes.PERMISSION_DENIED)
        service = weft.Service("orders")
        service.method(users)
        with pytest.raises(weft.Error) as refused:
            await weft.serve(guarded.address, service, token=SECRET, signals=False)
        assert refused.value.code == weft.codes.PERMISSION_DENIED
        async with weft.connect(guarded.address, name="users", token=SECRET, services=[users()]) as node:
            assert await node.call("users.get", 3) == 3


async def test_a_name_that_is_the_nodes_own_ends_it(weft_node):
    service = weft.Service("demo")
    service.method("demo.sum")(lambda: 1)
    with pytest.raises(weft.Error, match="'demo.sum' is a method of the node itself"):
        await weft.serve(weft_node.address, service, signals=False)


async def test_a_refusal_after_a_reconnection_ends_it_too(tmp_path):
    with RealNode() as first:
        address = first.address
        serving = asyncio.create_task(weft.serve(address, users(), signals=False))
        async with weft.connect(address) as node:
            await until_served(node)
            await stop(first)
            with RealNode("--auth-tokens-file", tokens(tmp_path), listen=address):
                with pytest.raises(weft.Error) as refused:
                    await serving
                assert refused.value.code in (weft.codes.UNAUTHENTICATED, weft.codes.PERMISSION_DENIED)


async def test_serving_begins_when_there_is_a_node():
    with RealNode() as first:
        address = first.address
    serving = asyncio.create_task(weft.serve(address, users(), signals=False))
    done, _ = await asyncio.wait([serving], timeout=0.3)
    assert not done, "it goes on trying"
    with RealNode(listen=address):
        async with weft.connect(address) as node:
            await until_served(node)
            serving.cancel()
            await asyncio.wait([serving])


async def test_taking_leave_answers_what_is_under_way(weft_node):
    async with weft.connect(weft_node.address) as node:
        service = users()
        serving = asyncio.create_task(weft.serve(weft_node.address, service, signals=False))
        await until_served(node)
        slow = asyncio.create_task(node.call("users.slow", 0.5))
        await until(lambda: service.began, "it runs")
        serving.cancel()
        assert await slow == "slept"
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(weft.Error):
            await node.call("users.get", 1)


async def test_sigterm_ends_a_service_with_leave(weft_node, tmp_path):
    (tmp_path / "served.py").write_text(
        "import asyncio, sys, weft\n"
        "service = weft.Service('left')\n\n@service.method\nasync def slow() -> str:\n    print('began', flush=True)\n"
        "    await asyncio.sleep(0.5)\n    return 'slept'\n\nweft.run(weft.serve(sys.argv[1], service))\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-B", tmp_path / "served.py", weft_node.address]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        async with weft.connect(weft_node.address) as node:
            async with asyncio.timeout(20):
                while "left.slow" not in [each["name"] for each in (await node.call("rpc.discover"))["methods"]]:
                    pass
            slow = asyncio.create_task(node.call("left.slow"))
            assert await asyncio.to_thread(process.stdout.readline) == "began\n"
            process.send_signal(signal.SIGTERM)
            assert await slow == "slept"
            assert await asyncio.to_thread(process.wait, 20) == 0


@contextlib.asynccontextmanager
async def tls_proxy(target, folder):
    """Ends TLS before a node that has none: its address, and a context that trusts it."""
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["weft/1"])
    protocols = []

    async def copy(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader, writer):
        protocols.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        host, _, port = target.rpartition(":")
        inner = await asyncio.open_connection(host, int(port))
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(copy(reader, inner[1]), copy(inner[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    trusting = ssl.create_default_context(cafile=certificate)
    trusting.set_alpn_protocols(["weft/1"])
    async with server:
        yield "127.0.0.1:%d" % server.sockets[0].getsockname()[1], trusting, protocols


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nobody_there_is_said_as_the_system_says_it(host):
    with pytest.raises(weft.Error) as failed:
        await weft.connect(f"{host}:1")
    assert failed.value.message == f"cannot connect to {host}:1: Connection refused"


async def test_tls(weft_node, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL, "asyncio")
    async with tls_proxy(weft_node.address, tmp_path) as (address, context, protocols):
        async with weft.connect(address, tls=context, server_hostname="localhost") as node:
            assert await node.call("demo.echo", "x" * 300_000) == ["x" * 300_000]
        assert protocols == ["weft/1"]
        with pytest.raises(weft.Error, match="cannot connect to .*[Cc]ertificate"):
            await weft.connect(f"tls://{address}")
        with pytest.raises(weft.Error, match="cannot connect to .*[Hh]ostname|IP address mismatch"):
            await weft.connect(address, tls=context)
        with pytest.raises(weft.Error, match="cannot connect to"):
            await weft.connect(weft_node.address, tls=context, server_hostname="localhost")
