"""``mindlinks`` as a process of its own, and every process that descends from it."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any, cast
from uuid import uuid4

import psutil

from tests.support.waiting import eventually

MARK = "MINDLINKS_TEST_RUN"
"""Every descendant inherits it, whatever session or parent it has by now."""
READY_SECONDS = 120.0
QUICK_JAVA = "-XX:TieredStopAtLevel=1"
"""Servers of a few seconds spend most of their time compiling themselves."""


class Command:
    """A running command. ``mark`` finds what it started, ``scratch`` holds its temporary files."""

    def __init__(self, process: Process, mark: str, scratch: Path) -> None:
        self.process, self.mark, self.scratch = process, mark, scratch

    async def line(self) -> Mapping[str, Any]:
        """The one JSON line it says when it is ready."""
        assert self.process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            read = await self.process.stdout.readline()
        if not read:
            raise AssertionError(f"it ended before it was ready: {await self.ended()}")
        return cast(Mapping[str, Any], json.loads(read))

    async def ended(self) -> tuple[int, str, str]:
        """Exit code and what it wrote, once it has ended by itself."""
        async with asyncio.timeout(READY_SECONDS):
            output, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, output.decode(), errors.decode()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def relatives(self) -> list[psutil.Process]:
        """Itself and all that it started, and they started, and still live."""
        return [process for process in psutil.process_iter() if _mark_of(process) == self.mark]

    def named(self, *words: str) -> psutil.Process:
        """The process itself, not its watchdog, whose arguments repeat the command's."""
        found = [each for each in self.relatives() if all(word in each.cmdline() for word in words) and "-I" not in each.cmdline()]
        assert len(found) == 1, [each.cmdline() for each in found]
        return found[0]

    async def progress(self, word: str) -> None:
        """Returns once a line of progress has the word in it."""
        assert self.process.stderr is not None
        async with asyncio.timeout(READY_SECONDS):
            while (line := await self.process.stderr.readline()) and word not in line.decode():
                pass
        assert line, f"it ended without saying {word!r}"

    async def nothing_is_left(self, seconds: float = 30.0) -> None:
        """No process, no temporary folder."""
        await eventually(lambda: not self.relatives(), seconds, lambda: [each.cmdline()[:4] for each in self.relatives()])
        await eventually(lambda: not self.folders(), seconds, self.folders)

    def folders(self) -> list[Path]:
        return list(self.scratch.glob("mindlinks-*"))


@asynccontextmanager
async def mindlinks(*arguments: str, stack: str, folder: Path | None = None) -> AsyncIterator[Command]:
    """Killed at the end of the block, with all that is left of it, so that a failed test leaves nothing either."""
    mark, scratch = str(uuid4()), Path(tempfile.mkdtemp(prefix="system-test-"))
    variables = {**os.environ, MARK: mark, "MINDLINKS_STACK": stack, "TMPDIR": str(scratch), "JAVA_TOOL_OPTIONS": QUICK_JAVA}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers.main", *arguments, cwd=folder, env=variables, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    command = Command(process, mark, scratch)
    try:
        yield command
    finally:
        for relative in command.relatives():
            relative.kill()
        await process.wait()
        rmtree(scratch, ignore_errors=True)


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else process.environ().get(MARK)
    except psutil.Error:
        return None
