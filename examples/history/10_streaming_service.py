#!/usr/bin/env python3
"""Rung 10, PEP 525: an async generator on the wire, driven by its caller.

    ./10_streaming_service.py HOST:PORT      listens itself
    ./10_streaming_service.py --at NODE      serves the same through a node
"""

import asyncio
import contextlib
import json
import math
import sys
from collections import deque

from wire import HEADER, RpcError, address, answer, decode, encode, length, listen, pack, run

SENDS = 16  # So many values may wait for the generator.


async def count(to):
    """Counts; a value that is sent is where it goes on, an error that is thrown is an item, once."""
    n = 0
    try:
        while n < to:
            try:
                sent = yield n
                n = n + 1 if sent is None else sent
            except RpcError as error:
                yield {"caught": error.error["message"]}
    finally:
        print("cleanup at", n, flush=True)


class Stream:
    def __init__(self, send, id, generator, credit=0, bytes=math.inf, **_):
        self.send, self.id, self.generator = send, id, generator
        self.credit, self.bytes = credit, bytes
        self.sent, self.thrown, self.changed = deque(), deque(), asyncio.Event()
        self.task = self.reason = None

    def receive(self, what, credit=0, bytes=0, value=None, error=None, **_):
        """What the caller says while the stream runs: $/stream/credit, send, throw; or $/cancelRequest."""
        self.credit, self.bytes = self.credit + credit, self.bytes + bytes
        if what == "$/stream/send":
            if len(self.sent) == SENDS:
                self.end(RpcError(8, f"more than {SENDS} values were sent ahead"))
            else:
                self.sent.append(value)
        elif what == "$/stream/throw":
            self.thrown.append(RpcError(**error))
        elif what == "$/cancelRequest":
            self.end(RpcError(-32800, "cancelled by the caller"))
        self.changed.set()

    def end(self, reason):
        self.reason = reason
        asyncio.get_running_loop().call_soon(self.task.cancel)  # Not before it has begun.

    async def until(self, ready):
        while not ready():
            self.changed.clear()
            await self.changed.wait()

    async def step(self, started):
        if self.thrown:
            return await self.generator.athrow(self.thrown.popleft())
        if not started or not self.sent:
            return await anext(self.generator)
        await self.send({"method": "$/stream/accept", "params": {"id": self.id, "credit": 1}})
        return await self.generator.asend(self.sent.popleft())

    async def run(self):
        """Nothing is computed that nobody asked for, and nothing sent beyond the credit."""
        seq = 0
        await self.send({"method": "$/stream/accept", "params": {"id": self.id, "credit": SENDS}})
        async with contextlib.aclosing(self.generator):
            while True:
                await self.until(lambda: self.credit or self.thrown)
                try:
                    value = await self.step(seq > 0)
                except StopAsyncIteration:
                    return None
                size = len(encode(value))
                await self.until(lambda: self.credit and self.bytes >= size)
                self.credit, self.bytes = self.credit - 1, self.bytes - size
                await self.send({"method": "$/stream/item", "params": {"id": self.id, "seq": seq, "value": value}})
                seq += 1

    async def gather(self):
        async with contextlib.aclosing(self.generator) as items:
            return [item async for item in items]


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.streams = reader, writer, {}

    async def send(self, message):
        self.writer.write(pack(message))
        await self.writer.drain()

    async def converse(self, *first):
        try:
            async with asyncio.TaskGroup() as group:
                for message in first:
                    await self.send(message)
                while True:
                    size = length(await self.reader.readexactly(HEADER.size))
                    self.receive(decode(await self.reader.readexactly(size)), group)
        except* asyncio.IncompleteReadError:
            pass  # The caller has left; whatever ran for it is cancelled.
        except* (OSError, TypeError, ValueError) as error:
            print(*error.exceptions, file=sys.stderr)
        finally:
            self.writer.close()

    def receive(self, message, group):
        params = message.get("params")
        if message.get("method") == "numbers.count" and "id" in message:
            self.start(message, params, group)
        elif isinstance(params, dict) and (stream := self.streams.get(params.get("id"))):
            stream.receive(message["method"], **{key: value for key, value in params.items() if key != "id"})
        elif "error" in message:
            raise ValueError(message["error"])
        elif "result" in message:
            print("ready at", message["result"]["node"], flush=True)
        elif response := answer(message):
            group.create_task(self.send(response))

    def start(self, request, params, group):
        match params:
            case [int(to)] | {"to": int(to)}:
                stream = Stream(self.send, request["id"], count(to), **request.get("stream") or {})
                self.streams[stream.id] = stream
                stream.task = group.create_task(self.serve(stream, "stream" in request))
            case _:
                error = RpcError(-32602, f'takes [number] or {{"to": number}}, got {json.dumps(params)}').error
                group.create_task(self.send({"id": request["id"], "error": error}))

    async def serve(self, stream, asked):
        """Items for who asked for a stream, else all of them in one answer."""
        try:
            response = {"result": await (stream.run() if asked else stream.gather())}
        except RpcError as error:
            response = {"error": error.error}
        except asyncio.CancelledError:
            if stream.reason is None:
                raise
            response = {"error": stream.reason.error}
        finally:
            del self.streams[stream.id]
        await self.send({"id": stream.id, **response})


async def serve_here(at):
    server = await asyncio.start_server(lambda *both: Connection(*both).converse(), sock=listen(at))
    await server.serve_forever()


async def serve_at(_, node):
    serves = [{"method": "numbers.count", "stream": True, "item": {}}]
    connect = {"id": 0, "method": "connect", "params": {"name": "numbers", "serves": serves}}
    connection = Connection(*await asyncio.open_connection(*node))
    await connection.converse(connect)
    sys.exit("the node ended the connection")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--at"]:
        run(serve_at, "HOST:PORT | --at NODE", str, address)
    else:
        run(serve_here, "HOST:PORT | --at NODE", address)
