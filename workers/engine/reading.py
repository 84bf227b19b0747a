"""Reading the log beside its consumers: for replay, rebuild, stories and checks. Commits nothing and disturbs no group."""

import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from contracts.position import Origin
from workers.engine.record import Partition, Record


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a partition holds: offsets from ``begin`` to below ``end``."""

    origin: Origin
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets from ``first`` to below ``end`` of one partition."""

    origin: Origin
    first: int
    end: int

    @property
    def offsets(self) -> int:
        return max(0, self.end - self.first)


class Reading(Protocol):
    """Some spans, open. Each partition is read at its reader's pace."""

    async def batch(self, partition: Partition) -> Sequence[Record]:
        """The partition's next records in order; none once its span is read. Raises LogUnavailable."""
        ...


class LogReader(Protocol):
    """Every call raises LogUnavailable when the log does not answer in time, UnknownTopic for a topic that is not there."""

    async def partitions(self, topic: str) -> list[Partition]: ...

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]: ...

    async def first_at(self, moment: int, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """The first offset appended at ``moment`` (milliseconds) or later; the end where nothing was."""
        ...

    async def committed(self, group: str, partitions: Sequence[Partition]) -> Mapping[Partition, int | None]:
        """None where the group never committed."""
        ...

    def open(self, spans: Mapping[Partition, Span]) -> AbstractAsyncContextManager[Reading]: ...


class NoReader:
    """For worlds in which nobody reads beside the consumers."""

    async def partitions(self, topic: str) -> list[Partition]:
        raise NotImplementedError(topic)

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        raise NotImplementedError

    async def first_at(self, moment: int, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        raise NotImplementedError

    async def committed(self, group: str, partitions: Sequence[Partition]) -> Mapping[Partition, int | None]:
        raise NotImplementedError

    def open(self, spans: Mapping[Partition, Span]) -> AbstractAsyncContextManager[Reading]:
        raise NotImplementedError


async def merged(reader: LogReader, spans: Mapping[Partition, Span]) -> AsyncIterator[Record]:
    """All records of the spans by append time; those of one partition in their order, whatever a broker's clock did. Holds one batch of
    each partition."""
    wanted = {partition: span for partition, span in spans.items() if span.offsets}
    if not wanted:
        return
    async with reader.open(wanted) as reading:
        heads: list[tuple[int, Partition, int]] = []
        batches: dict[Partition, Sequence[Record]] = {}
        for partition in wanted:
            await _fill(reading, partition, batches, heads, 0)
        while heads:
            time, partition, index = heapq.heappop(heads)
            batch = batches[partition]
            yield batch[index]
            if index + 1 < len(batch):
                heapq.heappush(heads, (max(time, batch[index + 1].timestamp), partition, index + 1))
            else:
                await _fill(reading, partition, batches, heads, time)


async def _fill(
    reading: Reading, partition: Partition, batches: dict[Partition, Sequence[Record]], heads: list[tuple[int, Partition, int]], after: int
) -> None:
    batches[partition] = batch = await reading.batch(partition)
    if batch:
        heapq.heappush(heads, (max(after, batch[0].timestamp), partition, 0))
