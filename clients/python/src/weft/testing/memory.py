"""Two protocols joined as if by a socket, within one loop."""

import asyncio
from typing import Any


class MemoryTransport(asyncio.Transport):
    """What one end writes, the other end reads in a later turn of the loop, in order."""

    def __init__(self, own: asyncio.Protocol, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"peername": "memory"})
        self._own, self._loop = own, loop
        self._other: MemoryTransport | None = None
        self._closing = False

    @classmethod
    def join(cls, one: asyncio.Protocol, other: asyncio.Protocol, loop: asyncio.AbstractEventLoop) -> None:
        ends = cls(one, loop), cls(other, loop)
        ends[0]._other, ends[1]._other = ends[1], ends[0]
        one.connection_made(ends[0])
        other.connection_made(ends[1])

    def write(self, data: Any) -> None:
        if not self._closing and self._other is not None:
            self._loop.call_soon(self._other._deliver, bytes(data))

    def _deliver(self, data: bytes) -> None:
        if not self._closing:
            self._own.data_received(data)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._loop.call_soon(self._own.connection_lost, None)
        if self._other is not None:
            self._loop.call_soon(self._other.close)

    def abort(self) -> None:
        self.close()
