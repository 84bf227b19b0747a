"""Reading the log in memory beside its consumers."""

from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from contracts.position import origin
from workers.engine.memory.log import BATCH, MemoryLog
from workers.engine.ports import UnknownTopic
from workers.engine.reading import Bounds, Span
from workers.engine.record import Partition, Record


class MemoryReader:
    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    async def partitions(self, topic: str) -> list[Partition]:
        if not self._log.knows(topic):
            raise UnknownTopic(f"{topic}: {UnknownTopic.__doc__}")
        return self._log.partitions([topic])

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        ids, records = self._log.topic_ids, self._log.records
        return {each: Bounds(origin(ids[each.topic], each.number), 0, len(records[each])) for each in partitions}

    async def first_at(self, moment: int, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        return {each: bisect_left(self._log.records[each], moment, key=lambda record: record.timestamp) for each in partitions}

    async def committed(self, group: str, partitions: Sequence[Partition]) -> Mapping[Partition, int | None]:
        known = self._log.group(group).committed
        return {each: known[each].offset if each in known else None for each in partitions}

    @asynccontextmanager
    async def open(self, spans: Mapping[Partition, Span]) -> AsyncIterator["MemoryReading"]:
        yield MemoryReading(self._log, spans)


class MemoryReading:
    def __init__(self, log: MemoryLog, spans: Mapping[Partition, Span]) -> None:
        self._log, self._ends = log, {partition: span.end for partition, span in spans.items()}
        self._next = {partition: span.first for partition, span in spans.items()}

    async def batch(self, partition: Partition) -> Sequence[Record]:
        first = self._next[partition]
        found = self._log.records[partition][first : min(first + BATCH, self._ends[partition])]
        self._next[partition] += len(found)
        return found
