"""The adapter of the conformance suite for the package clients/python; ../../README.md says what its methods do.

    adapter.py HOST:PORT [OTHER]
"""

import asyncio
import contextvars
import os
import pathlib
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "python/src"))

import weft  # noqa: E402

CAUGHT = 1
service = weft.Service("conformance")
notes: list[Any] = []
waiting = cleaned = 0
begun: dict[str, "asyncio.Task[dict[str, Any]]"] = {}


class Waiter:
    """Counts what waits; its cleanup takes a moment, so that whoever does not wait for it is seen not to."""

    async def __aenter__(self) -> None:
        global waiting
        waiting += 1

    async def __aexit__(self, *_: object) -> None:
        global waiting, cleaned
        await asyncio.sleep(0.02)
        waiting, cleaned = waiting - 1, cleaned + 1


@service.method
def echo(value: Any) -> Any:
    return value


@service.method
def fail(code: int, message: str, data: Any = None) -> None:
    raise weft.Error(code, message, data)


@service.method
def crash() -> float:
    return 1 / 0


@service.method
async def wait() -> None:
    async with Waiter():
        await asyncio.get_running_loop().create_future()


@service.method
def note(value: Any) -> None:
    notes.append(value)


@service.method
def state() -> dict[str, Any]:
    return {"notes": notes, "waiting": waiting, "cleaned": cleaned}


@service.method(resumable=True)
async def count(to: int, fail: int | None = None) -> AsyncIterator[weft.Item[int]]:
    behind = weft.after()
    for n in range(0 if behind is None else behind + 1, to):
        yield weft.Item(n, cursor=n)
    if fail is not None:
        raise weft.Error(fail, "as asked")


@service.method
async def total() -> AsyncGenerator[Any, int]:
    sum, shown = 0, 0
    while True:
        try:
            value = yield shown
            if value is None:
                return
            shown = sum = sum + value
        except weft.Error as error:
            if error.code != CAUGHT:
                raise
            shown = {"caught": error.message}


@service.method
async def hold() -> AsyncIterator[int]:
    async with Waiter():
        yield 0
        await asyncio.get_running_loop().create_future()


async def outcome_of(node: weft.Node, method: str, params: Any, options: weft.Options) -> dict[str, Any]:
    by_position, by_name = ((), params) if isinstance(params, dict) else (params or (), {})
    try:
        return {"result": await node.call(method, options, *by_position, **by_name)}
    except weft.Error as error:
        return {"error": error.to_json()}


def options_of(timeout_ms: float | None, route_key: Any = None) -> weft.Options:
    given = {} if timeout_ms is None else {"timeout": timeout_ms / 1000}
    return weft.options(**given, **({} if route_key is None else {"route_key": route_key}))


@service.method
async def call(method: str, params: Any = None, timeout_ms: float | None = None, route_key: Any = None) -> dict[str, Any]:
    return await outcome_of(weft.caller(), method, params, options_of(timeout_ms, route_key))


@service.method
def begin(key: str, method: str, params: Any = None, timeout_ms: float | None = None, route_key: Any = None) -> None:
    # In a context of its own, so that it does not end with this call.
    begun[key] = asyncio.get_running_loop().create_task(
        outcome_of(weft.caller(), method, params, options_of(timeout_ms, route_key)), context=contextvars.Context())


@service.method
async def outcome(key: str) -> dict[str, Any]:
    return await begun[key]


@service.method
async def notify(method: str, params: Any) -> None:
    by_position, by_name = ((), params) if isinstance(params, dict) else (params, {})
    await weft.caller().notify(method, *by_position, **by_name)


@service.method
def leave() -> None:
    # weft.serve takes leave then.
    os.kill(os.getpid(), signal.SIGTERM)


@service.method
async def stream(method: str, params: Any = None, window: int = 64, steps: list[Any] | None = None, after: Any = None,
                 timeout_ms: float | None = None) -> dict[str, Any]:
    by_position, by_name = ((), params) if isinstance(params, dict) else (params or (), {})
    options = options_of(timeout_ms).over(weft.options(window=window, **({} if after is None else {"after": after})))
    reading = weft.caller().stream(method, options, *by_position, **by_name)
    items: list[Any] = []
    try:
        for kind, *values in steps if steps is not None else [["take", sys.maxsize]]:
            if kind in ("close", "closed"):
                await reading.aclose()
                break
            if kind == "send":
                items.append(await reading.asend(values[0]))
            elif kind == "throw":
                items.append(await reading.athrow(weft.Error(*values)))
            elif kind == "end":
                reading.end()
            for _ in range({"take": values[0] if values else 0, "end": sys.maxsize}.get(kind, 0)):
                items.append(await anext(reading))
    except StopAsyncIteration:
        return {"items": items, "ended": True}
    except weft.Error as error:
        return {"items": items, "ended": False, "error": error.to_json()}
    finally:
        await reading.aclose()
    return {"items": items, "ended": False}


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} HOST:PORT [OTHER]")
    weft.run(weft.serve(sys.argv[1:], service, instance="python", heartbeat=5))
