"""A node as a peer of aiorpcX, Debian's asyncio JSON-RPC library."""

import asyncio
import struct
import sys

import aiorpcx

HEADER = struct.Struct(">i")


class LengthFramer(aiorpcx.FramerBase):
    """A signed 32-bit big-endian length, then that many bytes."""

    def __init__(self):
        self.stream = asyncio.StreamReader()

    def frame(self, message):
        return HEADER.pack(len(message)) + message

    def received_bytes(self, data):
        self.stream.feed_data(data)

    def fail(self, exception):
        self.stream.set_exception(exception)

    async def receive_message(self):
        (length,) = HEADER.unpack(await self.stream.readexactly(HEADER.size))
        return await self.stream.readexactly(length)


class Session(aiorpcx.RPCSession):
    def default_framer(self):
        return LengthFramer()

    async def handle_request(self, request):
        handler = {"heartbeat": self.heartbeat, "client.join": self.join}.get(request.method)
        return await aiorpcx.handler_invocation(handler, request)()

    async def heartbeat(self):
        return "ok"

    async def join(self, *, words):
        return " ".join(words)


async def fails_with(code, awaitable):
    try:
        result = await awaitable
    except aiorpcx.RPCError as error:
        assert error.code == code, f"expected code {code}, got {error!r}"
        return error
    raise AssertionError(f"expected an error with code {code}, got {result!r}")


async def calls(session):
    assert await session.send_request("foo") == "ok"
    assert await session.send_request("demo.echo", ["grüße", {"deep": [1, 2.5, None]}]) == [
        "grüße", {"deep": [1, 2.5, None]}]
    assert await session.send_request("demo.sum", {"values": list(range(10))}) == 45


async def errors(session):
    await fails_with(-32601, session.send_request("no.such.method"))
    await fails_with(-32602, session.send_request("demo.sum", {"values": "text"}))
    failure = {"code": 99, "message": "as asked"}
    assert (await fails_with(99, session.send_request("demo.fail", failure))).message == "as asked"


async def batch(session):
    async with session.send_batch() as batch:
        batch.add_request("demo.echo", ["first"])
        batch.add_notification("demo.echo", ["unanswered"])
        batch.add_request("no.such.method")
        batch.add_request("demo.sum", {"values": [1, 2]})
    echo, missing, total = batch.results
    assert echo == ["first"] and total == 3, batch.results
    assert isinstance(missing, aiorpcx.RPCError) and missing.code == -32601, batch.results


async def notifications(session):
    await session.send_notification("demo.echo", ["unanswered"])
    await session.send_notification("no.such.notification")
    assert await session.send_request("foo") == "ok"


async def call_from_node(session):
    params = {"method": "client.join", "params": {"words": ["both", "ways"]}}
    assert await session.send_request("demo.callback", params) == "both ways"
    await fails_with(-32601, session.send_request("demo.callback", {"method": "client.none", "params": []}))


async def in_parallel(session):
    answers = await asyncio.gather(*(session.send_request("demo.echo", [n]) for n in range(200)))
    assert answers == [[n] for n in range(200)]


async def main(host, port):
    async with aiorpcx.connect_rs(host, int(port), session_factory=Session) as session:
        introduction = await session.send_request("connect", {"name": "aiorpcx"})
        assert introduction["node"] and introduction["heartbeat_ms"] > 0, introduction
        for test in calls, errors, batch, notifications, call_from_node, in_parallel:
            await test(session)
        assert await session.send_request("heartbeat") == "ok"
        # The library counts what it could not match or read, and the one call that this client refuses.
        assert session.errors == 1, f"{session.errors - 1} messages that aiorpcX could not use"


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1].split(":")))
    print("passed")
