"""Streams of others, as their caller has them: what has come, and what is done to the generator over there."""

import asyncio
import collections
import contextlib
import math
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from . import codes
from .attempts import Attempts
from .errors import Error
from .hints import reader_of
from .json_text import dumps, loads, shown
from .mismatch import Mismatch
from .options import Settings

if TYPE_CHECKING:
    from .client import Node
    from .peer import Peer

T = TypeVar("T")
S = TypeVar("S")


class Reading:
    """A stream that comes, as its connection knows it: nothing in it leads to the Stream that a program holds."""

    def __init__(self, peer: "Peer", id: int, answer: "asyncio.Future[Any]", granted: int) -> None:
        self.peer, self.id, self.answer, self.granted = peer, id, answer, granted
        self.items: collections.deque[dict[str, Any]] = collections.deque()    # the params they came as
        self.credit, self.bytes = 0, math.inf                                  # of values that we may send
        self.takes_values = False
        self.sent = 0
        self._came = 0
        self._head = b'{"jsonrpc":"2.0","method":"$/stream/item","params":{"id":%d,"seq":' % id
        self._waiter: asyncio.Future[None] | None = None
        answer.add_done_callback(self._end)

    def _end(self, answer: "asyncio.Future[Any]") -> None:
        self.peer.reading.pop(self.id, None)
        if self.peer.read_last is self:
            self.peer.read_last = None
        if not answer.cancelled():
            answer.exception()  # which nobody may ask for
        self.wake()

    def take_next(self, payload: bytes) -> bool:
        """Takes what came if it is the next item, written as a node writes it. Of most items nothing has to be read but
        the value then, which is half the work."""
        head = self._head
        if not payload.startswith(head):
            return False
        seq = b'%d,"value":' % self._came
        if not payload.startswith(seq, len(head)) or not payload.endswith(b"}}"):
            return False
        try:
            value = loads(payload[len(head) + len(seq):-2])
        except (ValueError, RecursionError):
            # There is more than a value, such as a cursor.
            return False
        self.take_item({"seq": self._came, "value": value})
        return True

    def take_item(self, params: dict[str, Any]) -> None:
        if params.get("seq") != self._came:
            return self._break(codes.INTERNAL_ERROR, f"item {params.get('seq')} came, not the next one, {self._came}")
        if self._came >= self.granted:
            return self._break(codes.RESOURCE_EXHAUSTED, f"{self._came + 1} items came, and {self.granted} may")
        self._came += 1
        self.items.append(params)
        if self._waiter is not None:
            self.wake()

    def take_accept(self, params: dict[str, Any]) -> None:
        self.takes_values = True
        credit, size = params.get("credit"), params.get("bytes")
        if isinstance(credit, int):
            self.credit += credit
        if isinstance(size, int):
            self.bytes = size + (0 if self.bytes == math.inf else self.bytes)
        self.wake()

    def _break(self, code: int, why: str) -> None:
        self._fail(code, f"the stream broke the protocol: {why}")

    def _fail(self, code: int, why: str) -> None:
        if self.answer.done():
            return
        self.peer.cancel(self.id)
        self.answer.set_exception(Error(code, why, executed="unknown"))

    def wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Waits until that, or until the stream has ended."""
        while not ready() and not self.answer.done():
            self._waiter = self.peer.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def has_items(self) -> bool:
        return bool(self.items)

    def _may_send(self) -> bool:
        return self.credit > 0 and self.bytes > 0 or self._takes_nothing()

    def _takes_nothing(self) -> bool:
        # Who takes values grants the first of them before the first item.
        return self._came > 0 and not self.takes_values

    async def send(self, value: str) -> None:
        """Sends a value, JSON text, as soon as the generator takes one."""
        await self.until(self._may_send)
        if self._takes_nothing() and not self.answer.done():
            self.items.clear()
            return self._fail(codes.INVALID_PARAMS, "the method takes no values; read its items, and send nothing")
        self.tell("send", f',"seq":{self.sent},"value":{value}')
        self.sent, self.credit = self.sent + 1, self.credit - 1
        self.bytes -= len(value.encode())

    def tell(self, what: str, members: str = "") -> None:
        if not self.answer.done():
            self.peer.write(f'{{"jsonrpc":"2.0","method":"$/stream/{what}","params":{{"id":{self.id}{members}}}}}')

    def grant(self, count: int) -> None:
        self.granted += count
        self.tell("credit", f',"credit":{count}')

    def take_back(self) -> None:
        if not self.answer.done():
            self.peer.cancel(self.id)


class Stream(Generic[T]):
    """The items of a method, driven as an async generator (PEP 525) whose body runs elsewhere.

    It begins with the first `anext`. `asend` gives it a value, as soon as it takes one; `athrow` raises an error there.
    Both return the next item: with a window of 1 that is what the generator answers, with more come those first that
    were on their way. `aclose` returns when the cleanup there has run; a stream that is let go of closes by itself.
    Cancelling whoever waits for an item leaves the stream as it is. `cursor` is that of the last item."""

    def __init__(self, node: "Node", method: str, params: str, settings: Settings) -> None:
        self.cursor: Any = settings.after
        self._node, self._method, self._params, self._settings = node, method, params, settings
        self._reading: Reading | None = None
        self._expires: float | None = None
        self._ended = self._started = self._busy = False
        self._items = 0       # that were handed out
        self._taken = 0       # since the last grant
        self._attempts = Attempts()
        self._items_before = 0
        self._read = reader_of(settings.returns) if settings.returns is not None else None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        reading = self._reading
        if reading is not None and reading.items and not self._busy and 2 * self._taken < self._settings.window:
            return self._hand_out(reading)
        with self._alone():
            self._grant()
            return await self._next()

    def asend(self, value: None) -> Coroutine[Any, Any, T]:
        """The next item; of a DuplexStream as the answer to a value."""
        return self._asend(value)

    async def _asend(self, value: Any) -> T:
        if value is None:
            return await self.__anext__()
        if not self._started and not self._ended:
            raise TypeError("can't send non-None value to a just-started stream")
        with self._alone():
            if self._reading is not None:
                await self._reading.send(dumps(value))
            self._grant()
            return await self._next()

    async def athrow(self, error: BaseException | type[BaseException]) -> T:
        error = error() if isinstance(error, type) else error
        if isinstance(error, (GeneratorExit, asyncio.CancelledError)):
            await self.aclose()
            raise error
        if not self._started or self._ended:
            self._ended = True
            raise error
        with self._alone():
            if self._reading is not None:
                self._reading.tell("throw", f',"error":{dumps(Error.of(error).to_json())}')
            self._grant()
            return await self._next()

    def end(self) -> None:
        """No further value will be sent: a generator that waits for one gets None."""
        if self._reading is not None:
            self._reading.tell("end")

    async def aclose(self) -> None:
        """Takes the stream back; returns when it has ended over there."""
        self._ended = True
        reading, self._reading = self._reading, None
        if reading is not None and not reading.answer.done():
            reading.take_back()
            await asyncio.wait([reading.answer])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.aclose()

    def __del__(self) -> None:
        reading = getattr(self, "_reading", None)
        if reading is not None and not reading.answer.done() and not reading.peer.loop.is_closed():
            # Any thread may collect it.
            reading.peer.loop.call_soon_threadsafe(reading.take_back)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._busy:
            raise RuntimeError("the stream is asked for its next item already")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def _grant(self) -> None:
        # Granted last: until then the generator waits for what was sent or thrown.
        if self._reading is not None and 2 * self._taken >= self._settings.window:
            self._reading.grant(self._taken)
            self._taken = 0

    def _hand_out(self, reading: Reading) -> T:
        item = reading.items.popleft()
        value: Any = item.get("value")
        self._taken += 1
        self._items += 1
        if "cursor" in item:
            self.cursor = item["cursor"]
        if self._read is None:
            return value  # type: ignore[no-any-return]
        try:
            return self._read(value)  # type: ignore[no-any-return]
        except Mismatch as mismatch:
            raise Error(codes.INTERNAL_ERROR, f"{self._method}: {mismatch.said_of('an item')}") from None

    async def _next(self) -> T:
        while not self._ended:
            if (reading := self._reading) is None:
                self._reading = reading = await self._begin()
            await reading.until(reading.has_items)
            if reading.items:
                return self._hand_out(reading)
            if self._reading is not reading:
                break  # closed by another task meanwhile
            self._reading = None
            error = reading.answer.exception()
            if error is None:
                self._ended = True
                if not self._items and reading.answer.result() is not None:
                    raise Error(codes.INTERNAL_ERROR, f"'{self._method}' does not stream: it has answered with one "
                                "result; call it")
            elif not isinstance(error, Error) or not await self._goes_on(error):
                self._ended = True
                raise self._attempts.told(error) if isinstance(error, Error) else error
        raise StopAsyncIteration

    async def _begin(self) -> Reading:
        self._started = True
        while True:
            if self._expires is None:
                self._expires = self._node.expiry(self._settings, self._settings.timeout_given)
            asked = {"credit": self._settings.window, **({} if self.cursor is None else {"after": self.cursor})}
            self._taken = 0
            try:
                peer, id, answer = await self._node.send_request(
                    self._method, f'{self._params},"stream":{dumps(asked)}', self._settings, self._expires)
            except Error as error:
                if await self._goes_on(error):
                    continue
                self._ended = True
                raise self._attempts.told(error) from None
            reading = peer.reading[id] = Reading(peer, id, answer, self._settings.window)
            return reading

    async def _goes_on(self, error: Error) -> bool:
        """Is it begun again after this, and where it was left?"""
        settings = self._settings
        if self._items:
            self._attempts.may_have_run = True
            passing = error.code in (codes.UNAVAILABLE, codes.METHOD_NOT_FOUND)
            if not (settings.resume and self.cursor is not None and passing):
                return False
        if self._items != self._items_before:
            self._attempts.count, self._items_before = 0, self._items
        return await self._node.pause_before_retry(error, self._attempts, settings, self._expires,
                                                   may_run_twice=settings.idempotent or settings.resume)

    def __repr__(self) -> str:
        return f"<weft stream of {shown(self._method)}, {self._items} items so far>"


class DuplexStream(Stream[T], Generic[T, S]):
    """A stream of T whose generator takes values of S; what `Node.stream` makes, which knows neither."""

    def asend(self, value: S | None) -> Coroutine[Any, Any, T]:
        return self._asend(value)
