#!/usr/bin/env python3
"""The users service: serves users.get over a connection to the first NODE that answers, until SIGTERM.

    ./users.py users-1 127.0.0.1:7401 127.0.0.1:7402
"""

import argparse
import logging
import pathlib
import sys
from dataclasses import dataclass

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "clients/python/src"))  # where it is not installed

import weft  # noqa: E402

NAMES = ("Ada", "Barbara", "Frances", "Grace", "Hedy", "Jean", "Karen", "Margaret", "Radia", "Shafi")


@dataclass
class User:
    id: int
    name: str
    instance: str


def users(instance: str) -> weft.Service:
    """`instance` is who answers."""
    service = weft.Service("users")

    @service.method(idempotent=True)
    async def get(id: int) -> User:
        if not 1 <= id <= len(NAMES):
            raise weft.Error(404, f"no user {id}; ids are integers from 1 to {len(NAMES)}")
        return User(id, NAMES[id - 1], instance)

    return service


async def main(instance, nodes):
    def ready(node):
        print(f"ready service=users instance={instance} node={node.info['node']}", flush=True)

    await weft.serve(nodes, users(instance), instance=instance, on_connect=ready)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instance", help="what this process is called in the mesh, users-1 for example")
    parser.add_argument("nodes", nargs="+", metavar="NODE", help="HOST:PORT, the nearest node first")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=f"{arguments.instance}: %(message)s")
    weft.run(main(arguments.instance, arguments.nodes))
