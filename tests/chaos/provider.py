"""A provider that fails in every way providers do, and counts what it created."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import orjson

HOST = "127.0.0.1"
REFUSES, FORGETS, HANGS = 0.05, 0.03, 0.005
"""Of all calls: answered with an error and nothing done; done without an answer; done and silent until the caller gives up."""


class Provider:
    """``objects``: what was created, by the caller's key. A call said to be idempotent creates nothing under a key it knows; any other
    creates one more."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.objects: Counter[str] = Counter()
        self.figures: Counter[str] = Counter()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Nothing at all: whoever called was killed before it had said what it wanted.
            if line := await reader.readline():
                asked = orjson.loads(line)
                await self._answered(asked["key"], asked["idempotent"], reader, writer)
        except ConnectionError:
            self.figures["callers gone"] += 1
        finally:
            writer.close()

    async def _answered(self, key: str, idempotent: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.figures["calls"] += 1
        luck = self._chance.random()
        if luck < REFUSES:
            writer.write(orjson.dumps({"error": "overloaded"}) + b"\n")
            return
        if not (idempotent and self.objects[key]):
            self.objects[key] += 1
        if luck < REFUSES + FORGETS:
            return
        if luck < REFUSES + FORGETS + HANGS:
            await reader.read()
            return
        writer.write(orjson.dumps({"object": f"object-{key}"}) + b"\n")


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[str]:
    """Its address."""
    server = await asyncio.start_server(provider.answer, HOST, 0)
    try:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
