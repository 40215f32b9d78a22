#!/usr/bin/env python3
"""Calls a method and prints its result. Can be called back meanwhile: it answers `hello` to the node.

    ./call.py 127.0.0.1:7400 demo.echo '["hi"]'
    ./call.py 127.0.0.1:7400 demo.callback '{"method": "hello", "params": ["you"]}'
"""

import json
import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "clients/python/src"))  # where it is not installed

import weft  # noqa: E402

callbacks = weft.Service("callbacks")


@callbacks.method("hello")
def hello(name: str) -> str:
    return f"hello {name}"


async def main(address, method, params="[]"):
    match json.loads(params):
        case dict(by_name):
            by_position = []
        case by_position:
            by_name = {}
    async with weft.connect(address, name="call", callbacks=[callbacks], timeout=5) as node:
        return await node.call(method, *by_position, **by_name)


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4 or not re.fullmatch(r".+:\d+", sys.argv[1]):
        print(f"usage: {sys.argv[0]} HOST:PORT METHOD [PARAMS]", file=sys.stderr)
        sys.exit(64)
    try:
        print(json.dumps(weft.run(main(*sys.argv[1:]))))
    except (ValueError, weft.Error) as error:
        sys.exit(f"{sys.argv[2]}: {error}")
