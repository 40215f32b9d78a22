#!/usr/bin/python3
"""asyncio streams and json, one task per connection: how the talk that weft comes from ends; --uvloop changes the loop."""

import asyncio
import json
import struct
import sys

HEADER = struct.Struct(">i")


def answer(request):
    if request["method"] == "foo":
        return {"jsonrpc": "2.0", "id": request["id"], "result": "ok"}
    return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "no such method"}}


async def serve(reader, writer):
    try:
        while True:
            length, = HEADER.unpack(await reader.readexactly(HEADER.size))
            request = json.loads(await reader.readexactly(length))
            payload = json.dumps(answer(request)).encode()
            writer.write(HEADER.pack(len(payload)) + payload)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    host, port = server.sockets[0].getsockname()
    print(f"ready listen={host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:] == ["--uvloop"]:
        import uvloop
        uvloop.install()
    elif sys.argv[1:]:
        sys.exit(f"usage: {sys.argv[0]} [--uvloop]")
    asyncio.run(main())
