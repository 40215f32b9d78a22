"""Calls that come together begin in one task, and know nothing of each other there."""

import asyncio
import contextlib
import contextvars
import json

import pytest
from script import Script

import weft
from weft.wire import frame

left_behind = contextvars.ContextVar("left_behind", default="nothing")


class Failed(BaseException):
    """What no method catches as an Exception."""


class Serving:
    """A service of all the ways in which a call can begin, and a script that sends many of them in one write."""

    def __init__(self):
        self.service = weft.Service("s")
        self.began = []
        self.go_on = asyncio.Event()
        for each in (self.now, self.wait, self.leave, self.cancel_itself, self.fail, self.late, self.stubborn):
            self.service.method(each)

    def _begin(self, x):
        assert weft.current().task is asyncio.current_task()
        self.began.append(x)

    async def now(self, x: int) -> list:
        self._begin(x)
        return [x, left_behind.get(), asyncio.current_task().get_name()]

    async def wait(self, x: int) -> list:
        self._begin(x)
        task, call = asyncio.current_task(), weft.current()
        left_behind.set(f"by {x}")
        for _ in range(3):
            await asyncio.sleep(0)
        await self.go_on.wait()
        assert asyncio.current_task() is task and weft.current() is call and left_behind.get() == f"by {x}"
        return [x, task.get_name(), id(task)]

    async def leave(self, x: int) -> int:
        left_behind.set(f"by {x}")
        return x

    async def cancel_itself(self, x: int) -> int:
        asyncio.current_task().cancel()
        return x

    async def fail(self, x: int) -> int:
        raise Failed(x)

    async def late(self, x: int) -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return f"{x} was late"

    async def stubborn(self, x: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                asyncio.current_task().cancel()
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.began.append("cleaned up")

    @contextlib.asynccontextmanager
    async def script(self):
        async with Script() as script:
            connecting = asyncio.ensure_future(self._connect(script.address))
            await script.accept()
            async with await connecting:
                yield script

    async def _connect(self, address):
        return await weft.connect(address, services=[self.service])


def send(script, *calls, cancelled=()):
    """Calls (id, method), and cancellations of some of them, in one write."""
    messages = [{"id": id, "method": f"s.{method}", "params": [id]} for id, method in calls]
    messages += [{"method": "$/cancelRequest", "params": {"id": id}} for id in cancelled]
    script.writer.write(b"".join(frame(json.dumps({"jsonrpc": "2.0", **each}).encode()) for each in messages))


async def answers(script, count):
    read = [await script.read() for _ in range(count)]
    return {each["id"]: each.get("result", each.get("error")) for each in read}


async def test_those_that_wait_have_tasks_of_their_own_and_hold_nobody_up():
    serving = Serving()
    async with serving.script() as script:
        send(script, (1, "now"), (2, "wait"), (3, "wait"), (4, "now"), (5, "wait"))
        assert await answers(script, 2) == {1: [1, "nothing", "s.now"], 4: [4, "nothing", "s.now"]}
        assert serving.began == [1, 2, 3, 4, 5]
        serving.go_on.set()
        waited = await answers(script, 3)
        assert {tuple(each[:2]) for each in waited.values()} == {(id, "s.wait") for id in (2, 3, 5)}
        assert len({each[2] for each in waited.values()}) == 3


async def test_those_behind_one_that_waits_begin_as_they_come():
    serving = Serving()
    async with serving.script() as script:
        for id in (1, 2):
            send(script, (id, "wait"))
            send(script, (id + 10, "now"))
            assert list(await answers(script, 1)) == [id + 10]
        serving.go_on.set()
        assert sorted(await answers(script, 2)) == [1, 2]


@pytest.mark.parametrize("before", ["leave", "cancel_itself", "fail"])
@pytest.mark.filterwarnings("ignore")
async def test_what_one_leaves_behind_no_other_one_sees(before):
    serving = Serving()
    # Nobody asks the task for its exception.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with serving.script() as script:
        send(script, (1, before), (2, "now"), (3, before), (4, "wait"), (5, "now"))
        serving.go_on.set()
        came = await answers(script, 3 if before == "fail" else 5)
        assert came[2] == [2, "nothing", "s.now"] and came[5] == [5, "nothing", "s.now"] and came[4][0] == 4
        if before != "fail":
            assert came[1] == 1 and came[3] == 3


async def test_one_that_has_not_begun_is_taken_back_without_a_trace():
    serving = Serving()
    async with serving.script() as script:
        send(script, (1, "now"), (2, "now"), (3, "now"), cancelled=[2])
        came = await answers(script, 3)
        assert serving.began == [1, 3] and came[2]["code"] == -32800 and came[3][0] == 3


async def test_asyncio_s_own_timeouts_and_cancellation_reach_each():
    serving = Serving()
    async with serving.script() as script:
        send(script, (1, "late"), (2, "late"), (3, "stubborn"), (4, "wait"), (5, "now"))
        assert await answers(script, 3) == {1: "1 was late", 2: "2 was late", 5: [5, "nothing", "s.now"]}
        send(script, cancelled=[3, 4])
        came = await answers(script, 2)
        assert came[3]["code"] == came[4]["code"] == -32800 and "cleaned up" in serving.began


async def test_it_outlives_whoever_cancels_all_tasks():
    serving = Serving()
    async with serving.script() as script:
        send(script, (1, "now"))
        cancelled = []
        # There is such a task from when the call came until the next turn of the loop.
        while not cancelled:
            await asyncio.sleep(0)
            cancelled = [each for each in asyncio.all_tasks() if each.get_coro().__qualname__ == "Beginnings._run"]
            for each in cancelled:
                each.cancel()
        send(script, (2, "now"))
        assert sorted(await answers(script, 2)) == [1, 2]
