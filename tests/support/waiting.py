"""Waiting for what must become true, by looking again and again until a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

LOOK_EVERY = 0.01


async def eventually(holds: Callable[[], object], seconds: float = 30.0, what: Callable[[], object] = lambda: "") -> None:
    """Returns as soon as ``holds`` is true. Fails at the deadline with ``what`` there is instead."""

    async def looked() -> object:
        return holds()

    await eventually_async(looked, seconds, what)


async def eventually_async(holds: Callable[[], Awaitable[object]], seconds: float = 30.0, what: Callable[[], object] = lambda: "") -> None:
    try:
        async with asyncio.timeout(seconds):
            while not await holds():  # noqa: ASYNC110  # what is waited for happens in other processes, too
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s; instead: {what()}") from None
