#!/usr/bin/env python3
"""Rung 10, the caller: drives an async generator that runs elsewhere.   ./10_streaming_client.py HOST:PORT"""

import asyncio
import contextlib
import itertools
import sys

from wire import HEADER, RpcError, address, answer, decode, length, outcome, pack, run


class Stream:
    """Has the methods of an async generator; its body runs on the other side of the connection."""

    def __init__(self, node, id, method, params, window):
        self.node, self.id = node, id
        self.items, self.accepted, self.sent = asyncio.Queue(), asyncio.Semaphore(0), 0
        self.ended = False
        # Every __anext__ asks for one item, so up to `window` of them are under way.
        node.send({"id": id, "method": method, "params": params, "stream": {"credit": window - 1}})

    def tell(self, what, **params):
        self.node.send({"method": what, "params": {"id": self.id, **params}})

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.ended:
            raise StopAsyncIteration
        self.tell("$/stream/credit", credit=1)
        message = await self.items.get()
        if message.get("method") == "$/stream/item":
            return message["params"]["value"]
        self.ended = True
        outcome(message)
        raise StopAsyncIteration

    async def asend(self, value):
        await self.accepted.acquire()
        self.tell("$/stream/send", seq=self.sent, value=value)
        self.sent += 1
        return await anext(self)

    async def athrow(self, error):
        self.tell("$/stream/throw", error=error.error)
        return await anext(self)

    async def aclose(self):
        """Returns when the cleanup over there has run."""
        if not self.ended:
            self.tell("$/cancelRequest")
        while not self.ended:
            self.ended = "method" not in await self.items.get()

    def receive(self, message):
        if message.get("method") == "$/stream/accept":
            for _ in range(message["params"]["credit"]):
                self.accepted.release()
        else:
            self.items.put_nowait(message)


class Node:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.streams, self.ids = reader, writer, {}, itertools.count(1)

    def send(self, message):
        self.writer.write(pack(message))

    def stream(self, method, params, window=8):
        id = next(self.ids)
        self.streams[id] = Stream(self, id, method, params, window)
        return contextlib.aclosing(self.streams[id])

    async def read(self):
        while True:
            size = length(await self.reader.readexactly(HEADER.size))
            message = decode(await self.reader.readexactly(size))
            id = message["id"] if "method" not in message else (message.get("params") or {}).get("id")
            if stream := self.streams.get(id):
                stream.receive(message)
            elif response := answer(message):
                self.send(response)
            if "method" not in message:
                self.streams.pop(id, None)


async def show(node):
    async with node.stream("numbers.count", {"to": 20}) as numbers:
        print("for:", [n async for n in numbers], flush=True)
    # With a window of 1 the generator runs when it is asked and not before, as one in this program would.
    async with node.stream("numbers.count", {"to": 1000}, window=1) as numbers:
        print("anext:", await anext(numbers), await anext(numbers), flush=True)
        print("asend:", await numbers.asend(500), await anext(numbers), flush=True)
        print("athrow:", await numbers.athrow(RpcError(1, "catch this")), await anext(numbers), flush=True)
    print("aclose: the other side has cleaned up", flush=True)


async def main(at):
    node = Node(*await asyncio.open_connection(*at))
    reading = asyncio.create_task(node.read())
    showing = asyncio.create_task(show(node))
    await asyncio.wait([reading, showing], return_when=asyncio.FIRST_COMPLETED)
    reading.cancel()
    node.writer.close()
    if not showing.done():
        showing.cancel()
        sys.exit("the connection ended")
    await showing


if __name__ == "__main__":
    run(main, "HOST:PORT", address)
