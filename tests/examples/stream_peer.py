"""The Python package at either end of streams, driven by streams_test.py.

    stream_peer.py serve HOST:PORT NAME      serves NAME.count and others; prints what was cleaned up when it ends
    stream_peer.py call HOST:PORT            does what the lines of its input say, and prints a line for each
"""

import asyncio
import json
import pathlib
import sys
from collections.abc import AsyncGenerator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients/python/src"))

import weft  # noqa: E402

began, opened, cleaned_up = [], [], []


async def clean_up(tag):
    # Who claims to wait for a cleanup must have waited for this.
    await asyncio.sleep(0.05)
    cleaned_up.append(tag)


async def count(to, tag=None):
    opened.append(tag)
    try:
        for n in range(to):
            yield n
    finally:
        await clean_up(tag)


async def blobs(to, size):
    for _ in range(to):
        yield "x" * size


async def total() -> AsyncGenerator[float, float]:
    sent = 0
    while True:
        try:
            value = yield sent
            if value is None:
                return
            sent += value
        except weft.Error as error:
            if error.code != 1:
                raise
            yield {"caught": error.message}


async def tail(to):
    after = weft.after()
    began.append(after)
    for n in range(0 if after is None else after + 1, to):
        yield weft.Item(n, n)


async def fail(code):
    yield "first"
    raise weft.Error(code, "broken", ["data"]) if code else ValueError("no luck")


async def wait(tag):
    opened.append(tag)
    try:
        yield "waiting"
        await asyncio.Event().wait()
    finally:
        await clean_up(tag)


async def serve(address, name):
    service = weft.Service(name)
    for function in count, blobs, total, fail, wait:
        service.method(function)
    service.method("shared.tail", resumable=True)(tail)
    service.method(f"{name}.state")(lambda: {"began": began, "cleaned_up": cleaned_up})
    async with weft.connect(address, name=name, services=[service]) as node:
        while node.state == "connected":
            await node.changed()
    while len(cleaned_up) < len(opened):
        await asyncio.sleep(0.01)
    print(json.dumps(cleaned_up), flush=True)


async def take(stream, most):
    items = []
    try:
        while len(items) < most:
            items.append(await anext(stream))
    except StopAsyncIteration:
        return {"items": items, "ended": True}
    return {"items": items}


async def leave_early(stream, behind):
    async for item in stream:
        if item == behind:
            break
    return {}


async def one(step):
    try:
        return {"items": [await step]}
    except StopAsyncIteration:
        return {"items": [], "ended": True}


def open_stream(node, method, params, credit=64, deadline=None, cursors=False, **more):
    options = weft.options(window=credit, **({"timeout": deadline} if deadline else {}), **more)
    stream = node.stream(method, options, **params or {})
    return with_cursors(stream) if cursors else stream


async def with_cursors(stream):
    async for item in stream:
        yield item, stream.cursor


async def call(address):
    streams = {}
    async with weft.connect(address, name="caller") as node:
        while line := await asyncio.to_thread(sys.stdin.readline):
            what, key, *arguments = json.loads(line)
            try:
                match what, arguments:
                    case "open", [method, params, options]:
                        streams[key] = open_stream(node, method, params, **options)
                        done = {}
                    case "take", [most]:
                        done = await take(streams[key], most)
                    case "leave", [method, params, behind]:
                        done = await leave_early(open_stream(node, method, params), behind)
                    case "send", [value]:
                        done = await one(streams[key].asend(value))
                    case "throw", [code, message]:
                        done = await one(streams[key].athrow(weft.Error(code, message)))
                    case "close", []:
                        done = await streams[key].aclose() or {}
                    case "call", [method, params]:
                        done = {"result": await node.call(method, **params or {})}
            except weft.Error as error:
                done = {"error": error.to_json()}
            print(json.dumps(done), flush=True)


if __name__ == "__main__":
    asyncio.run({"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:]))
