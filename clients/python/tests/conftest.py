"""Tests that are coroutine functions run on a loop of their own, within a time that only a hang exceeds."""

import asyncio
import inspect

import pytest

TIMEOUT = 60


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    given = {name: pyfuncitem.funcargs[name] for name in names if name in pyfuncitem.funcargs}

    async def body():
        async with asyncio.timeout(TIMEOUT):
            await pyfuncitem.obj(**given)

    asyncio.run(body())
    return True
