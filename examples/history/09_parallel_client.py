#!/usr/bin/env python3
"""Rung 9: reading and writing at once, on one connection.   ./09_parallel_client.py HOST:PORT [CALLS [BYTES]]

Sends so much that no buffer on the way holds it: who writes it all before the first read waits for ever.
"""

import asyncio

from wire import HEADER, address, answer, decode, length, outcome, pack, run


class Echoes:
    def __init__(self, calls, size):
        self.calls, self.text = calls, "x" * size
        self.written = self.read = 0

    async def write(self, writer):
        for id in range(self.calls):
            writer.write(pack({"id": id, "method": "demo.echo", "params": [self.text]}))
            await writer.drain()  # Waits while the other side does not read; `receive` goes on meanwhile.
            self.written += 1
        print(f"wrote the last request after {self.read} answers", flush=True)

    async def receive(self, reader, writer):
        while self.read < self.calls:
            size = length(await reader.readexactly(HEADER.size))
            message = decode(await reader.readexactly(size))
            if "method" in message:
                if response := answer(message):
                    writer.write(pack(response))
                continue
            assert outcome(message) == [self.text]
            if not self.read:
                print(f"read the first answer after {self.written} requests", flush=True)
            self.read += 1


async def main(at, calls=256, size=65536):
    echoes = Echoes(calls, size)
    reader, writer = await asyncio.open_connection(*at)
    async with asyncio.TaskGroup() as both:
        both.create_task(echoes.write(writer))
        both.create_task(echoes.receive(reader, writer))
    print(f"{echoes.written} requests, {echoes.read} answers of {size} bytes", flush=True)
    writer.close()


if __name__ == "__main__":
    run(main, "HOST:PORT [CALLS [BYTES]]", address, int)
