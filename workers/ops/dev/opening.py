"""Starts a development environment on whichever stack carries it, and ends all of it together."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from workers.ops.dev.embedded import in_this_process
from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.keys import kept_keys, random_keys
from workers.ops.dev.served import on_servers
from workers.ops.dev.variables import java_variables, set_variables
from workers.ops.stack import running_stack
from workers.ops.stack.ports import require_free
from workers.settings import EMBEDDED


class EndedByItself(Exception):
    """A part of the environment ended though nobody asked it to; all others were ended too. The end of its log says why."""


@asynccontextmanager
async def development(wish: Wish) -> AsyncIterator[Development]:
    """Started for the length of the block; at its end processes drain and end, then the servers. Raises StackError when it cannot start.

    Should this process die, its children and their temporary data go with it.
    """
    if wish.port:
        # Before the servers: nobody should wait for them to be told this.
        require_free(wish.port, "ingress")
    keys = kept_keys(wish.keep) if wish.keep else random_keys()
    with _folder(wish.keep) as folder, set_variables(java_variables(os.environ, brief=wish.brief)):
        async with running_stack(wish.provider, keep=wish.keep, on_progress=wish.on_progress) as endpoints:
            opening = in_this_process if endpoints.kafka == EMBEDDED else on_servers
            async with opening(wish, endpoints, keys, folder) as standing:
                yield standing


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """For client keys and the logs of processes."""
    if keep is not None:
        yield keep.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="mindlinks-dev-"))
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


async def unless_broken(standing: Development, work: Awaitable[None]) -> None:
    """Does the work. Raises EndedByItself as soon as a part ends meanwhile; the work is then cancelled."""
    working, breaking = asyncio.ensure_future(work), asyncio.ensure_future(standing.broken())
    try:
        await asyncio.wait({working, breaking}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise EndedByItself(f"{breaking.result()}\n{EndedByItself.__doc__}")
        working.result()
    finally:
        for task in (working, breaking):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
