"""The adapter without a client: the methods that the README lists, at a node, real or played."""

import asyncio
import contextvars
import os
import random
import sys
import time

from .codec import LATE, LOST, RpcError
from .peer import Peer, after, deadline

FAULTS = {
    "frame_per_read", "takes_any_length", "closes_on_garbage", "no_heartbeat", "ids_as_floats", "null_id_is_notification",
    "one_id_space", "ids_by_value", "answers_notifications", "answers_responses", "batch_in_pieces", "serial", "dies", "hangs",
    "ignores_cancel", "cancel_unanswered", "answers_twice", "no_cancel_sent", "no_deadline", "deadline_not_inherited", "trace_lost",
    "retries_unknown", "drops_data", "leaves_on_goaway", "calls_while_draining", "stays_on_goaway", "ignores_credit", "ignores_bytes",
    "seq_from_one", "answers_before_cleanup", "no_cursor", "ignores_after", "never_grants", "grants_too_much",
    "sends_without_credit", "takes_gaps", "leaves_early", "no_back_off", "silent", "never_leaves", "impatient", "forgets_serves",
    "forgets_route_key", "leaves_silently", "leaves_calls_behind", "comes_back", "grants_late", "waits_for_no_credit", "begins_anew"}
HEARTBEAT = 5
FIRST_DELAY, LONGEST_DELAY = 0.1, 10


