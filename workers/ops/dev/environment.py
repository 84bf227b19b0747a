"""A development environment while it stands, whichever stack carries it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from workers.ops.composition import Backbone, Composition
from workers.ops.dev.keys import Keys, kept_keys, random_keys
from workers.ops.stack import Endpoints, Progress, Provider, running_stack
from workers.settings import EMBEDDED, Settings


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. ``port`` 0: a free one. ``keep``: where data and keys stay for the next start."""

    composition: Composition
    provider: Provider
    environment: str
    port: int = 0
    keep: Path | None = None
    on_progress: Progress = field(default=lambda _: None)


@dataclass(frozen=True, slots=True)
class Development:
    """Everything answers. ``backbone`` is this process's own way to log and store, ``stripe`` the fake's address.

    ``broken`` returns when a part has ended by itself, saying which and why; ``trouble`` says what ails those that run, or nothing.
    ``mails`` counts the messages that the mail provider took.
    """

    settings: Settings
    endpoints: Endpoints
    keys: Keys
    backbone: Backbone
    http: str
    stripe: str
    broken: Callable[[], Awaitable[str]]
    trouble: Callable[[], Awaitable[str]]
    mails: Callable[[], Awaitable[int]]


class EndedByItself(Exception):
    """A part of the environment ended though nobody asked it to; all others were ended too. The end of its log says why."""


@asynccontextmanager
async def development(wish: Wish) -> AsyncIterator[Development]:
    """Started for the length of the block; at its end processes drain and end, then the servers. Raises StackError when it cannot start.

    Should this process die, its children and their temporary data go with it.
    """
    from workers.ops.dev.embedded import in_this_process
    from workers.ops.dev.served import on_servers

    keys = kept_keys(wish.keep) if wish.keep else random_keys()
    with _folder(wish.keep) as folder:
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
