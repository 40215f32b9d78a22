"""Generators on the wire, as their callers drive them."""

import asyncio
import collections
import contextlib
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

import pytest
from until import until

import weft


class Far:
    """A service of generators that tells what became of them."""

    def __init__(self):
        self.closed = collections.Counter()
        self.yielded = 0
        self.began = []
        self.service = service = weft.Service("far")

        @service.method
        async def count(to: int, tag: str = "count") -> AsyncIterator[int]:
            try:
                for n in range(to):
                    self.yielded = n + 1
                    yield n
            finally:
                await asyncio.sleep(0.01)
                self.closed[tag] += 1

        @service.method
        def plainly(to: int) -> Iterator[int]:
            try:
                yield from range(to)
            finally:
                self.closed["plainly"] += 1

        @service.method
        async def total() -> AsyncGenerator[float, float]:
            sum = 0.0
            while True:
                try:
                    value = yield sum
                    if value is None:
                        return
                    sum += value
                except weft.Error as error:
                    if error.code != 1:
                        raise
                    yield -1.0

        @service.method
        def echo() -> Generator[str, str, None]:
            said = yield "begin"
            while said is not None:
                said = yield said

        @service.method(resumable=True)
        async def tail(to: int) -> AsyncIterator[weft.Item[int]]:
            self.began.append(weft.after())
            for n in range((weft.after() or 0) + 1, to + 1):
                yield weft.Item(n, cursor=n)

        @service.method
        async def fail(code: int) -> AsyncIterator[str]:
            yield "first"
            raise weft.Error(code, "broken", ["data"]) if code else ValueError("no luck")

        @service.method
        async def wait() -> AsyncIterator[str]:
            try:
                yield "waiting"
                await asyncio.Event().wait()
            finally:
                self.closed["wait"] += 1

        @service.method
        async def blobs(to: int, size: int) -> AsyncIterator[str]:
            for n in range(to):
                self.yielded = n + 1
                yield "é" * size


@contextlib.asynccontextmanager
async def far_and_node(weft_node):
    far = Far()
    async with weft.connect(weft_node.address, name="far", services=[far.service]):
        async with weft.connect(weft_node.address, name="caller") as node:
            yield far, node


@pytest.mark.parametrize("window", [1, 2, 64, 1000])
async def test_items_come_in_order_and_end(weft_node, window):
    async with far_and_node(weft_node) as (far, node):
        assert [n async for n in node.stream("far.count", to=300, window=window)] == list(range(300))
        assert [n async for n in node.stream("far.plainly", to=5, window=window)] == list(range(5))
        assert [n async for n in node.stream("far.count", to=0, window=window)] == []
        assert far.closed == {"count": 2, "plainly": 1}


async def test_leaving_the_loop_closes_the_far_generator(weft_node):
    async with far_and_node(weft_node) as (far, node):
        for _ in range(20):
            async for n in node.stream("far.count", to=10**9, window=32):
                if n == 5:
                    break
        gc.collect()
        await until(lambda: far.closed["count"] == 20, "each finally has run")
        await until(lambda: not node._uplink.peer.reading, "nothing of them is left")


async def test_closing_waits_for_the_cleanup(weft_node):
    async with far_and_node(weft_node) as (far, node):
        stream = node.stream("far.count", to=10**9)
        assert await anext(stream) == 0
        await stream.aclose()
        assert far.closed["count"] == 1
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        async with node.stream("far.wait") as waiting:
            assert await anext(waiting) == "waiting"
        assert far.closed["wait"] == 1


async def test_closing_ends_whoever_waits_for_an_item(weft_node):
    async with far_and_node(weft_node) as (far, node):
        stream = node.stream("far.wait")
        await anext(stream)
        waiting = asyncio.create_task(anext(stream, "no more"))
        await asyncio.sleep(0)
        await stream.aclose()
        assert await waiting == "no more" and far.closed["wait"] == 1


async def test_the_window_bounds_how_far_the_generator_runs(weft_node):
    async with far_and_node(weft_node) as (far, node):
        stream = node.stream("far.count", to=1000, window=1)
        for n in range(5):
            assert await anext(stream) == n
            await node.call("foo")
            assert far.yielded == n + 1
        stream = node.stream("far.count", to=1000, window=10)
        await anext(stream)
        await until(lambda: far.yielded == 10, "it has run as far as it may")
        await stream.aclose()


async def test_a_reader_that_does_not_read_stops_the_generator_by_bytes(weft_node):
    async with far_and_node(weft_node) as (far, node):
        slow = node.stream("far.blobs", to=10_000, size=10_000, window=10_000)
        assert len(await anext(slow)) == 10_000
        # Its connection goes on with other calls meanwhile.
        assert await node.call("foo") == "ok"
        await slow.aclose()


async def test_values_are_sent_into_the_generator(weft_node):
    async with far_and_node(weft_node) as (_, node):
        total = node.stream("far.total", window=1)
        with pytest.raises(TypeError, match="just-started"):
            await total.asend(1)
        assert await anext(total) == 0
        assert [await total.asend(n) for n in range(1, 40)] == [n * (n + 1) / 2 for n in range(1, 40)]
        assert await total.athrow(weft.Error(1, "catch me")) == -1
        total.end()
        assert [sum async for sum in total] == [39 * 40 / 2]
        echo = node.stream("far.echo", window=1)
        assert [await anext(echo), await echo.asend("a"), await echo.asend("b")] == ["begin", "a", "b"]
        echo.end()
        assert [said async for said in echo] == []


