"""A log in memory with partitions, consumer groups, generations and commits. One process, nothing kept.

Rebalances are eager, as aiokafka's: every member's partitions are revoked, then dealt out anew. A member that was thrown out keeps
its callbacks but its commits are refused.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from contracts.catalogue import MAXIMUM_RECORD
from contracts.position import origin
from contracts.topics import TOPICS
from workers.engine.memory.clock import SystemClock
from workers.engine.partitioner import partition_of
from workers.engine.ports import Assigned, Clock, Listener, Offset, RejectedRecord, StaleOwner, UnknownTopic
from workers.engine.record import Outgoing, Partition, Record

BATCH = 500
OVERHEAD = 128
"""Bytes that a broker adds to a record."""


@dataclass(slots=True)
class _Group:
    members: list["MemoryConsumer"] = field(default_factory=list)
    committed: dict[Partition, Offset] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class MemoryLog:
    """``topics``: name -> partition count; the catalogue's topics when left out."""

    def __init__(self, topics: Mapping[str, int] | None = None, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        counts = topics if topics is not None else {topic.name: topic.partitions for topic in TOPICS.values()}
        self.topic_ids: dict[str, str] = {}
        self.records: dict[Partition, list[Record]] = {}
        self._counts: dict[str, int] = {}
        for name, count in counts.items():
            self.add_topic(name, count)
        self._groups: dict[str, _Group] = defaultdict(_Group)
        self._grown = asyncio.Event()
        self._last = 0

    def add_topic(self, name: str, partitions: int) -> None:
        """Empty and under a new id, also when it existed."""
        self.topic_ids[name] = uuid4().hex[:22]
        self._counts[name] = partitions
        self.records |= {Partition(name, n): [] for n in range(partitions)}

    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        if partition not in self.records:
            raise UnknownTopic(f"{partition}: {UnknownTopic.__doc__}")
        for record in records:
            size = len(record.key) + len(record.value) + sum(len(name) + len(value) for name, value in record.headers)
            if size + OVERHEAD > MAXIMUM_RECORD:
                raise RejectedRecord(f"{size} bytes for {partition}. {RejectedRecord.__doc__}")
        stored = self.records[partition]
        self._last = max(self._last, self._clock.now())
        for record in records:
            stored.append(Record(partition, len(stored), record.key, record.value, tuple(record.headers), self._last))
        self._grown.set()
        self._grown = asyncio.Event()
        await asyncio.sleep(0)

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None:
        if topic not in self._counts:
            raise UnknownTopic(f"{topic}: {UnknownTopic.__doc__}")
        for record in records:
            await self.append(Partition(topic, partition_of(record.key, self._counts[topic])), [record])

    def consumer(self, group: str, topics: Sequence[str]) -> "MemoryConsumer":
        return MemoryConsumer(self, group, topics)

    async def check(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to close: consumers are stopped by their roles."""

    def knows(self, topic: str) -> bool:
        return topic in self._counts

    # --- for consumers -----------------------------------------------------------------------------------------------

    def partitions(self, topics: Sequence[str]) -> list[Partition]:
        return [Partition(topic, n) for topic in topics for n in range(self._counts[topic])]

    def group(self, name: str) -> _Group:
        return self._groups[name]

    @property
    def growth(self) -> asyncio.Event:
        """Set by the next append. To be taken before looking for records, or an append in between goes unnoticed."""
        return self._grown

    def assigned(self, group: _Group, partition: Partition) -> Assigned:
        offset = group.committed.get(partition)
        return Assigned(
            partition=partition,
            origin=origin(self.topic_ids[partition.topic], partition.number),
            committed=offset.offset if offset else None,
            metadata=offset.metadata if offset else "",
            end=len(self.records[partition]),
        )


class MemoryConsumer:
    """One group member; feeds its listener from a task of its own."""

    def __init__(self, log: MemoryLog, group: str, topics: Sequence[str]) -> None:
        self._log, self.topics, self._group = log, topics, log.group(group)
        self._listener: Listener | None = None
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, listener: Listener) -> None:
        if unknown := [topic for topic in self.topics if not self._log.knows(topic)]:
            raise UnknownTopic(f"{', '.join(unknown)}: {UnknownTopic.__doc__}")
        self._listener = listener
        await self._rebalance([*self._group.members, self])
        self._task = asyncio.create_task(self._feed())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None
        self._positions.clear()
        if self in self._group.members:
            await self._rebalance([member for member in self._group.members if member is not self])

    async def commit(self, offsets: Mapping[Partition, Offset]) -> None:
        if self not in self._group.members or any(partition not in self._positions for partition in offsets):
            raise StaleOwner
        self._group.committed.update(offsets)

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._paused.difference_update(partitions)
        self._woken.set()

    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _rebalance(self, members: list["MemoryConsumer"]) -> None:
        async with self._group.lock:
            for member in self._group.members:
                await member.revoke()
            self._group.members = members
            for index, member in enumerate(members):
                dealt = [p for n, p in enumerate(self._log.partitions(member.topics)) if n % len(members) == index]
                await member.assign(dealt)

    async def revoke(self) -> None:
        if self._listener and self._positions:
            await self._listener.revoked(list(self._positions))
        self._positions.clear()
        self._paused.clear()

    async def assign(self, partitions: Sequence[Partition]) -> None:
        assert self._listener is not None
        assigned = [self._log.assigned(self._group, partition) for partition in partitions]
        starts = await self._listener.assigned(assigned)
        self._positions = {each.partition: starts.get(each.partition, each.committed or 0) for each in assigned}
        self._woken.set()

    async def _feed(self) -> None:
        while True:
            growth = self._log.growth
            if records := self._next():
                assert self._listener is not None
                self._listener.received(records)
                await asyncio.sleep(0)
                continue
            self._woken.clear()
            waits = [asyncio.ensure_future(growth.wait()), asyncio.ensure_future(self._woken.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    def _next(self) -> list[Record]:
        found: list[Record] = []
        for partition, position in self._positions.items():
            if partition not in self._paused:
                batch = self._log.records[partition][position : position + BATCH]
                self._positions[partition] = position + len(batch)
                found += batch
        return found
