"""A Store and a Log that fail as real ones do: conflicts, throttling, no answer before or after the deed, processes that stand still.

A fault never breaks a promise of the port: after StoreUnavailable and BUSY nothing happened, after UNKNOWN and LogUnavailable it may have.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from workers.engine.decision import Item, ItemRef
from workers.engine.ports import (
    Absent,
    Consumer,
    Fate,
    Listener,
    Log,
    LogUnavailable,
    Offset,
    Page,
    StaleOwner,
    Store,
    StoreUnavailable,
    Transacted,
    Write,
    Written,
)
from workers.engine.record import Outgoing, Partition


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each fault happens, per call or per write."""

    unavailable: float = 0.0
    conflict: float = 0.0
    busy: float = 0.0
    unknown_before: float = 0.0
    unknown_after: float = 0.0
    log_before: float = 0.0
    log_after: float = 0.0
    commit_before: float = 0.0
    commit_after: float = 0.0


NONE = Rates()
MANY = Rates(0.05, 0.05, 0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 0.1)


class Pulse:
    """Of one process. While it is stopped, its calls wait; ``go`` lets them happen after all, as a stale owner's do."""

    def __init__(self) -> None:
        self._going = asyncio.Event()
        self._going.set()

    @property
    def beating(self) -> bool:
        return self._going.is_set()

    def stop(self) -> None:
        self._going.clear()

    def go(self) -> None:
        self._going.set()

    async def wait(self) -> None:
        await self._going.wait()


class FaultyStore:
    """``once``: faults of the next writes, in order, before any by chance."""

    def __init__(self, store: Store, rates: Rates = NONE, random: Random | None = None, pulse: Pulse | None = None) -> None:
        self.store, self.rates = store, rates
        self._random, self._pulse = random or Random(0), pulse or Pulse()
        self.once: list[str] = []
        self.calls: list[str] = []

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        await self._arrive("get")
        return await self.store.get(refs)

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        await self._arrive("write")
        faults = [self._fault(write) for write in writes]
        sent = [write for write, fault in zip(writes, faults, strict=True) if fault in ("", "unknown_after")]
        results = dict(zip([write.ref for write in sent], await self.store.write(sent) if sent else (), strict=True))
        await self._leave()
        return [_told(fault) or results[write.ref] for write, fault in zip(writes, faults, strict=True)]

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        await self._arrive("transact")
        fault = self._fault(writes[0])
        if fault not in ("", "unknown_after"):
            told = _told(fault)
            assert told is not None
            parts = (told, *(Written(Fate.WRITTEN) for _ in writes[1:])) if fault == "conflict" else ()
            return Transacted(told.fate, parts)
        answer = await self.store.transact(writes, token)
        await self._leave()
        return Transacted(Fate.UNKNOWN) if fault else answer

    async def query(
        self,
        table: str,
        index: str | None,
        value: str,
        *,
        up_to: str | None = None,
        start: Mapping[str, Any] | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> Page:
        await self._arrive("query")
        return await self.store.query(table, index, value, up_to=up_to, start=start, limit=limit, descending=descending)

    async def check(self) -> None:
        await self.store.check()

    async def close(self) -> None:
        await self.store.close()

    async def _arrive(self, call: str) -> None:
        self.calls.append(call)
        await _pause(self._random)
        await self._pulse.wait()
        if self.once and self.once[0] == f"{call}_unavailable":
            self.once.pop(0)
            raise StoreUnavailable("asked for")
        if self._random.random() < self.rates.unavailable:
            raise StoreUnavailable("by chance")

    async def _leave(self) -> None:
        await _pause(self._random)
        await self._pulse.wait()

    def _fault(self, write: Write) -> str:
        """A first write is never refused for nothing: that a row is there is a fact others build on."""
        if self.once and not self.once[0].endswith("_unavailable"):
            return self.once.pop(0)
        chance = self._random.random()
        for name in ("conflict", "busy", "unknown_before", "unknown_after"):
            chance -= getattr(self.rates, name)
            if chance < 0:
                return "busy" if name == "conflict" and isinstance(write.condition, Absent) else name
        return ""


def _told(fault: str) -> Written | None:
    match fault:
        case "conflict":
            return Written(Fate.CONFLICT)
        case "busy":
            return Written(Fate.BUSY)
        case "invalid":
            return Written(Fate.INVALID, detail="asked for")
        case "unknown_before" | "unknown_after":
            return Written(Fate.UNKNOWN)
    return None


class FaultyLog:
    """``once``: faults of the next appends and commits, in order, before any by chance: log_before, log_after, commit_before, ..."""

    def __init__(self, log: Log, rates: Rates = NONE, random: Random | None = None, pulse: Pulse | None = None) -> None:
        self.log, self.rates = log, rates
        self.random, self.pulse = random or Random(0), pulse or Pulse()
        self.once: list[str] = []
        self.appends = 0
        self.commits = 0

    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        await self._faulty(self.log.append(partition, records))

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None:
        await self._faulty(self.log.append_keyed(topic, records))

    async def _faulty(self, work: Any) -> None:
        self.appends += 1
        try:
            await _pause(self.random)
            await self.pulse.wait()
            if self.fault("log_before", self.rates.log_before):
                raise LogUnavailable("by chance, not appended")
            await work
        finally:
            work.close()
        await self.pulse.wait()
        if self.fault("log_after", self.rates.log_after):
            raise LogUnavailable("by chance, appended")

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        return FaultyConsumer(self, self.log.consumer(group, topics))

    async def check(self) -> None:
        await self.log.check()

    async def close(self) -> None:
        await self.log.close()

    def fault(self, name: str, rate: float) -> bool:
        if self.once and self.once[0] == name:
            self.once.pop(0)
            return True
        return self.random.random() < rate


class FaultyConsumer:
    """A process that stands still commits nothing any more: its group has moved on."""

    def __init__(self, log: FaultyLog, consumer: Consumer) -> None:
        self._log, self._consumer = log, consumer

    async def start(self, listener: Listener) -> None:
        await self._consumer.start(listener)

    async def stop(self) -> None:
        await self._consumer.stop()

    async def commit(self, offsets: Mapping[Partition, Offset]) -> None:
        self._log.commits += 1
        if not self._log.pulse.beating:
            raise StaleOwner
        if self._log.fault("stale", 0):
            raise StaleOwner
        if self._log.fault("commit_before", self._log.rates.commit_before):
            raise LogUnavailable("by chance, not committed")
        await self._consumer.commit(offsets)
        if self._log.fault("commit_after", self._log.rates.commit_after):
            raise LogUnavailable("by chance, committed")

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._consumer.pause(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._consumer.resume(partitions)

    def alive(self) -> bool:
        return self._consumer.alive()


async def _pause(random: Random) -> None:
    for _ in range(random.randrange(4)):
        await asyncio.sleep(0)
