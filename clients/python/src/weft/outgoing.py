"""Calls of ours over one connection: each waits for its answer, its turn, and no longer than it may."""

import asyncio
import itertools
import math
from typing import Any

from . import codes
from .connection import Connection
from .context import Call
from .errors import Error, late, unavailable
from .json_text import dumps
from .wire import MAX_FRAME_BYTES

# A deadline that is further away is looked at now and then; nearer ones share a timer with all of the same slot.
COARSE = 5.0
TICK = 0.5
SLOT = 0.01
# The node ends a call whose time is over, and knows better what became of it.
GRACE = 0.1
KNOWN_NAMES = 1024

Slot = tuple[list[int], list[int | str]]      # calls of ours, calls to us


def _slot_of(expires: float) -> int:
    return math.ceil((expires + GRACE) / SLOT)


Waiting = tuple["asyncio.Future[Any]", float | None, str]


class Outgoing(Connection):
    """The table from ids to those who wait, and what is watched: deadlines, in both directions, and the node's life."""

    def __init__(self, frame_limit: int = MAX_FRAME_BYTES) -> None:
        super().__init__(frame_limit)
        self.frame_bytes = MAX_FRAME_BYTES      # the largest frame that the node takes
        self.in_flight = 1 << 30                # calls that it takes at a time
        self.serving: dict[int | str, Call] = {}
        self._pending: dict[int, Waiting] = {}
        self._names: dict[str, str] = {}        # of methods that were called, as they are written
        self._ids = itertools.count(1)
        self._waiting_for_turn: list[asyncio.Future[None]] = []
        self._slots: dict[int, Slot] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self._idle: asyncio.Future[None] | None = None

    def request(self, method: str, members: str, expires: float | None) -> tuple[int, "asyncio.Future[Any]"]:
        """Sends a request: its id, and the future of its result. `members` is what stands behind the method.

        Raises Error when it certainly was not sent."""
        if self.closing:
            raise unavailable(f"{method} was not sent: the connection has ended", "no")
        id = next(self._ids)
        if (name := self._names.get(method)) is None:
            if len(self._names) >= KNOWN_NAMES:
                self._names.clear()
            name = self._names[method] = dumps(method)
        payload = f'{{"jsonrpc":"2.0","id":{id},"method":{name}{members}}}'.encode()
        if len(payload) > self.frame_bytes:
            raise Error(codes.RESOURCE_EXHAUSTED, f"{method} was not sent: it has {len(payload)} bytes, and the node "
                        f"takes {self.frame_bytes}", executed="no")
        answer: asyncio.Future[Any] = asyncio.Future(loop=self.loop)
        self._pending[id] = (answer, expires, method)
        if expires is not None and (self._ticking is None or expires - self.heard < COARSE):
            self._watch(id, expires)
        self.write_payload(payload)
        return id, answer

    def notify(self, method: str, params: str) -> None:
        self.write(f'{{"jsonrpc":"2.0","method":{dumps(method)}{params}}}')

    def cancel(self, id: int) -> None:
        """Takes a call back; it is still answered."""
        self.write(f'{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}')

    @property
    def full(self) -> bool:
        return len(self._pending) >= self.in_flight

    @property
    def busy(self) -> bool:
        return bool(self._pending or self.serving)

    async def turn(self) -> None:
        """Waits until the node takes one more call, and bytes of it."""
        while self.full and not self.closing:
            waiter = self.loop.create_future()
            self._waiting_for_turn.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    # The turn goes to the next one.
                    self._gone()
                raise
        if self.blocked:
            await self.room()

    async def idle(self) -> None:
        """Waits until nothing is under way in either direction."""
        while self.busy and not self.closing:
            if self._idle is None:
                self._idle = self.loop.create_future()
            await asyncio.shield(self._idle)

    def _gone(self) -> None:
        """A call of ours has ended."""
        while self._waiting_for_turn:
            waiter = self._waiting_for_turn.pop(0)
            if not waiter.done():
                waiter.set_result(None)
                break
        if self._idle is not None:
            self._check_idle()

    def _check_idle(self) -> None:
        if not self.busy and self._idle is not None:
            idle, self._idle = self._idle, None
            idle.set_result(None)

    def keep_alive(self, interval: float) -> None:
        """Asks a node that has said nothing for an interval; leaves one that is silent for three."""
        silent = self.loop.time() - self.heard
        if self.closing:
            return
        if silent >= 3 * interval:
            self.close(f"the node said nothing for {3 * interval:g} s")
            return self.abort()
        if silent >= 0.9 * interval:
            _, answer = self.request("heartbeat", "", None)
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._heartbeat = self.loop.call_later(interval, self.keep_alive, interval)

    def _watch(self, id: int, expires: float) -> None:
        if expires - self.heard < COARSE:
            self._slot(expires)[0].append(id)
        elif self._ticking is None:
            self._ticking = self.loop.call_later(TICK, self._tick)

    def _slot(self, expires: float) -> Slot:
        number = _slot_of(expires)
        if (slot := self._slots.get(number)) is None:
            slot = self._slots[number] = ([], [])
            self.loop.call_at(number * SLOT, self._end_slot, number)
        return slot

    def _end_slot(self, number: int) -> None:
        ours, theirs = self._slots.pop(number)
        for id in ours:
            self._expire(id)
        for key in theirs:
            # Its caller may have given the id to another call since.
            if (call := self.serving.get(key)) is not None and call.deadline is not None and (
                    _slot_of(call.deadline) <= number):
                call.expire()

    def _tick(self) -> None:
        now = self.loop.time()
        self._ticking = None
        watched = False
        for id, (_, expires, _) in list(self._pending.items()):
            if expires is not None and expires + GRACE <= now:
                self._expire(id)
            watched = watched or expires is not None
        for call in list(self.serving.values()):
            if call.deadline is not None:
                watched = True
                if call.deadline + GRACE <= now:
                    call.expire()
        if watched and not self.closing:
            self._ticking = self.loop.call_later(TICK, self._tick)

    def watch_call(self, call: Call) -> None:
        """Takes it back when its deadline passes."""
        # A notification, which has no key, brings no deadline.
        assert call.deadline is not None and call.key is not None
        if call.deadline - self.heard < COARSE:
            self._slot(call.deadline)[1].append(call.key)
        elif self._ticking is None:
            self._ticking = self.loop.call_later(TICK, self._tick)

    def _expire(self, id: int) -> None:
        if (waiting := self._pending.get(id)) is None:
            return
        self.cancel(id)
        self._settle(id, late(f"{waiting[2]} gave no answer in time"))

    def _settle(self, id: int, error: Error) -> None:
        if (waiting := self._pending.pop(id, None)) is not None:
            if not waiting[0].done():
                waiting[0].set_exception(error)
            self._gone()
