#!/usr/bin/env python3
"""One Python process that calls and answers itself through SYSTEM, and prints calls and items a second as JSON.

    worker.py weft|nats ADDRESS [--uvloop] [--seconds S]
    worker.py grpc [--uvloop] [--seconds S]

Each end has a connection of its own. 64 calls are in flight; 8 streams are read at a time, as far as they come.
"""

import argparse
import asyncio
import contextlib
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients/python/src"))

IN_FLIGHT, STREAMS, ITEMS = 64, 8, 1000


async def get(id: int) -> dict:
    return {"id": id, "name": "Ada"}


async def count(to: int):
    for n in range(to):
        yield {"id": n, "name": "Ada"}


@contextlib.asynccontextmanager
async def use_weft(address):
    from collections.abc import AsyncIterator

    import weft

    service = weft.Service("users")
    service.method(get)
    count.__annotations__["return"] = AsyncIterator[dict]
    service.method(count)
    async with weft.connect(address, name="users", services=[service]):
        async with weft.connect(address, name="caller") as node:
            yield (lambda id: node.call("users.get", id=id),
                   lambda to: node.stream("users.count", to=to, window=256))


@contextlib.asynccontextmanager
async def use_nats(address):
    from nats_client import Nats

    service, caller = await Nats.connect(address), await Nats.connect(address)
    service.serve("users.get", get)
    service.serve("users.count", count)
    await service.flush()
    yield (lambda id: caller.request(b"users.get", {"id": id}),
           lambda to: caller.stream(b"users.count", {"to": to}))


@contextlib.asynccontextmanager
async def use_grpc(_):
    import grpc

    def encode(value):
        return json.dumps(value).encode()

    async def answer(request, _):
        return await get(**request)

    async def items(request, _):
        async for item in count(**request):
            yield item

    kinds = {"get": grpc.unary_unary_rpc_method_handler(answer, json.loads, encode),
             "count": grpc.unary_stream_rpc_method_handler(items, json.loads, encode)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("users", kinds),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/users/get", encode, json.loads)
        stream = channel.unary_stream("/users/count", encode, json.loads)
        yield lambda id: call({"id": id}), lambda to: stream({"to": to})
    await server.stop(0)


async def rate(workers, step, seconds):
    """Steps a second of so many workers, and a second of processor time; after a tenth of the time to warm up."""
    done, ending = 0, False

    async def work():
        nonlocal done
        while not ending:
            count = await step()
            done += count

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    await asyncio.sleep(seconds / 10)
    began, worked, before = time.perf_counter(), time.process_time(), done
    await asyncio.sleep(seconds)
    result = {"a second": round((done - before) / (time.perf_counter() - began)),
              "a second of processor": round((done - before) / (time.process_time() - worked))}
    ending = True
    await asyncio.gather(*tasks)
    return result


async def main(told):
    systems = {"weft": use_weft, "nats": use_nats, "grpc": use_grpc}
    async with systems[told.system](told.address) as (call, stream):
        async def one_call():
            assert (await call(7))["id"] == 7
            return 1

        async def one_stream():
            last = None
            async for item in stream(ITEMS):
                last = item
            assert last["id"] == ITEMS - 1
            return ITEMS

        return {"calls": await rate(IN_FLIGHT, one_call, told.seconds),
                "items": await rate(STREAMS, one_stream, told.seconds)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=["weft", "nats", "grpc"])
    parser.add_argument("address", nargs="?")
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--seconds", type=float, default=2)
    arguments = parser.parse_args()
    if arguments.uvloop:
        import uvloop
        uvloop.install()
    print(json.dumps(asyncio.run(main(arguments))))
