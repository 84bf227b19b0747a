"""Renders documents in a child process: HTML of strangers can't crash, stall or read this one. The child ends with its parent.

One child, one document at a time; it is started when first needed and replaced after it was killed.
"""

import asyncio
import json
import os
import struct
import sys
from asyncio.subprocess import PIPE, Process

from pydantic import TypeAdapter

from workers.services.contract.ports import Document, Rendered, RenderingError, RenderingInterruptedError

TIME_LIMIT = 30.0
"""Seconds for one document."""

_DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)

# No credentials for the child: it needs to find Python, our modules and the system's fonts.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "SYSTEMROOT", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "LD_LIBRARY_PATH")


class PdfRenderer:
    """A ``Renderer``. Dies mid-way: the same document may be rendered again, to the same bytes."""

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self._time_limit = time_limit
        self._child: Process | None = None
        self._turn = asyncio.Lock()

    async def render(self, document: Document) -> Rendered:
        async with self._turn:
            try:
                async with asyncio.timeout(self._time_limit):
                    return await self._ask(document)
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
                await self._kill()
                raise RenderingInterruptedError(f"no document within {self._time_limit} s, or the renderer died") from error
            except asyncio.CancelledError:
                # An answer nobody waits for would be taken for the next document's.
                await self._kill()
                raise

    async def close(self) -> None:
        await self._kill()

    async def _ask(self, document: Document) -> Rendered:
        child = await self._started()
        assert child.stdin is not None  # both are pipes: see _started
        assert child.stdout is not None
        request = _DOCUMENT.dump_json(document)
        child.stdin.write(struct.pack(">I", len(request)) + request)
        await child.stdin.drain()
        said = json.loads(await _frame(child.stdout))
        content = await _frame(child.stdout)
        if "code" in said:
            raise RenderingError(said["code"])
        return Rendered(content, said["pages"])

    async def _started(self) -> Process:
        if self._child is None or self._child.returncode is not None:
            environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
            environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "workers.adapters.typesetter", stdin=PIPE, stdout=PIPE, env=environment
            )
        return self._child

    async def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            child.kill()
            await child.wait()


async def _frame(stream: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await stream.readexactly(4))
    return await stream.readexactly(length)
