#!/usr/bin/env python3
"""Calls a method and prints its result. Can be called back meanwhile: it serves `hello` to the node.

    ./call.py 127.0.0.1:7400 demo.echo '["hi"]'
    ./call.py 127.0.0.1:7400 demo.callback '{"method": "hello", "params": ["you"]}'
"""

import asyncio
import json
import re
import sys

import weft_client


def hello(name):
    return f"hello {name}"


async def main(address, method, params="null"):
    async with weft_client.connect(address, name="call", methods={"hello": hello}, serves=[]) as node:
        return await node.call(method, json.loads(params), timeout=5)


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4 or not re.fullmatch(r".+:\d+", sys.argv[1]):
        print(f"usage: {sys.argv[0]} HOST:PORT METHOD [PARAMS]", file=sys.stderr)
        sys.exit(64)
    try:
        print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
    except (OSError, ValueError, weft_client.RpcError) as error:
        sys.exit(f"{sys.argv[2]}: {error}")
