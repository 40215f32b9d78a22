"""The same without asyncio: what is called here waits, from whatever thread.

    with weft.sync.connect("127.0.0.1:7400", name="script") as node:
        print(node.call("demo.sum", values=[1, 2, 3]))

One thread of its own runs the loop of all connections; methods that are served run there too.
"""

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from . import calling, client, serving
from .options import Options, options
from .running_loop import loop_factory
from .service import Service

T = TypeVar("T")

__all__ = ["Node", "Stream", "connect", "options", "serve", "Options"]


class _Loop:
    """A loop in a daemon thread, begun when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = loop_factory()()
                threading.Thread(target=self._loop.run_forever, name="weft", daemon=True).start()
            return self._loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for it; an interruption, KeyboardInterrupt for one, cancels it. It sees the caller's contextvars."""
        loop = self.get()
        if asyncio._get_running_loop() is loop:
            work.close()
            raise RuntimeError("this would wait for itself: in a method, use weft.caller() and await")
        done: concurrent.futures.Future[T] = concurrent.futures.Future()
        context = contextvars.copy_context()
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            task = loop.create_task(work, context=context)
            tasks.append(task)
            task.add_done_callback(end)

        def end(task: "asyncio.Task[T]") -> None:
            if task.cancelled():
                done.cancel()
                done.set_running_or_notify_cancel()
            elif (error := task.exception()) is not None:
                done.set_exception(error)
            else:
                done.set_result(task.result())

        loop.call_soon_threadsafe(begin)
        try:
            return done.result()
        except BaseException:
            if not done.done():
                loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            raise


_loop = _Loop()


async def _next(stream: "calling.Stream[Any]", step: str, *arguments: Any) -> tuple[Any, ...]:
    """The next item in a tuple, or none at the end: a StopIteration cannot travel."""
    try:
        return (await getattr(stream, step)(*arguments),)
    except StopAsyncIteration:
        return ()


class Stream(Iterator[Any]):
    """A stream as a generator: `for`, `next`, `send`, `throw`, `close`."""

    def __init__(self, stream: "calling.Stream[Any]") -> None:
        self._stream = stream

    def _step(self, step: str, *arguments: Any) -> Any:
        found = _loop.run(_next(self._stream, step, *arguments))
        if not found:
            raise StopIteration
        return found[0]

    def __next__(self) -> Any:
        return self._step("__anext__")

    def send(self, value: Any) -> Any:
        return self._step("asend", value)

    def throw(self, error: BaseException) -> Any:
        return self._step("athrow", error)

    def end(self) -> None:
        """No further value will be sent."""
        _loop.get().call_soon_threadsafe(self._stream.end)

    def close(self) -> None:
        """Returns when the generator's cleanup has run."""
        _loop.run(self._stream.aclose())

    @property
    def cursor(self) -> Any:
        return self._stream.cursor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class Node:
    """A weft.Node whose methods wait."""

    def __init__(self, node: client.Node) -> None:
        self._node = node

    def call(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        return _loop.run(self._node.call(method, *args, **kwargs))

    def stream(self, method: str, /, *args: Any, **kwargs: Any) -> Stream:
        return Stream(self._node.stream(method, *args, **kwargs))

    def notify(self, method: str, /, *args: Any, **kwargs: Any) -> None:
        _loop.run(self._node.notify(method, *args, **kwargs))

    def close(self) -> None:
        _loop.run(self._node.close())

    @property
    def state(self) -> str:
        return self._node.state

    @property
    def info(self) -> dict[str, Any]:
        return self._node.info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def connect(*addresses: str, **about: Any) -> Node:
    """As weft.connect, with the same options."""
    async def begin() -> client.Node:
        return await client.connect(*addresses, **about)

    return Node(_loop.run(begin()))


def serve(addresses: str | Sequence[str], /, *services: Service, **about: Any) -> None:
    """As weft.serve, in this thread, until it is told to end. Methods that block are declared with `thread=True`."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serving.serve(addresses, *services, **about))
