"""A loop whose clock jumps to whatever is next. Real events, which are those of threads here, take no time."""

import asyncio
import selectors
from typing import Any

# How long a look at what threads have done takes.
LOOK = 0.05


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting it moves the clock, unless a thread works for the loop."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout is not None and timeout <= 0:
            return events
        if self.loop.threads:
            return super().select(LOOK)
        if timeout is None:
            raise RuntimeError("everything waits for something that nothing here will do")
        self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now = 0.0
        self.threads = 0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, function: Any, *args: Any) -> Any:
        self.threads += 1
        future = super().run_in_executor(executor, function, *args)
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self) -> None:
        self.threads += 1
        await super().shutdown_default_executor()
        self.threads -= 1

    def _thread_ended(self, _: Any) -> None:
        self.threads -= 1
