#!/usr/bin/env python3
"""Rung 8, PEP 492: async and await. A server, and with NODE the same methods are served there as well.

    ./08_async_server.py HOST:PORT [NODE]     serves party.invite, which calls greeter.hello for each guest at once
"""

import asyncio
import itertools
import json
import sys

from wire import HEADER, RpcError, address, answer, decode, length, listen, outcome, pack, run

MAX_CALLS = 1024


class Connection:
    """The same whoever dialled: either side may call the other."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.ids, self.calls, self.serving = itertools.count(1), {}, 0

    async def send(self, message):
        self.writer.write(pack(message))
        await self.writer.drain()

    async def call(self, method, params):
        id = next(self.ids)
        answer = self.calls[id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(10):
                await self.send({"id": id, "method": method, "params": params})
                return outcome(await answer)
        except OSError as error:  # TimeoutError is one.
            code = 4 if isinstance(error, TimeoutError) else 14
            raise RpcError(code, f"{method}: {error or 'no answer'}", {"executed": "unknown"}) from None
        finally:
            self.calls.pop(id, None)

    async def converse(self):
        """Reads until the end; whatever still runs then is cancelled, here and nowhere else."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    size = length(await self.reader.readexactly(HEADER.size))
                    message = decode(await self.reader.readexactly(size))
                    if "method" in message:
                        group.create_task(self.serve(message))
                    elif (call := self.calls.pop(message.get("id"), None)) and not call.done():
                        call.set_result(message)
        except* asyncio.IncompleteReadError:
            pass  # The other side has left.
        except* (OSError, ValueError) as error:
            print(*error.exceptions, file=sys.stderr)
        finally:
            self.writer.close()
            for call in (call for call in self.calls.values() if not call.done()):
                call.set_exception(ConnectionError("the connection ended"))

    async def serve(self, request):
        self.serving += 1
        try:
            if self.serving > MAX_CALLS:
                raise RpcError(8, f"{MAX_CALLS} calls are under way", {"executed": "no"})
            if method := SERVED.get(request["method"]):
                response = {"id": request.get("id"), "result": await method(request.get("params"))}
            else:
                response = answer(request)
        except RpcError as error:
            response = {"id": request.get("id"), "error": error.error}
        finally:
            self.serving -= 1
        if response and "id" in request:
            await self.send(response)


async def invite(params):
    if not isinstance(params, list):
        raise RpcError(-32602, f"takes [number…], got {json.dumps(params)}")
    if NODE is None:
        raise RpcError(14, "this server was started without a node", {"executed": "no"})
    return await asyncio.gather(*(NODE.call("greeter.hello", [guest]) for guest in params))


SERVED = {"party.invite": invite}
NODE = None


async def main(at, node=None):
    global NODE
    server = await asyncio.start_server(lambda *streams: Connection(*streams).converse(), sock=listen(at))
    async with server, asyncio.TaskGroup() as group:
        if node:
            NODE = Connection(*await asyncio.open_connection(*node))
            group.create_task(NODE.converse())
            joined = await NODE.call("connect", {"name": "party", "serves": list(SERVED)})
            print("ready at", joined["node"], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    run(main, "HOST:PORT [NODE]", address)
