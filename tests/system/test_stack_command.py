"""``mindlinks stack``: up holds the servers, status finds them, down ends them."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.system.command import mindlinks


async def _asked(folder: Path, *arguments: str) -> tuple[int, str]:
    """Another command of the same folder."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "workers.main", "stack", *arguments, cwd=folder, stdout=PIPE)
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_up_is_found_by_status_and_ended_by_down(local_stack: str, tmp_path: Path) -> None:
    assert (await _asked(tmp_path, "status"))[0] == 1
    async with mindlinks("stack", "up", "--json", stack=local_stack, folder=tmp_path) as up:
        told = await up.line()
        code, found = await _asked(tmp_path, "status", "--json")
        assert (code, json.loads(found)) == (0, told)
        assert (await _asked(tmp_path, "down"))[0] == 0
        assert (await up.ended())[0] == 0
        await up.nothing_is_left()
    assert (await _asked(tmp_path, "status"))[0] == 1
