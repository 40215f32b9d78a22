"""One instance of the service under test, as a process that can be killed, stopped and told to misbehave.

    instance.py NAME LEDGER NODE...    serves chaos.* at the first NODE that takes it

Every request goes into the ledger, in the kernel's hands, before it is answered: what is not in it was not executed.
Commands on standard input: `well`, `errors PERCENT`, `delay MS`, `unavailable`, `deaf`. SIGTERM drains and ends it;
`$/goaway` makes it move to another node. Prints `serving` each time a node has accepted it."""

import asyncio
import os
import random
import signal
import sys
import time

from frames import Frames, address, request

RECONNECT_SECONDS = 0.02
# After the node has been told, calls already on their way may come for so long.
QUIET_SECONDS = 0.5
BLOB = "x" * 20_000
SERVES = [{"method": "chaos.read", "idempotent": True}, {"method": "chaos.write"}, {"method": "chaos.blob"}]


class Instance:
    def __init__(self, name, ledger, nodes):
        self.name = name
        self.ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.nodes = [address(node) for node in nodes]
        self.next_node = 0
        self.links = set()
        self.serving = None
        self.ending = False
        self.last_call = time.monotonic()
        self.pending = 0
        self.mode, self.amount = "well", 0.0

    async def run(self):
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), self.on_command)
        loop.add_signal_handler(signal.SIGTERM, self.drain)
        await self.connect()
        while not self.ending or self.pending or time.monotonic() - self.last_call < QUIET_SECONDS:
            await asyncio.sleep(0.02)

    async def connect(self):
        while not self.ending:
            host, port = self.nodes[self.next_node % len(self.nodes)]
            self.next_node += 1
            try:
                _, link = await asyncio.get_running_loop().create_connection(
                    lambda: Frames(self.on_messages, self.on_end), host, port)
            except OSError:
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            self.links.add(link)
            self.serving = link
            link.send(request("connect", "connect", {"name": "chaos", "instance": self.name, "serves": SERVES}))
            if self.mode == "deaf":
                link.transport.pause_reading()
            return

    def on_end(self, link):
        self.links.discard(link)
        if link is self.serving and not self.ending:
            self.serving = None
            asyncio.ensure_future(self.connect())

    def drain(self):
        self.ending = True
        self.last_call = time.monotonic()
        for link in self.links:
            link.send(request("drain", "mesh.drain", {}))

    def on_command(self):
        for line in os.read(sys.stdin.fileno(), 4096).decode().splitlines():
            self.mode, _, amount = line.partition(" ")
            self.amount = float(amount or 0)
            for link in self.links:
                if self.mode == "deaf":
                    link.transport.pause_reading()
                elif not link.transport.is_reading():
                    link.transport.resume_reading()

    def on_messages(self, link, messages):
        calls = []
        for message in messages:
            method = message.get("method")
            if method == "heartbeat":
                if "id" in message:
                    link.send({"jsonrpc": "2.0", "id": message["id"], "result": "ok"})
            elif method == "$/goaway":
                if link is self.serving and not self.ending:
                    asyncio.ensure_future(self.connect())
            elif method is not None and "id" in message:
                calls.append(message)
            elif message.get("id") == "connect":
                print("serving" if "result" in message else message, flush=True)
        if calls:
            self.execute(link, calls)

    def execute(self, link, calls):
        now = time.monotonic()
        self.last_call = now
        lines = [f"{call['method']} {call['params'][0]} {now}\n" for call in calls]
        os.write(self.ledger, "".join(lines).encode())
        if self.mode == "delay":
            self.pending += len(calls)
            asyncio.get_running_loop().call_later(self.amount / 1000, self.answer_late, link, calls)
        else:
            self.answer(link, calls)

    def answer_late(self, link, calls):
        self.pending -= len(calls)
        self.answer(link, calls)

    def answer(self, link, calls):
        if not link.transport.is_closing():
            link.send(*({"jsonrpc": "2.0", "id": call["id"], **self.outcome(call)} for call in calls))

    def outcome(self, call):
        if self.mode == "unavailable":
            return {"error": {"code": 14, "message": "the backend is down", "data": {"executed": "no"}}}
        if self.mode == "errors" and random.random() * 100 < self.amount:
            return {"error": {"code": -32603, "message": "a fault was asked for"}}
        return {"result": BLOB if call["method"] == "chaos.blob" else self.name}


if __name__ == "__main__":
    asyncio.run(Instance(sys.argv[1], sys.argv[2], sys.argv[3:]).run())
