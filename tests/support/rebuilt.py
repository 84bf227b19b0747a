"""A rebuild put together on a log and a store in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.memory.reading import MemoryReader
from workers.engine.ports import Clock
from workers.engine.service import Service
from workers.ops.rebuild.comparing import Comparison, Drift
from workers.ops.rebuild.judging import Rebuilding
from workers.ops.rebuild.repairing import Repairing
from workers.ops.rebuild.rerun import Rerun
from workers.ops.rebuild.restoring import Restored, Restoring
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.standing import Standing


class Ground(Protocol):
    """What is rebuilt."""

    @property
    def log(self) -> MemoryLog: ...

    @property
    def store(self) -> MemoryStore: ...

    @property
    def clock(self) -> Clock: ...


class Rebuilt:
    """As ``mindlinks rebuild`` does it, one step at a time."""

    def __init__(self, made: Ground, shadow: Shadow, service: Service, *, restores: bool = False) -> None:
        reader = MemoryReader(made.log)
        self.shadow, self.rebuilding = shadow, Rebuilding(service, shadow)
        standing = Standing(service.name, reader, made.store, shadow, restores=restores)
        self.rerun = Rerun(reader, service.name, shadow, self.rebuilding, standing)
        self.comparison = Comparison(service, made.store, made.clock, shadow, self.rerun)
        self.repairing = Repairing(service.name, made.store, made.log, made.clock, shadow)
        self.restoring = Restoring(service.name, made.store, made.log, made.clock, shadow, self.rebuilding, standing)

    async def drifts(self) -> list[Drift]:
        await self.rerun.catch_up()
        return await self.comparison.drifts()

    async def restored(self, *accepted: str, publish: bool = False) -> Restored:
        await self.rerun.catch_up()
        return await self.restoring.restore("ops:test", "tables deleted", publish=publish, accepted=lambda key: key in accepted)


@contextmanager
def shadow_in(folder: Path) -> Iterator[Shadow]:
    with Shadow(folder / f"{len(list(folder.iterdir()))}.sqlite") as shadow:
        yield shadow


def lose_table(made: Ground, table: str) -> dict[ItemRef, Item]:
    """Answers what was in it."""
    lost = {ref: item for ref, item in made.store.items.items() if ref.table == table}
    for ref in lost:
        del made.store.items[ref]
    return lost
