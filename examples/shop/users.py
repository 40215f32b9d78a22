#!/usr/bin/env python3
"""The users service: serves users.get over a connection to the first NODE that answers, until SIGTERM.

    ./users.py users-1 127.0.0.1:7401 127.0.0.1:7402
"""

import argparse
import asyncio
import logging
import signal

from shop_client import stay_connected, weft_client

NAMES = ("Ada", "Barbara", "Frances", "Grace", "Hedy", "Jean", "Karen", "Margaret", "Radia", "Shafi")
# Calls that were sent on before every node knew that this instance leaves.
LAST_CALLS_SECONDS = 0.5
# What the mesh must know for retries and for rpc.discover.
SERVES = [{
    "method": "users.get", "idempotent": True,
    "params": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
    "result": {"type": "object", "required": ["id", "name", "instance"]}}]


class Users:
    def __init__(self, instance):
        self.instance = instance
        self.connection = None

    async def get(self, id):
        if not isinstance(id, int) or not 1 <= id <= len(NAMES):
            raise weft_client.RpcError(404, f"no user {id!r}; ids are integers from 1 to {len(NAMES)}")
        return {"id": id, "name": NAMES[id - 1], "instance": self.instance}

    async def serve(self, connection):
        self.connection = connection
        print(f"ready service=users instance={self.instance} node={connection.node['node']}", flush=True)
        await connection.closed()

    async def leave(self):
        """The mesh calls someone else from now on; what is under way is answered."""
        if self.connection:
            await self.connection.call("mesh.drain", timeout=2)
            await asyncio.sleep(LAST_CALLS_SECONDS)


async def main(instance, nodes):
    users = Users(instance)
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    serving = asyncio.create_task(
        stay_connected(nodes, users.serve, name="users", instance=instance, methods={"users.get": users.get},
                       serves=SERVES))
    await told_to_stop.wait()
    try:
        await users.leave()
    except weft_client.RpcError as error:
        logging.info("nobody to take leave of: %s", error)
    serving.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instance", help="what this process is called in the mesh, users-1 for example")
    parser.add_argument("nodes", nargs="+", metavar="NODE", help="HOST:PORT, the nearest node first")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=f"{arguments.instance}: %(message)s")
    asyncio.run(main(arguments.instance, arguments.nodes))
