#!/usr/bin/env python3
"""A service: connects to the node at HOST:PORT and serves users.get and users.list over that connection.

    ./service.py 127.0.0.1:7400
"""

import asyncio
import logging
import re
import sys

import weft_client

USERS = {1: "Ada", 2: "Grace", 3: "Barbara"}


async def get(id):
    if id not in USERS:
        raise weft_client.RpcError(404, f"no user {id}; there are {sorted(USERS)}")
    return {"id": id, "name": USERS[id]}


async def list_users(limit=10):
    return [{"id": id, "name": name} for id, name in sorted(USERS.items())][:limit]


if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.fullmatch(r".+:\d+", sys.argv[1]):
        print(f"usage: {sys.argv[0]} HOST:PORT", file=sys.stderr)
        sys.exit(64)
    logging.basicConfig(level=logging.INFO)
    methods = {"users.get": get, "users.list": list_users}
    try:
        asyncio.run(weft_client.serve(sys.argv[1], name="users", methods=methods))
    except KeyboardInterrupt:
        pass
