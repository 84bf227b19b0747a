"""Stores and a log that trouble the timers role."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.support.timer_station import COMMANDS, EVENTS, MovedClock
from workers.engine.decision import ItemRef
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.ports import Fate, Page, Write, Written
from workers.engine.record import Outgoing, Partition
from workers.engine.timer_rows import TIMERS


class Interrupted(Exception):
    """The process dies here."""


class TroubledStore(MemoryStore):
    """Asks ``trouble`` before each write what becomes of it; a write of unknown fate happens."""

    def __init__(self, trouble: Callable[[Write], Fate]) -> None:
        super().__init__()
        self._trouble = trouble

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        return [self._answer(write, self._trouble(write)) if write.ref.table == TIMERS else self._one(write) for write in writes]

    def _answer(self, write: Write, fate: Fate) -> Written:
        if fate is Fate.WRITTEN:
            return self._one(write)
        if fate is Fate.UNKNOWN:
            self._one(write)
        return Written(fate, detail="trouble")


class LaggingStore(MemoryStore):
    """The index shows a row as it was ``lag`` milliseconds ago."""

    def __init__(self, clock: MovedClock, lag: int) -> None:
        super().__init__()
        self._clock, self._lag = clock, lag
        self._history: list[tuple[int, ItemRef, Mapping[str, Any]]] = []

    def _apply(self, write: Write) -> None:
        super()._apply(write)
        self._history.append((self._clock.now(), write.ref, self.items[write.ref]))

    async def query(self, table: str, index: str | None, value: str, **options: Any) -> Page:
        shown = MemoryStore()
        shown.items = {ref: item for when, ref, item in self._history if when + self._lag <= self._clock.now()}
        return await shown.query(table, index, value, **options)


class HaltedLog(MemoryLog):
    """Appends of commands wait until they are let go."""

    def __init__(self, clock: MovedClock) -> None:
        super().__init__({EVENTS: 1, COMMANDS: 1}, clock)
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        if partition.topic == COMMANDS:
            self.reached.set()
            await self.go.wait()
        await super().append(partition, records)


def ends_as_fired(write: Write) -> bool:
    return (write.after or {}).get("state") == "fired"


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.queries = self.rows = 0

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Mapping[str, Any]]:
        self.rows += sum(ref.table == TIMERS for ref in refs)
        return await super().get(refs)

    async def query(self, table: str, index: str | None, value: str, **options: Any) -> Page:
        self.queries += 1
        page = await super().query(table, index, value, **options)
        self.rows += len(page.items)
        return page