class Service:
    """Keeps a connection to a node, and another while that one drains."""

    def __init__(self, addresses, faults):
        self._addresses, self._faults = addresses, frozenset(faults)
        self._peers, self._came = [], asyncio.Condition()
        self._next, self._times = 0, 0
        self.notes, self.waiting, self.cleaned, self.begun = [], 0, 0, {}
        functions = (self.echo, self.fail, self.crash, self.wait, self.note, self.state, self.count, self.total, self.hold,
                     self.call, self.begin, self.outcome, self.notify, self.stream, self.leave)
        self._leaving = None
        self.methods = {f"conformance.{each.__name__}": each for each in functions}

    def serves(self):
        more = {"conformance.count": {"stream": True, "resumable": True},
                "conformance.total": {"stream": True, "input": {"type": "integer"}}, "conformance.hold": {"stream": True}}
        self._times += 1
        if "forgets_serves" in self._faults and self._times > 1:
            return []
        return [{"method": name, **more.get(name, {})} for name in self.methods]

    # Connecting.

    async def run(self):
        """Until it leaves."""
        delay = FIRST_DELAY
        while True:
            connected_at = time.monotonic()
            try:
                await self._once()
                delay = FIRST_DELAY if time.monotonic() - connected_at > 1 else delay
            except (OSError, RpcError, TimeoutError) as error:
                print(f"no connection: {type(error).__name__} {error}", file=sys.stderr)
            if self._leaving and "comes_back" not in self._faults:
                return await self._leaving
            if "no_back_off" not in self._faults:
                await asyncio.sleep(delay * random.uniform(0.75, 1))
                delay = min(2 * delay, LONGEST_DELAY)

    async def _once(self):
        """A connection, until it has ended, or drains and there is another address."""
        address = self._addresses[self._next % len(self._addresses)]
        reader, writer = await asyncio.open_connection(*address, limit=1 << 20)
        peer = Peer(reader, writer, self.methods, {"conformance.total"}, self._faults, {"conformance.count"})
        reading = asyncio.create_task(peer.run())
        try:
            introduction = {"name": "conformance", "instance": f"c-{os.getpid()}", "serves": self.serves(),
                            "heartbeat_ms": HEARTBEAT * 1000}
            answer = await peer.call("connect", introduction, timeout=5)
        except RpcError:
            peer.close()
            raise
        keeping = asyncio.create_task(self._keep_alive(peer, answer["heartbeat_ms"] / 1000))
        async with self._came:
            self._peers.append(peer)
            self._came.notify_all()
        left = asyncio.create_task(self._until_left(peer, reading, keeping))
        draining = asyncio.create_task(peer.draining.wait())
        await asyncio.wait([left, draining], return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        if peer.draining.is_set() and "stays_on_goaway" not in self._faults:
            self._next += 1
            if len(self._addresses) > 1:
                return
        await left

    async def _until_left(self, peer, reading, keeping):
        await reading
        keeping.cancel()
        self._peers.remove(peer)

    async def _keep_alive(self, peer, interval):
        loop = asyncio.get_running_loop()
        patience = 1 if "impatient" in self._faults else 3
        while True:
            await asyncio.sleep(interval)
            if loop.time() - peer.heard > patience * interval and "never_leaves" not in self._faults:
                return peer.close()
            if "silent" not in self._faults:
                peer.request("heartbeat", None, {})[1].add_done_callback(lambda answer: answer.cancelled() or answer.exception())

    async def _node(self, timeout):
        """The connection to call over; waits for one."""
        def usable():
            return [peer for peer in self._peers if not peer.closed.is_set()
                    and (not peer.draining.is_set() or "calls_while_draining" in self._faults)]
        try:
            async with asyncio.timeout(timeout), self._came:
                await self._came.wait_for(usable)
                return usable()[-1]
        except TimeoutError:
            raise RpcError(LOST, "there is no connection", {"executed": "no"}) from None

    # The methods.

    def echo(self, value):
        return value

    def fail(self, code, message, data=None):
        raise RpcError(code, message, data)

    def crash(self):
        if "dies" in self._faults:
            os._exit(3)
        if "hangs" in self._faults:
            time.sleep(3600)
        return 1 / 0

    async def _clean_up(self):
        """Takes a moment: whoever does not wait for it is seen not to."""
        await asyncio.sleep(0.5 if "answers_before_cleanup" in self._faults else 0.02)
        self.waiting, self.cleaned = self.waiting - 1, self.cleaned + 1

    async def _waits(self):
        self.waiting += 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self._clean_up()

    async def wait(self):
        await self._waits()

    def note(self, value):
        self.notes.append(value)

    def state(self):
        return {"notes": self.notes, "waiting": self.waiting, "cleaned": self.cleaned}

    async def count(self, to, fail=None):
        behind = after.get()
        for n in range(0 if behind is None else behind + 1, to):
            yield n, n
        if fail is not None:
            raise RpcError(fail, "as asked")

    async def total(self):
        sum, shown = 0, 0
        while True:
            try:
                value = yield shown, None
                if value is None:
                    return
                sum += value
                shown = sum
            except RpcError as error:
                if error.code != 1:
                    raise
                shown = {"caught": error.object["message"]}

    async def hold(self):
        self.waiting += 1
        try:
            yield 0, None
            await asyncio.get_running_loop().create_future()
        finally:
            await self._clean_up()

    async def call(self, method, params=None, timeout_ms=30_000, route_key=None):
        try:
            node = await self._node(timeout_ms / 1000)
            key = None if "forgets_route_key" in self._faults else route_key
            return {"result": await node.call(method, params, timeout_ms / 1000, key)}
        except RpcError as error:
            if error.code == LATE and (until := deadline.get()) and until <= asyncio.get_running_loop().time():
                raise
            return {"error": error.object}

    def begin(self, key, method, params=None, timeout_ms=30_000, route_key=None):
        self.begun[key] = asyncio.get_running_loop().create_task(self.call(method, params, timeout_ms, route_key),
                                                                 context=contextvars.Context())

    async def outcome(self, key):
        return await self.begun[key]

    async def notify(self, method, params):
        (await self._node(5)).notify(method, params)

    async def stream(self, method, params=None, window=64, steps=None, after=None, timeout_ms=None):
        node = await self._node(5)
        return await node.stream(method, params, window, steps, after, timeout_ms and timeout_ms / 1000)

    def leave(self):
        self._leaving = asyncio.get_running_loop().create_task(self._leave())

    async def _leave(self):
        for peer in [*self._peers]:
            if "leaves_silently" not in self._faults:
                await peer.call("mesh.drain")
            if "leaves_calls_behind" not in self._faults:
                await peer.until_idle()
            peer.close()


def main(addresses, faults):
    if unknown := set(faults) - FAULTS:
        raise ValueError(f"no fault is called {', '.join(unknown)}; there are {', '.join(sorted(FAULTS))}")

    async def serve():
        await Service(addresses, faults).run()
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        return 0
