"""A log with brokers that fail: partitions, groups with eager rebalances, members thrown out without knowing, late appends."""

from collections.abc import Callable, Mapping, Sequence

from contracts.position import Origin, origin
from tests.simulation.faults import Fault, Faults
from tests.simulation.group import Group, SimulatedConsumer
from tests.simulation.network import Network
from workers.engine.partitioner import partition_of
from workers.engine.ports import Assigned, LogUnavailable, Offset, StaleOwner, UnknownTopic
from workers.engine.record import Outgoing, Partition, Record

EPOCH = 1_780_000_000_000
"""Milliseconds: when the brokers' clocks start."""
LATE = 1.0
"""Seconds within which a late append arrives."""


class SimulatedLog:
    """``tell`` is given every append and commit as it happens. ``floors``: what lies below was skipped by people; no group is given it."""

    def __init__(self, topics: Mapping[str, int], network: Network, faults: Faults, tell: Callable[..., None]) -> None:
        self.network, self.faults, self.tell = network, faults, tell
        self.counts = dict(topics)
        self.records: dict[Partition, list[Record]] = {Partition(name, n): [] for name, count in topics.items() for n in range(count)}
        self.groups: dict[str, Group] = {}
        self.floors: dict[Partition, int] = {}
        self.clock_offset = 0
        self._waiting: dict[Partition, list[SimulatedConsumer]] = {}

    def now(self) -> int:
        return EPOCH + int(self.network.loop.time() * 1000) + self.clock_offset

    def origin(self, partition: Partition) -> Origin:
        return origin(f"topic-{partition.topic}", partition.number)

    # --- producing -----------------------------------------------------------------------------------------------------

    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        if partition not in self.records:
            raise UnknownTopic(str(partition))
        await self.network.hop()
        struck = self.faults.first(Fault.APPEND_LOST, Fault.APPEND_ARRIVED, Fault.APPEND_LATE)
        if struck is Fault.APPEND_LATE:
            self.network.late(LATE, lambda: self.arrive(partition, records))
        elif struck is not Fault.APPEND_LOST:
            self.arrive(partition, records)
        await self.network.hop()
        if struck:
            raise LogUnavailable(struck)

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None:
        """In one request a partition; some may have arrived when it fails."""
        for record in records:
            await self.append(self.partition_of(topic, record.key), [record])

    def partition_of(self, topic: str, key: bytes) -> Partition:
        return Partition(topic, partition_of(key, self.counts[topic]))

    def arrive(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        stored, now = self.records[partition], self.now()
        for record in records:
            stored.append(Record(partition, len(stored), record.key, record.value, tuple(record.headers), now))
            self.tell("append", stored[-1])
        for consumer in self._waiting.get(partition, ()):
            consumer.woken()

    # --- consuming -----------------------------------------------------------------------------------------------------

    def consumer(self, group: str, topics: Sequence[str]) -> SimulatedConsumer:
        partitions = [Partition(topic, n) for topic in topics for n in range(self.counts[topic])]
        consumer = SimulatedConsumer(self, self.group(group), partitions)
        self.group(group).partitions.update(partitions)
        for partition in partitions:
            self._waiting.setdefault(partition, []).append(consumer)
        return consumer

    def forget(self, consumer: SimulatedConsumer) -> None:
        for consumers in self._waiting.values():
            if consumer in consumers:
                consumers.remove(consumer)

    def group(self, name: str) -> Group:
        if name not in self.groups:
            self.groups[name] = Group(name, self.network)
        return self.groups[name]

    def assigned(self, group: Group, partition: Partition) -> Assigned:
        offset = group.committed.get(partition)
        committed, metadata = (offset.offset, offset.metadata) if offset else (None, "")
        return Assigned(partition, self.origin(partition), committed, metadata, len(self.records[partition]))

    async def commit(self, consumer: SimulatedConsumer, offsets: Mapping[Partition, Offset]) -> None:
        await self.network.hop()
        struck = self.faults.first(Fault.COMMIT_LOST, Fault.COMMIT_ARRIVED)
        stale = not consumer.group.owns(consumer, offsets)
        if not stale and struck is not Fault.COMMIT_LOST:
            consumer.group.committed.update(offsets)
            for partition, offset in offsets.items():
                self.tell("commit", consumer.group.name, partition, offset)
        await self.network.hop()
        if struck:
            raise LogUnavailable(struck)
        if stale:
            raise StaleOwner

    def skip(self, name: str, partition: Partition) -> None:
        """As people who move the group's offset to the partition's end."""
        end = self.floors[partition] = len(self.records[partition])
        self.group(name).committed[partition] = offset = Offset(end)
        self.tell("commit", name, partition, offset)

    async def check(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to close."""
