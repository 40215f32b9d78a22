"""Waiting for what others do, by asking again."""

import asyncio


async def until(condition, what, seconds=30):
    """Every look gives the loop its turn, and others theirs."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
    assert condition(), what
