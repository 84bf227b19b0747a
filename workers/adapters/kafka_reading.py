"""Reading Kafka beside its groups: one consumer without a group per opened set of spans."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.catalogue import MAXIMUM_RECORD
from contracts.position import origin
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.ports import LogUnavailable
from workers.engine.reading import Bounds, Span
from workers.engine.record import Partition, Record

BATCH_RECORDS = 500
FETCH = 2 * MAXIMUM_RECORD
"""Bytes of one partition asked for at once: what a reader of many partitions holds is a multiple of it."""
POLL = 1_000
"""Milliseconds."""
SILENCE = 30.0
"""Seconds without a record that must be there."""


class KafkaReader:
    """Connects when it is used."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._made: KafkaAdmin | None = None

    @property
    def _admin(self) -> KafkaAdmin:
        self._made = self._made or KafkaAdmin(self._bootstrap)
        return self._made

    async def partitions(self, topic: str) -> list[Partition]:
        described = await self._admin.describe([topic])
        return [Partition(topic, number) for number in range(len(described[topic].partitions))]

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        if not partitions:
            return {}
        described = await self._admin.describe(sorted({each.topic for each in partitions}))
        ends = await self._admin.ends(partitions)
        async with self._consumer() as consumer:
            begins = await _answered(consumer.beginning_offsets([_tp(each) for each in partitions]))
        return {
            each: Bounds(origin(str(described[each.topic].topic_id), each.number), begins[_tp(each)], ends[each]) for each in partitions
        }

    async def first_at(self, moment: int, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        if not partitions:
            return {}
        ends = await self._admin.ends(partitions)
        async with self._consumer() as consumer:
            found = await _answered(consumer.offsets_for_times({_tp(each): moment for each in partitions}))
        return {each: found[_tp(each)].offset if found[_tp(each)] else ends[each] for each in partitions}

    async def committed(self, group: str, partitions: Sequence[Partition]) -> Mapping[Partition, int | None]:
        return {each.partition: each.committed for each in await self._admin.assigned(group, partitions)}

    @asynccontextmanager
    async def open(self, spans: Mapping[Partition, Span]) -> AsyncIterator["KafkaReading"]:
        async with self._consumer() as consumer:
            consumer.assign([_tp(each) for each in spans])
            for each, span in spans.items():
                consumer.seek(_tp(each), span.first)
            yield KafkaReading(consumer, {each: span.end for each, span in spans.items()})

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=FETCH)
        try:
            await _answered(consumer.start())
            yield consumer
        finally:
            await consumer.stop()


class KafkaReading:
    def __init__(self, consumer: Any, ends: Mapping[Partition, int]) -> None:
        self._consumer, self._ends = consumer, ends

    async def batch(self, partition: Partition) -> Sequence[Record]:
        tp, end = _tp(partition), self._ends[partition]
        try:
            async with asyncio.timeout(SILENCE):
                while await self._consumer.position(tp) < end:
                    answer = await self._consumer.getmany(tp, timeout_ms=POLL, max_records=BATCH_RECORDS)
                    if found := [_record(each) for each in answer.get(tp, ()) if each.offset < end]:
                        return found
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(f"{partition}: {error!r}") from error
        return ()


async def _answered(call: Any) -> Any:
    try:
        return await call
    except KafkaError as error:
        raise LogUnavailable(repr(error)) from error


def _tp(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)


def _record(raw: Any) -> Record:
    return Record(Partition(raw.topic, raw.partition), raw.offset, raw.key, raw.value, raw.headers, raw.timestamp)
