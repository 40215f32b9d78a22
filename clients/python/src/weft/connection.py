"""One TCP connection as frames: what is read is cut into many at once, what is written goes out together."""

import asyncio
import ssl
from typing import Any, cast

from .tls import explain
from .wire import MAX_FRAME_BYTES, FrameReader, header


class Connection(asyncio.Protocol):
    """A subclass gets the payloads, and the end; it is used from its loop only."""

    def __init__(self, frame_limit: int = MAX_FRAME_BYTES) -> None:
        self.loop = asyncio.get_running_loop()
        self.heard = self.loop.time()
        self.ended: asyncio.Future[str] = self.loop.create_future()
        self.gone: asyncio.Future[None] = self.loop.create_future()    # its socket is closed
        self.closing = False
        self.spoke = False      # something came
        self.unexplained = False    # it ended without a word of why
        self.last_words = ""    # what the other side said about the connection itself
        self.blocked = False    # the transport takes nothing more for now
        self._reader = FrameReader(frame_limit)
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._room: asyncio.Future[None] | None = None

    def on_payload(self, payload: bytes) -> None:
        raise NotImplementedError

    def on_broken_frame(self, length: int) -> None:
        raise NotImplementedError

    def on_end(self, reason: str) -> None:
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.heard = self.loop.time()
        self.spoke = True
        for payload in self._reader.feed(data):
            self.on_payload(payload)
        if self._reader.broken is not None and not self.closing:
            self.on_broken_frame(self._reader.broken)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        reason = f"the connection was lost: {explain(error)}" if error else "the node closed the connection"
        if self._reader.inside_frame:
            reason += ", in the middle of a frame"
        # What TLS has to say says it all.
        self.unexplained = not (self.closing or self.spoke or isinstance(error, ssl.SSLError))
        self._end(f"{reason}: {self.last_words}" if self.last_words else reason)

    def pause_writing(self) -> None:
        self.blocked = True
        if self._room is None:
            self._room = self.loop.create_future()

    def resume_writing(self) -> None:
        self.blocked = False
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    async def room(self) -> None:
        """Waits until the other side has taken enough of what was written."""
        while self._room is not None:
            await asyncio.shield(self._room)

    def write(self, text: str) -> None:
        """What is no UTF-8 in it is replaced: it would be in an error's message."""
        self.write_payload(text.encode("utf-8", "replace"))

    def write_payload(self, payload: bytes) -> None:
        if self.closing:
            return
        if not self._out:
            self.loop.call_soon(self._flush)
        self._out += (header(len(payload)), payload)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out and self._transport is not None:
            self._transport.write(b"".join(out))

    def close(self, reason: str = "closed by this side") -> None:
        """What was written still goes out."""
        if not self.closing:
            self._flush()
            self._end(reason)
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Frees the socket at once."""
        if self._transport is not None:
            self._transport.abort()

    def _end(self, reason: str) -> None:
        if self.closing:
            return
        self.closing = True
        self.resume_writing()
        self.on_end(reason)
        if not self.ended.done():
            self.ended.set_result(reason)

    def extra(self, name: str) -> Any:
        """What the transport says of itself: "peername", "ssl_object" and others."""
        return None if self._transport is None else self._transport.get_extra_info(name)
