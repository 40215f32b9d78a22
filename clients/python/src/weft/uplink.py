"""Keeps one connection to one of several nodes: finds another one when it goes, drains, or never was there."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

from . import codes
from .addresses import Address
from .backoff import LASTED, Backoff
from .errors import Error, late, unavailable
from .json_text import dumps
from .peer import Peer
from .tls import why_silent

log = logging.getLogger("weft")

CONNECT_TIMEOUT = 10.0
# Calls beside those of the program: heartbeats, and `connect` itself.
RESERVED_CALLS = 8
LAST_WORDS = 1.0

Dial = Callable[[Address], Awaitable[Peer]]


def is_refusal(error: Error) -> bool:
    """Would the answer to `connect` be the same the next time?"""
    return error.code not in (codes.UNAVAILABLE, codes.RESOURCE_EXHAUSTED, codes.DEADLINE_EXCEEDED)


class Uplink:
    """`start` begins; `usable` is the connection to call over. A refusal ends it for good, with that error."""

    def __init__(self, addresses: list[Address], dial: Dial, introduction: dict[str, Any], keeps_serving: bool,
                 on_connect: Callable[[], object]) -> None:
        self.peer: Peer | None = None
        self.failed: Error | None = None
        self.closed = False
        self.reason = "not connected yet"
        self.loop = asyncio.get_running_loop()      # asking for it costs more than a clock
        self.over: asyncio.Future[None] = self.loop.create_future()
        self._addresses, self._dial, self._introduction = addresses, dial, introduction
        self._keeps_serving, self._on_connect = keeps_serving, on_connect
        self._waiters: list[asyncio.Future[None]] = []
        self._old: set[asyncio.Task[None]] = set()
        self._open: set[Peer] = set()
        self._keeping: asyncio.Task[None] | None = None
        self._logged = ""       # why there is no node: said once, until it is another reason or there was one

    async def start(self, patient: bool) -> None:
        """Raises Error when it is refused, or, unless it is patient, when no node can be reached."""
        if not patient:
            if (peer := await self._reach(None, told=True)) is None:
                self.closed = True
                raise unavailable(f"cannot connect to {self.reason}", "no")
            self._use(peer)
        else:
            peer = None
        self._keeping = asyncio.create_task(self._keep(peer), name="weft uplink")
        if patient:
            await self._first()

    async def _first(self) -> None:
        while self.peer is None and self.failed is None:
            await self.change()
        if self.failed is not None:
            raise self.failed

    async def usable(self, expires: float | None) -> Peer:
        """A connection that takes one more call now."""
        try:
            async with asyncio.timeout_at(expires):
                while True:
                    if self.failed is not None:
                        raise self.failed
                    if self.closed:
                        raise unavailable("the connection was closed by this side", "no")
                    if (peer := self.peer) is None:
                        await self.change()
                        continue
                    await peer.turn()
                    if peer is self.peer and not peer.closing:
                        return peer
                    await asyncio.sleep(0)
        except TimeoutError:
            if self.peer is not None:
                raise late("as many calls are under way as the node takes; none ended in time", "no") from None
            raise unavailable(f"no connection to a node in time: {self.reason}", "no") from None

    async def change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _changed(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _keep(self, peer: Peer | None) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff()
        avoid: Peer | None = None
        try:
            while True:
                peer = peer or await self._reach(avoid)
                if peer is not None:
                    began = loop.time()
                    if peer is not self.peer:
                        self._use(peer)
                    ends: list[asyncio.Future[Any]] = [peer.ended, peer.draining]
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                    avoid = self._leave(peer)
                    if loop.time() - began >= LASTED:
                        backoff.reset()
                peer = None
                await asyncio.sleep(backoff.pause())
        except Error as refused:
            self.failed = refused
            self.reason = str(refused)
            self._end()

    def _use(self, peer: Peer) -> None:
        self.peer = peer
        self._logged = ""
        log.debug("connected to node %s", peer.info.get("node"))
        self._on_connect()
        self._changed()

    def _leave(self, peer: Peer) -> Peer | None:
        """The one to avoid, which is what is left if it drains."""
        self.peer = None
        self._changed()
        if peer.closing:
            self.reason = peer.ended.result() if peer.ended.done() else "the connection has ended"
            log.warning("the connection to node %s ended: %s", peer.info.get("node"), self.reason)
            return None
        self.reason = f"node {peer.info.get('node')} drains"
        task = asyncio.create_task(self._retire(peer), name="weft old connection")
        self._old.add(task)
        task.add_done_callback(self._old.discard)
        return peer

    async def _retire(self, peer: Peer) -> None:
        """What is under way over it ends there. Of one that serves the node says when nothing more will come."""
        try:
            if not self._keeps_serving:
                await peer.idle()
            else:
                await asyncio.wait([peer.ended])
        finally:
            peer.close("the node drains")

    async def _reach(self, avoid: Peer | None, told: bool = False) -> Peer | None:
        """The first node that answers, the avoided one asked last. Raises Error when one refuses. Whoever is `told` why
        there is none needs no line in the log."""
        avoided = avoid and avoid.address
        failures = []
        for address in sorted(self._addresses, key=lambda each: each == avoided):
            peer: Peer | None = None
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    peer = await self._dial(address)
                    return await self._introduce(peer, address)
            except TimeoutError:
                said = f": {peer.last_words}" if peer is not None and peer.last_words else ""
                failures.append(f"{address}: no answer in {CONNECT_TIMEOUT:g} s{said}")
            except OSError as error:
                failures.append(f"{address}: {error.strerror or error}")
            except Error as error:
                if is_refusal(error):
                    raise
                hint = why_silent(address.tls) if peer is not None and peer.unexplained else ""
                failures.append(f"{address}: {error.message}{hint}")
        self.reason = "; ".join(failures)
        log.log(logging.DEBUG if told or self.reason == self._logged else logging.WARNING, "cannot connect to %s",
                self.reason)
        self._logged = self.reason
        return None

    async def _introduce(self, peer: Peer, address: Address) -> Peer:
        peer.address = address
        self._open.add(peer)
        peer.gone.add_done_callback(lambda _: self._open.discard(peer))
        try:
            _, answer = peer.request("connect", f',"params":{dumps(self._introduction)}', None)
            peer.info = await answer
            limits = peer.info.get("limits", {})
            peer.frame_bytes = limits.get("frame_bytes", peer.frame_bytes)
            peer.in_flight = max(1, limits.get("in_flight", math.inf) - RESERVED_CALLS)
            peer.keep_alive(peer.info["heartbeat_ms"] / 1000)
        except BaseException:
            peer.close()
            raise
        return peer

    def _end(self) -> None:
        self.closed = True
        if not self.over.done():
            self.over.set_result(None)
        self._changed()

    async def gone(self) -> None:
        """After `close`: waits until what was written has gone out, for a moment at most."""
        if self._open:
            await asyncio.wait([peer.gone for peer in self._open], timeout=LAST_WORDS)
        for peer in self._open:
            peer.abort()

    def close(self) -> None:
        """Calls under way fail, methods under way are cancelled."""
        if self._keeping is not None:
            self._keeping.cancel()
        for task in self._old:
            task.cancel()
        if self.peer is not None:
            self.peer.close()
            self.peer = None
        self._end()