async def test_a_value_that_does_not_fit_ends_the_stream(weft_node):
    async with far_and_node(weft_node) as (_, node):
        total = node.stream("far.total", window=1)
        await anext(total)
        with pytest.raises(weft.Error, match='far.total: what was sent is a number, not "x"') as refused:
            await total.asend("x")
        assert refused.value.code == weft.codes.INVALID_PARAMS


async def test_what_is_thrown_and_not_caught_comes_back(weft_node):
    async with far_and_node(weft_node) as (far, node):
        total = node.stream("far.total", window=1)
        await anext(total)
        with pytest.raises(weft.Error) as back:
            await total.athrow(weft.Error(77, "not caught", {"a": 1}))
        assert (back.value.code, back.value.message, back.value.data) == (77, "not caught", {"a": 1})
        with pytest.raises(StopAsyncIteration):
            await anext(total)
        counting = node.stream("far.count", to=10**9, window=1)
        await anext(counting)
        with pytest.raises(weft.Error, match="KeyError: 'x'"):
            await counting.athrow(KeyError("x"))
        assert far.closed["count"] == 1
        with pytest.raises(weft.Error, match="before it began"):
            await node.stream("far.count", to=3).athrow(weft.Error(1, "before it began"))


async def test_errors_come_behind_the_items(weft_node):
    async with far_and_node(weft_node) as (_, node):
        for code, expected in (404, 404), (0, weft.codes.INTERNAL_ERROR):
            got = []
            with pytest.raises(weft.Error) as broken:
                async for item in node.stream("far.fail", code=code):
                    got.append(item)
            assert (got, broken.value.code) == (["first"], expected)
        with pytest.raises(weft.Error) as unknown:
            await anext(node.stream("far.nothing"))
        assert unknown.value.code == weft.codes.METHOD_NOT_FOUND
        with pytest.raises(weft.Error, match="'to' is an integer"):
            await anext(node.stream("far.count", to="x"))


async def test_a_caller_who_does_not_stream_gets_an_array(weft_node):
    async with far_and_node(weft_node) as (far, node):
        assert await node.call("far.count", 4) == [0, 1, 2, 3]
        assert await node.call("far.tail", to=2) == [1, 2]
        assert far.closed["count"] == 1


async def test_cursors(weft_node):
    async with far_and_node(weft_node) as (far, node):
        stream = node.stream("far.tail", weft.options(after=7), to=9)
        assert [(n, stream.cursor) async for n in stream] == [(8, 8), (9, 9)]
        assert far.began == [7]


async def test_a_deadline_holds_for_the_whole_stream(weft_node):
    async with far_and_node(weft_node) as (far, node):
        with pytest.raises(weft.Error) as late:
            async for _ in node.stream("far.wait", weft.options(timeout=0.1)):
                pass
        assert late.value.code == weft.codes.DEADLINE_EXCEEDED
        await until(lambda: far.closed["wait"] == 1, "its finally has run")


async def test_waiting_for_an_item_can_be_cancelled_without_losing_the_stream(weft_node):
    async with far_and_node(weft_node) as (far, node):
        stream = node.stream("far.wait")
        await anext(stream)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(stream)
        assert far.closed["wait"] == 0
        waiting = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already"):
            await anext(stream)
        waiting.cancel()
        await asyncio.wait([waiting])
        await stream.aclose()
        assert far.closed["wait"] == 1


async def test_a_parameter_called_window_goes_beside_options(weft_node):
    service = weft.Service("panes")

    @service.method
    async def show(window: str) -> AsyncIterator[str]:
        yield window

    async with weft.connect(weft_node.address, services=[service]) as node:
        assert [n async for n in node.stream("panes.show", weft.options(window=2), window="left")] == ["left"]
        with pytest.raises(TypeError, match="window is 'left'"):
            node.stream("panes.show", window="left")


async def test_items_are_read_into_types(weft_node):
    async with far_and_node(weft_node) as (_, node):
        items = [n async for n in node.stream("far.count", weft.options(returns=float), to=2)]
        assert [type(n) for n in items] == [float, float]
        with pytest.raises(weft.Error, match="an item is a string, not 0"):
            await anext(node.stream("far.count", weft.options(returns=str), to=2))


async def test_many_streams_share_a_connection(weft_node):
    async with far_and_node(weft_node) as (far, node):
        async def read(window):
            return sum([n async for n in node.stream("far.count", to=500, window=window)])

        assert await asyncio.gather(*(read(1 + n % 7) for n in range(40))) == [500 * 499 // 2] * 40
        assert far.closed["count"] == 40


async def test_a_method_that_does_not_stream_is_no_stream_without_items(weft_node):
    async with weft.connect(weft_node.address) as node:
        with pytest.raises(weft.Error, match="'demo.sum' does not stream: .* one result; call it") as plain:
            await anext(node.stream("demo.sum", values=[1, 2]))
        assert plain.value.code == weft.codes.INTERNAL_ERROR
    async with far_and_node(weft_node) as (_, node):
        assert [n async for n in node.stream("far.count", to=0)] == []
