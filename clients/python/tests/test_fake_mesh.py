"""The mesh for tests: virtual time, and calls that fail, are late or lost as a test says."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

import weft


def weather():
    service = weft.Service("weather")
    service.closed = 0

    @service.method(idempotent=True)
    async def now(city: str = "Oslo") -> str:
        return f"{city}: rain"

    @service.method
    async def later(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    @service.method
    async def follow(hours: int) -> AsyncIterator[int]:
        try:
            for hour in range(hours):
                yield hour
                await asyncio.sleep(3600)
        finally:
            service.closed += 1

    @service.method(thread=True)
    def blocks() -> str:
        time.sleep(0.01)
        return "blocked"

    @service.method
    async def total() -> AsyncGenerator[int, int]:
        sum = 0
        while (value := (yield sum)) is not None:
            sum += value

    @service.method("topics.*")
    def topics() -> str:
        return weft.current().method

    return service


@pytest.fixture
def mesh(fake_mesh):
    fake_mesh.add(weather())
    return fake_mesh


def test_calls_and_errors_are_those_of_a_mesh(mesh):
    assert mesh.call("weather.now") == mesh.call("weather.now", "Oslo") == mesh.call("weather.now", city="Oslo")
    assert mesh.call("topics.a.b") == "topics.a.b"
    with pytest.raises(weft.Error, match="'city' is a string, not 1"):
        mesh.call("weather.now", 1)
    with pytest.raises(weft.Error) as unknown:
        mesh.call("weather.tomorrow")
    assert unknown.value.code == weft.codes.METHOD_NOT_FOUND
    assert mesh.came[:2] == [("weather.now", None), ("weather.now", ["Oslo"])]


def test_time_passes_only_on_its_clock(mesh):
    began = time.monotonic()
    assert mesh.call("weather.later", 20) == 20
    assert list(mesh.stream("weather.follow", 24)) == list(range(24))
    assert 24 * 3600 + 20 <= mesh.elapsed < 24 * 3600 + 21
    assert time.monotonic() - began < 10
    mesh.advance(100)
    assert mesh.call("weather.blocks") == "blocked", "real threads work, too"


def test_what_never_happens_is_noticed(mesh):
    with pytest.raises(TimeoutError):
        mesh.run(asyncio.Event().wait())


def test_calls_fail_as_often_as_is_said(mesh):
    mesh.fail("weather.now", 14, executed="no", times=2)
    assert mesh.call("weather.now") == "Oslo: rain", "made again, the third time with luck"
    mesh.fail("weather.*", 404, "no weather", data={"a": 1})
    for _ in range(2):
        with pytest.raises(weft.Error) as failed:
            mesh.call("weather.now")
        assert (failed.value.code, failed.value.message, failed.value.data) == (404, "no weather", {"a": 1})
    mesh.heal("weather.*")
    assert mesh.call("weather.now") == "Oslo: rain"


def test_calls_are_late_and_lost(mesh):
    mesh.delay("weather.now", 20)
    before = mesh.elapsed
    assert mesh.call("weather.now") == "Oslo: rain"
    assert 20 <= mesh.elapsed - before < 21
    with pytest.raises(weft.Error) as late:
        mesh.call("weather.now", weft.options(timeout=10))
    assert (late.value.code, late.value.executed) == (weft.codes.DEADLINE_EXCEEDED, "unknown")
    mesh.heal()
    mesh.drop("weather.now", times=1)
    with pytest.raises(weft.Error) as lost:
        mesh.call("weather.now", weft.options(timeout=5))
    assert lost.value.code == weft.codes.DEADLINE_EXCEEDED
    assert mesh.call("weather.now") == "Oslo: rain"


def test_streams_are_driven_and_closed(fake_mesh):
    service = weather()
    fake_mesh.add(service)
    for hour in fake_mesh.stream("weather.follow", 10**6, window=1):
        if hour == 3:
            break
    assert service.closed == 1 and fake_mesh.elapsed < 4 * 3600
    assert fake_mesh.call("weather.follow", weft.options(timeout=3 * 3600 + 1), 3) == [0, 1, 2]

    async def talk():
        async with fake_mesh.connect(name="talker") as node:
            total = node.stream("weather.total", window=1)
            return [await anext(total), await total.asend(2), await total.asend(3)]

    assert fake_mesh.run(talk()) == [0, 2, 5]


def test_a_service_that_is_cut_off_comes_back(mesh):
    async def cut():
        async with mesh.connect(name="caller") as node:
            calling = asyncio.create_task(node.call("weather.later", 10))
            await asyncio.sleep(1)
            assert mesh.disconnect("weather") == 1
            with pytest.raises(weft.Error) as lost:
                await calling
            assert (lost.value.code, lost.value.executed) == (14, "unknown")
            await asyncio.sleep(1)
            return await node.call("weather.now")

    assert mesh.run(cut()) == "Oslo: rain"


def test_two_instances_take_turns_and_call_each_other(fake_mesh):
    def named(name):
        service = weft.Service("who")

        @service.method("who.am_i")
        def am_i() -> str:
            return name

        @service.method(f"{name}.ask")
        async def ask() -> set[str]:
            return {await weft.caller().call("who.am_i") for _ in range(4)}

        return service

    fake_mesh.add(named("one"), name="one")
    fake_mesh.add(named("two"), name="two")
    assert set(fake_mesh.call("one.ask")) == {"one", "two"}


def test_it_is_real_time_that_the_real_node_takes(weft_node):
    assert weft_node.process.poll() is None and ":" in weft_node.address


def test_what_a_method_gives_is_checked_against_its_hint(fake_mesh):
    service = weft.Service("lies")

    @service.method
    async def later(id: int) -> dict[str, int]:
        return {"id": "x"}

    @service.method
    def now() -> int:
        return "x"

    @service.method
    async def items() -> AsyncIterator[int]:
        yield 1
        yield "x"

    fake_mesh.add(service)
    with pytest.raises(weft.Error, match="lies.later: .* 'id' is an integer, not \"x\""):
        fake_mesh.call("lies.later", id=1)
    with pytest.raises(weft.Error, match="lies.now: the result is not as its hint says: it is an integer, not \"x\""):
        fake_mesh.call("lies.now")
    with pytest.raises(weft.Error, match="lies.items: an item is not as its hint says: it is an integer"):
        list(fake_mesh.stream("lies.items"))
