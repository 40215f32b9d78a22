"""What a method can know of the call that it runs for, and what calls made there take over from it."""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from .checks import LEFT, check
from .errors import Error, late

if TYPE_CHECKING:
    from .client import Node
    from .peer import Peer
    from .sources import Source


class Call:
    """A call to one of our methods. `deadline` is in the loop's time, `after` the cursor that a stream is to go on
    behind."""

    # Most calls have none of these, and are made without them.
    deadline: float | None = None
    after: Any = None
    traceparent: str | None = None
    tracestate: str | None = None
    task: asyncio.Task[None] | None = None
    source: "Source | None" = None
    work: Any = None        # what a plain function gave to be awaited
    ended = False
    # Why it was: what it is answered with, whatever its method makes of that.
    taken_back: Error | None = None

    def __init__(self, peer: "Peer", method: str, key: int | str | None = None,
                 id_text: int | str = "null") -> None:
        self.peer, self.method = peer, method
        # Of a request, None of a notification: what names it in our table, and its id as it was written.
        self.key, self.id_text = key, id_text

    @property
    def caller(self) -> "Node":
        """The node's connection that the call came over."""
        node = self.peer.node
        assert node is not None
        return node

    def take_back(self, why: Error) -> None:
        """Cancels the method: once, a second time would cut off the cleanup that the first one has begun."""
        if self.taken_back is not None or self.ended:
            return
        self.taken_back = why
        if self.task is not None:
            self.task.cancel()
            return
        # It has not begun, and will not.
        if hasattr(self.work, "close"):
            self.work.close()
        self.peer.answer_error(self, why)

    def expire(self) -> None:
        self.take_back(late(f"{self.method}: the deadline has passed"))


_current: contextvars.ContextVar[Call | None] = contextvars.ContextVar("weft_call", default=None)
_time_limit: contextvars.ContextVar[float | None] = contextvars.ContextVar("weft_time_limit", default=None)


def current() -> Call:
    """The call that the method runs for. Raises LookupError outside of one."""
    if (call := _current.get()) is None:
        raise LookupError("no method of a weft service runs here")
    return call


def caller() -> "Node":
    """The connection of the node that the call came over: to call back whoever called, or other methods."""
    return current().caller


def after() -> Any:
    """The cursor behind which a resumable generator is to go on; None to begin."""
    return current().after


@contextlib.asynccontextmanager
async def timeout(seconds: float | None) -> AsyncIterator[asyncio.Timeout]:
    """As asyncio.timeout, and calls made in the block tell whoever they reach how long there is."""
    check("weft.timeout", {"seconds": LEFT}, {"seconds": seconds})
    limit = None if seconds is None else asyncio.get_running_loop().time() + seconds
    before = _time_limit.get()
    limit = before if limit is None else limit if before is None else min(limit, before)
    async with asyncio.timeout(seconds) as block:
        token = _time_limit.set(limit)
        try:
            yield block
        finally:
            _time_limit.reset(token)


def deadline() -> float | None:
    """When, in the loop's time, whatever runs here is over for whoever asked for it."""
    limit = _time_limit.get()
    if (call := _current.get()) is None or call.deadline is None:
        return limit
    return call.deadline if limit is None else min(limit, call.deadline)
