"""Applications that answer on the loopback address from within this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp

from workers.ops.composition import Composition
from workers.ops.running import LOOPBACK


@asynccontextmanager
async def serving_here(composition: Composition, application: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Its address, for the length of the block. ``port`` 0: a free one."""
    bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(composition.serve(application, LOOPBACK, port, bound.set_result))
    try:
        waited: set[asyncio.Future[Any]] = {serving, bound}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        yield f"http://{LOOPBACK}:{bound.result()}"
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
