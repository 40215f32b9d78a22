"""Calls to us that are to begin, in as few tasks as that takes."""

import asyncio
import collections
import contextvars
import types
from collections.abc import Coroutine
from typing import Any

from .context import Call, _current

Work = Coroutine[Any, Any, None]


class Beginnings:
    """Those of one connection. Most methods end without having waited, so a task runs one after the other until one
    waits: to that one it belongs from its first step on, and those behind it get another task.

    A method finds no difference to a task of its own. Where one leaves another context behind, or has cancelled its
    task, no other one runs in that task."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: collections.deque[tuple[Call, Work]] = collections.deque()
        self._context = contextvars.copy_context()
        self._task: asyncio.Task[None] | None = None     # which takes them from there

    def add(self, call: Call, work: Work) -> None:
        self._calls.append((call, work))
        # Whoever cancels all tasks there are may have met one that had not begun.
        if self._task is None or self._task.done():
            self._go_on()

    def _go_on(self) -> None:
        self._task = None
        if self._calls:
            self._task = self._context.run(self._new_task)

    def _new_task(self) -> asyncio.Task[None]:
        # It gets a copy of the context that it is made in.
        return asyncio.Task(self._run(), loop=self._loop)

    async def _run(self) -> None:
        task = self._task
        assert task is not None
        while self._calls:
            call, work = self._calls.popleft()
            if call.ended:
                # It was taken back before.
                work.close()
                continue
            call.task = task
            task.set_name(call.method)
            _current.set(call)
            if not self._calls:
                # Nothing is behind it, so it may wait as it likes.
                self._task = None
                await work
                return
            before = contextvars.copy_context()
            try:
                waits_for = work.send(None)
            except StopIteration:
                if task.cancelling() or contextvars.copy_context() != before:
                    break
                continue
            except BaseException:
                self._go_on()
                raise
            self._go_on()
            await _rest(work, waits_for)
            return
        self._go_on()


@types.coroutine
def _rest(work: Work, waits_for: Any) -> Any:
    """Goes on with a coroutine that waits already."""
    while True:
        try:
            yield waits_for
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:
            try:
                waits_for = work.throw(error)
            except StopIteration:
                return
        else:
            yield from work
            return
