"""Generators of ours as streams: how far their caller lets them run, and what it sends into them."""

import asyncio
import collections
import contextlib
import math
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any

from . import codes
from .errors import Error
from .json_text import dumps
from .service import Item, Method

if TYPE_CHECKING:
    from .context import Call

VALUES_AHEAD = 16  # so many values may wait for a generator of ours
BURST = 64         # items after which others on the loop have their turn


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


class Source:
    """Our end of a stream that we send."""

    def __init__(self, call: "Call", credit: int, size: float, after: Any) -> None:
        self.after = after
        self.credit, self.bytes = credit, size
        self.values: collections.deque[Any] = collections.deque()
        self.thrown: collections.deque[Error] = collections.deque()
        self.ended = False           # the caller sends no further value
        self.accepted = 0            # values that it may have sent by now
        self._sent = 0
        self._call = call
        self._waiter: asyncio.Future[None] | None = None

    @classmethod
    def of(cls, call: "Call", asked: Any) -> "Source":
        match asked:
            case {"credit": int(credit)} if _is_count(credit) and _is_count(asked.get("bytes", 0)):
                return cls(call, credit, asked.get("bytes", math.inf), asked.get("after"))
        raise Error(codes.INVALID_REQUEST, 'stream is {"credit": n, "bytes"?: m, "after"?: cursor}')

    @property
    def open(self) -> bool:
        """May the next item be sent? It is not cut: any byte that is left is enough for it."""
        return self.credit > 0 and self.bytes > 0

    def take(self, method: str, params: dict[str, Any]) -> None:
        """A message of this stream."""
        match method:
            case "$/stream/credit" if _is_count(params.get("credit", 0)):
                self.credit += params.get("credit", 0)
                if _is_count(params.get("bytes")):
                    # Who has named none so far has granted any number of them.
                    self.bytes = params["bytes"] + (0 if self.bytes == math.inf else self.bytes)
            case "$/stream/send":
                self._take_value(params)
            case "$/stream/throw":
                self.thrown.append(Error.from_json(params.get("error")))
            case "$/stream/end":
                self.ended = True
        self.wake()

    def _take_value(self, params: dict[str, Any]) -> None:
        if params.get("seq") != self._sent:
            return self._call.take_back(Error(codes.INTERNAL_ERROR, f"the value {params.get('seq')} came, not the next "
                                              f"one, {self._sent}"))
        if self._sent >= self.accepted or self.ended:
            return self._call.take_back(Error(codes.RESOURCE_EXHAUSTED, f"{self._sent + 1} values came, and "
                                              f"{self.accepted} may"))
        self._sent += 1
        self.values.append(params.get("value"))

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def change(self) -> None:
        self._waiter = self._call.peer.loop.create_future()
        await self._waiter

    def accept(self, count: int) -> None:
        self.accepted += count
        self._call.peer.write('{"jsonrpc":"2.0","method":"$/stream/accept","params":{"id":%s,"credit":%d}}'
                              % (self._call.id_text, count))


class _Steps:
    """A plain generator with the words of an async one. Its steps do not wait, so they are not interrupted."""

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator

    async def _step(self, step: Any, *arguments: Any) -> Any:
        try:
            return step(*arguments)
        except StopIteration:
            raise StopAsyncIteration from None

    def __aiter__(self) -> "_Steps":
        return self

    def __anext__(self) -> Any:
        return self._step(self._generator.__next__)

    def asend(self, value: Any) -> Any:
        return self._step(self._generator.send, value)

    def athrow(self, error: BaseException) -> Any:
        return self._step(self._generator.throw, error)

    async def aclose(self) -> None:
        self._generator.close()


def _driven(method: Method, generator: Any) -> AsyncGenerator[Any, Any]:
    driven: AsyncGenerator[Any, Any] = _Steps(generator) if method.generator else generator
    return driven


async def gather(method: Method, made: Any) -> list[Any]:
    """The items as an array, for a caller that did not ask for a stream and has no node that would gather them."""
    async with contextlib.aclosing(_driven(method, made)) as generator:
        return [item.value if type(item) is Item else item async for item in generator]


async def drive(call: "Call", method: Method, made: Any) -> None:
    """Steps a generator as far as its caller lets it."""
    source, peer = call.source, call.peer
    assert source is not None
    read_input = method.input and method.input.read
    head = f'{{"jsonrpc":"2.0","method":"$/stream/item","params":{{"id":{call.id_text},"seq":'
    count = values = 0
    if read_input:
        source.accept(VALUES_AHEAD)
    async with contextlib.aclosing(_driven(method, made)) as generator:
        step = generator.__anext__
        while True:
            while not (source.thrown or source.credit > 0 and source.bytes > 0 and (
                    not read_input or count == 0 or source.values or source.ended)):
                await source.change()
            try:
                if source.thrown:
                    item = await generator.athrow(source.thrown.popleft())
                elif source.values and count > 0 and read_input:
                    value = source.values.popleft()
                    values += 1
                    item = await generator.asend(_read_value(method, value))
                else:
                    item = await step()
            except StopAsyncIteration:
                return
            if 2 * values >= VALUES_AHEAD:
                source.accept(values)
                values = 0
            cursor = ""
            if type(item) is Item:
                cursor = f',"cursor":{dumps(item.cursor)}'
                item = item.value
            text = dumps(item)
            if peer.methods.checked:
                method.check(method.item, text, "an item")
            # What was thrown is let in without credit, but its answer is an item as any other.
            while source.credit <= 0 or source.bytes <= 0:
                await source.change()
            payload = f'{head}{count},"value":{text}{cursor}}}}}'.encode()
            if len(payload) > peer.frame_bytes:
                raise Error(codes.RESOURCE_EXHAUSTED, f"{call.method}: item {count} has {len(payload)} bytes, and the "
                            f"node takes {peer.frame_bytes}")
            source.credit -= 1
            source.bytes -= len(text) if text.isascii() else len(text.encode())
            peer.write_payload(payload)
            count += 1
            if peer.blocked:
                await peer.room()
            if count % BURST == 0:
                # A generator that never waits would keep the loop for all that it was granted.
                await asyncio.sleep(0)


def _read_value(method: Method, value: Any) -> Any:
    from .mismatch import Mismatch

    assert method.input is not None
    try:
        return method.input.read(value)
    except Mismatch as mismatch:
        raise Error(codes.INVALID_PARAMS, f"{method.name}: {mismatch.said_of('what was sent')}") from None
