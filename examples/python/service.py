#!/usr/bin/env python3
"""A service: connects to the node at HOST:PORT and serves users.get and users.list over that connection.

    ./service.py 127.0.0.1:7400
"""

import logging
import pathlib
import re
import sys
from dataclasses import dataclass

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "clients/python/src"))  # where it is not installed

import weft  # noqa: E402

USERS = {1: "Ada", 2: "Grace", 3: "Barbara"}

service = weft.Service("users")


@dataclass
class User:
    id: int
    name: str


@service.method(idempotent=True)
async def get(id: int) -> User:
    if id not in USERS:
        raise weft.Error(404, f"no user {id}; there are {sorted(USERS)}")
    return User(id, USERS[id])


@service.method("users.list")
async def list_users(limit: int = 10) -> list[User]:
    return [User(id, name) for id, name in sorted(USERS.items())][:limit]


if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.fullmatch(r".+:\d+", sys.argv[1]):
        print(f"usage: {sys.argv[0]} HOST:PORT", file=sys.stderr)
        sys.exit(64)
    logging.basicConfig(level=logging.INFO)
    try:
        weft.run(weft.serve(sys.argv[1], service))
    except weft.Error as error:
        sys.exit(f"service.py: {error}")
