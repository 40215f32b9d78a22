"""Open-loop load: calls leave at their time, whether or not earlier ones were answered.

    load.py RATE DEADLINE_MS FIRST METHODS NODE...    RATE calls a second over one connection to each NODE, in turn

The calls are numbered from FIRST.

It runs until a line comes on standard input, waits for what is under way and prints one line per call on standard
output: id, method, when it was due, when it ended, outcome, what answered it; and a last line with the milliseconds
by which it came too late for a tick at most, because the machine gave it no time.

Outcomes: `ok`, `no` (failed, certainly
not executed), `unknown` (may have been executed), `failed` (the service's own error).

It is a client as the protocol page asks for: it heeds `$/goaway`, connects again, and sends an idempotent call once
more when the connection that carried it is lost; of any other call it then knows nothing."""

import asyncio
import sys
import time

from frames import Frames, address, request

TICK_SECONDS = 0.005
RECONNECT_SECONDS = 0.02
IDEMPOTENT = "chaos.read"


class Call:
    __slots__ = ("method", "due", "ended", "outcome", "by", "link", "sent_before")

    def __init__(self, method, due):
        self.method = method
        self.due = due
        self.ended = self.outcome = self.by = self.link = None
        self.sent_before = False


class Load:
    def __init__(self, rate, deadline_ms, first, methods, nodes):
        self.first = first
        self.rate = rate
        self.deadline_ms = deadline_ms
        self.methods = methods
        self.nodes = [address(node) for node in nodes]
        self.usable = []
        self.node_of = {}
        self.calls = []
        self.open = set()
        self.turn = 0
        self.stopping = asyncio.Event()
        self.latest = 0.0

    async def run(self):
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), self.stop)
        await asyncio.gather(*map(self.connect, self.nodes))
        print("running", file=sys.stderr, flush=True)
        began = time.monotonic()
        while not self.stopping.is_set():
            tick = time.monotonic() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self.latest = max(self.latest, time.monotonic() - tick)
            self.send_due(began)
        patience = time.monotonic() + self.deadline_ms / 1000 + 10
        while self.open and time.monotonic() < patience:
            await asyncio.sleep(TICK_SECONDS)
        self.report()

    def stop(self):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self.stopping.set()

    async def connect(self, node):
        while not self.stopping.is_set():
            try:
                _, link = await asyncio.get_running_loop().create_connection(
                    lambda: Frames(self.on_messages, self.on_end), *node)
            except OSError:
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            self.node_of[link] = node
            link.send(request("connect", "connect", {"name": "load"}))
            self.usable.append(link)
            return

    def leave(self, link):
        """No more calls over this connection; another one to the same node as soon as it takes one."""
        if link in self.usable:
            self.usable.remove(link)
            asyncio.ensure_future(self.connect(self.node_of[link]))

    def on_end(self, link):
        self.leave(link)
        lost = [id for id in self.open if self.calls[id].link is link]
        for id in lost:
            if self.calls[id].method == IDEMPOTENT and self.usable:
                self.calls[id].sent_before = True
                self.send({self.pick(): [id]})
            else:
                self.end(id, "unknown", "connection lost")

    def pick(self):
        self.turn += 1
        return self.usable[self.turn % len(self.usable)]

    def send_due(self, began):
        now = time.monotonic()
        if not self.usable:
            return
        by_link = {}
        while len(self.calls) < (now - began) * self.rate:
            id = len(self.calls)
            self.calls.append(Call(self.methods[id % len(self.methods)], began + id / self.rate))
            self.open.add(id)
            by_link.setdefault(self.pick(), []).append(id)
        self.send(by_link)

    def send(self, by_link):
        for link, ids in by_link.items():
            for id in ids:
                self.calls[id].link = link
            link.send(*(request(self.first + id, self.calls[id].method, [self.first + id],
                                deadline_ms=self.deadline_ms) for id in ids))

    def on_messages(self, link, messages):
        for message in messages:
            if message.get("method") == "$/goaway":
                self.leave(link)
            elif message.get("method") == "heartbeat" and "id" in message:
                link.send({"jsonrpc": "2.0", "id": message["id"], "result": "ok"})
            elif isinstance(message.get("id"), int) and message["id"] - self.first in self.open:
                self.on_answer(message["id"] - self.first, message)

    def on_answer(self, id, message):
        error = message.get("error")
        if error is None:
            self.end(id, "ok", message["result"])
        else:
            outcome = (error.get("data") or {}).get("executed", "failed")
            if outcome == "no" and self.calls[id].sent_before:
                # That tells of the second time only.
                outcome = "unknown"
            self.end(id, outcome, f"{error['code']} {error['message']}")

    def end(self, id, outcome, by):
        call = self.calls[id]
        call.ended, call.outcome, call.by = time.monotonic(), outcome, by
        self.open.discard(id)

    def report(self):
        lines = []
        for id, call in enumerate(self.calls):
            if call.outcome is None:
                call.ended, call.outcome, call.by = time.monotonic(), "unknown", "never answered"
            lines.append(f"{self.first + id}\t{call.method}\t{call.due}\t{call.ended}\t{call.outcome}\t{call.by}\n")
        sys.stdout.writelines([*lines, f"{self.latest * 1000}\n"])


async def main(rate, deadline_ms, first, methods, *nodes):
    await Load(float(rate), int(deadline_ms), int(first), methods.split(","), nodes).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
