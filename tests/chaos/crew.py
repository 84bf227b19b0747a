"""The workers of one run: processes that are killed, stopped and frozen, and always replaced."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.delivery import REPOSITORY
from tests.support.servers import CREDENTIALS
from tests.support.waiting import eventually
from tests.support.worker_process import Settings

STOP_DEADLINE = 90.0
"""Seconds: a drain may take 20, twice, on a machine that others use too."""
START_DEADLINE = 240.0
"""Seconds until one of the workers has its partitions: a start takes two, on a machine that has nothing else to do."""


@dataclass(eq=False)
class Member:
    """``expected``: it was told to end, or killed; otherwise its end is the worker's own."""

    process: asyncio.subprocess.Process
    said: Path
    expected: bool = False

    @classmethod
    async def started(cls, settings: Settings, said: Path) -> "Member":
        # Into a file: what a worker says in minutes of outages would fill a pipe and hold it up.
        with said.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.support.worker_process",
                settings.to_json(),
                cwd=REPOSITORY,
                env={**os.environ, **CREDENTIALS},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        return cls(process, said)

    def signal(self, number: signal.Signals) -> None:
        if self.process.returncode is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        self.expected = True
        self.signal(signal.SIGKILL)

    def works(self) -> bool:
        """It has had its partitions, and lives."""
        return self.process.returncode is None and b"ready\n" in self.said.read_bytes()

    def reason(self) -> str:
        """The end of what it said."""
        return self.said.read_text(errors="replace").strip()[-1500:]


class Crew:
    """``ended``: what was last said by workers that ended by themselves or would not stop in good order."""

    def __init__(self, settings: Settings, folder: Path, size: int) -> None:
        self._settings, self._folder, self._size = settings, folder, size
        self._posts: list[Member] = []
        self._watches: set[asyncio.Task[None]] = set()
        self.figures: Counter[str] = Counter()
        self.ended: list[str] = []

    async def start(self) -> None:
        for post in range(self._size):
            self._posts.append(await self._new(post))

    async def kill(self, post: int) -> None:
        """A crash, and somebody new at its post at once."""
        self._posts[post].kill()
        self.figures["kills"] += 1
        self._posts[post] = await self._new(post)

    async def leave(self, post: int) -> None:
        """As a deploy does it: the new one comes while the old one drains."""
        leaving, self._posts[post] = self._posts[post], await self._new(post)
        self.figures["stops"] += 1
        self._watch(self._stop(leaving))

    def freeze(self, post: int) -> Member:
        member = self._posts[post]
        member.signal(signal.SIGSTOP)
        self.figures["zombies"] += 1
        return member

    async def until_another_works(self, post: int) -> None:
        """So that work goes on, whoever is taken away next."""
        others = [number for number in range(self._size) if number != post]
        await eventually(lambda: any(self._posts[number].works() for number in others), START_DEADLINE, lambda: "nobody else is at work")

    async def stop(self) -> None:
        """All of them in good order."""
        await asyncio.gather(*(self._stop(member) for member in self._posts))
        await asyncio.gather(*self._watches)

    async def end(self) -> None:
        """None is left running, frozen or not."""
        for task in self._watches:
            task.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for member in self._posts:
            member.kill()
            await member.process.wait()

    async def _new(self, post: int) -> Member:
        self.figures["workers started"] += 1
        member = await Member.started(self._settings, self._folder / f"worker-{self.figures['workers started']}.log")
        self._watch(self._replaced(member, post))
        return member

    def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    async def _replaced(self, member: Member, post: int) -> None:
        code = await member.process.wait()
        if not member.expected:
            self.ended.append(f"{member.said.name} ended by itself with {code}: {member.reason()}")
            self._posts[post] = await self._new(post)

    async def _stop(self, member: Member) -> None:
        member.expected = True
        member.signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(member.process.wait(), STOP_DEADLINE)
        except TimeoutError:
            self.ended.append(f"{member.said.name} did not stop within {STOP_DEADLINE:g} s: {member.reason()}")
        else:
            # A worker that is still starting has no handler yet.
            if code not in (0, -signal.SIGTERM):
                self.ended.append(f"{member.said.name} was told to stop and ended with {code}: {member.reason()}")
        finally:
            member.kill()
