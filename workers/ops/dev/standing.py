"""Keeps a development environment up until a signal, or until a part of it ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.opening import development, unless_broken
from workers.ops.dev.seeding import load_seed
from workers.ops.running import until_signalled


async def stand(wish: Wish, tell: Callable[[Development], None]) -> None:
    """``tell`` is called once everything answers and the seed is loaded. Returns after SIGTERM or SIGINT, when all has ended.

    Raises StackError when it cannot start, EndedByItself when a part ends.
    """
    await interruptible(_stand(wish, tell))


async def _stand(wish: Wish, tell: Callable[[Development], None]) -> None:
    async with development(wish) as standing:

        async def work() -> None:
            await load_seed(standing.backbone, standing.settings, lambda _settled, _total: None)
            tell(standing)
            await asyncio.Event().wait()

        await unless_broken(standing, work())


async def interruptible(work: Coroutine[Any, Any, None]) -> bool:
    """Does the work; a signal cancels it, so that every block on its way ends in good order. False when one did."""
    task = asyncio.ensure_future(work)
    try:
        await until_signalled(task, task.cancel)
    except asyncio.CancelledError:
        return False
    return True
