"""The log on Kafka: FastStream's batch subscriber for reading, aiokafka's idempotent producer for writing, confluent's admin client for
what aiokafka cannot ask (topic ids, metadata of commits).

FastStream is a shell here (facts: an exception out of a MANUAL batch handler skips the batch, commit failures are swallowed): the
handler only hands over and never raises, commits are our own, the drain happens in the rebalance listener.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from contracts.catalogue import MAXIMUM_RECORD
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.partitioner import partition_of
from workers.engine.ports import Assigned, Listener, LogUnavailable, Offset, RejectedRecord, StaleOwner, UnknownTopic
from workers.engine.record import Outgoing, Partition, Record

logger = logging.getLogger(__name__)

SESSION_TIMEOUT = 30_000
REBALANCE_TIMEOUT = 60_000
HEARTBEAT = 1_000
"""Milliseconds: so soon a member notices that the group is being dealt out anew."""
POLL_TIMEOUT = 10
"""Milliseconds. An idle poll waits it twice, deaf."""
BATCH_RECORDS = 1000
PUBLISH_DEADLINE = 15.0
"""Seconds. An idempotent batch never expires in aiokafka, so every wait for an acknowledgement has a deadline of its own."""
COMMIT_DEADLINE = 10.0
BATCH_OVERHEAD = 64
"""Bytes of a batch beside its records."""
STOP_DEADLINE = 5.0
ASSIGN_DEADLINE = 30.0
"""Below the rebalance time-out. Without an answer by then the consumer counts as ended."""
ASK_AGAIN = 0.2


class KafkaLog:
    """One per process; ``close`` at the end. Topics must exist (auto-creation is off). ``session``: milliseconds after which a member
    that died without leaving counts as gone."""

    def __init__(self, bootstrap: str, *, session: int = SESSION_TIMEOUT) -> None:
        self._bootstrap, self._session = bootstrap, session
        self._admin = KafkaAdmin(bootstrap)
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._counts: dict[str, int] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        if not 0 <= partition.number < await self._partition_count(partition.topic):
            raise UnknownTopic(f"{partition}: {UnknownTopic.__doc__}")
        producer = await self._started()
        try:
            for batch in list(_batches(producer, records)):
                await self._send(producer, batch, partition)
        except TimeoutError as error:
            raise LogUnavailable(f"{partition}: no acknowledgement within {PUBLISH_DEADLINE} s") from error
        except (KafkaError, ConnectionError) as error:
            self._discard(producer)
            raise LogUnavailable(f"{partition}: {error!r}") from error

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None:
        count = await self._partition_count(topic)
        by_partition: dict[int, list[Outgoing]] = {}
        for record in records:
            by_partition.setdefault(partition_of(record.key, count), []).append(record)
        await asyncio.gather(*(self.append(Partition(topic, n), each) for n, each in by_partition.items()))

    def consumer(self, group: str, topics: Sequence[str]) -> "KafkaConsumer":
        return KafkaConsumer(self._bootstrap, self._admin, group, topics, self._session)

    async def check(self) -> None:
        await self._admin.check()

    async def close(self) -> None:
        if self._producer is not None:
            self._discard(self._producer)
        await asyncio.gather(*self._stopping)

    def _discard(self, producer: AIOKafkaProducer) -> None:
        """An error that aiokafka does not retry leaves a gap in an idempotent producer's sequence, and every later batch would be
        refused: the next append begins with a new one."""
        if self._producer is producer:
            self._producer = None
            task = asyncio.create_task(_stop(producer))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    @staticmethod
    async def _send(producer: AIOKafkaProducer, batch: Any, partition: Partition) -> None:
        async with asyncio.timeout(PUBLISH_DEADLINE):
            acknowledged = await producer.send_batch(batch, partition.topic, partition=partition.number)
            await asyncio.shield(acknowledged)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            async with self._starting:
                if self._producer is None:
                    producer = AIOKafkaProducer(
                        bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", max_batch_size=MAXIMUM_RECORD
                    )
                    try:
                        await producer.start()
                    except KafkaError as error:
                        await producer.stop()
                        raise LogUnavailable(f"no broker at {self._bootstrap}: {error!r}") from error
                    self._producer = producer
        return self._producer

    async def _partition_count(self, topic: str) -> int:
        if topic not in self._counts:
            self._counts[topic] = len((await self._admin.describe([topic]))[topic].partitions)
        return self._counts[topic]


def _batches(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> Iterator[Any]:
    """The broker's limit holds for a whole batch. Raises RejectedRecord for a record that none could hold."""
    batch: Any = None
    for record in records:
        if batch is None or not _added(batch, record):
            if batch is not None:
                yield batch
            batch = producer.create_batch()
            # aiokafka takes the first record whatever its size, and a refusal by the broker would cost the producer.
            if (size := _added(batch, record) + BATCH_OVERHEAD) > MAXIMUM_RECORD:
                raise RejectedRecord(f"{size} bytes under key {record.key!r}. {RejectedRecord.__doc__}")
    if batch is not None:
        batch.close()
        yield batch


def _added(batch: Any, record: Outgoing) -> int:
    """The record's bytes in the batch; 0 when it does not fit, which closes the batch."""
    metadata = batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
    return metadata.size if metadata is not None else 0


async def _stop(producer: AIOKafkaProducer) -> None:
    """aiokafka would wait for ever to flush what no broker takes; whoever awaits those records publishes them again."""
    try:
        async with asyncio.timeout(STOP_DEADLINE):
            await producer.stop()
    except TimeoutError:
        await producer._sender.close()  # noqa: SLF001  # its own stop is broken off before this
        await producer.client.close()


class KafkaConsumer(ConsumerRebalanceListener):
    """One member of one group, fed by a FastStream batch subscriber of its own broker object."""

    def __init__(self, bootstrap: str, admin: KafkaAdmin, group: str, topics: Sequence[str], session: int) -> None:
        self._admin, self._group, self._topics = admin, group, topics
        self._listener: Listener | None = None
        self._broker = KafkaBroker(
            bootstrap,
            consumer_only=True,
            apply_types=False,
            allow_auto_create_topics=False,
            client_id=group,
            logger=logger,
            log_level=logging.DEBUG,
        )
        self._subscriber: Any = self._broker.subscriber(
            *topics,
            batch=True,
            group_id=group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            batch_timeout_ms=POLL_TIMEOUT,
            max_records=BATCH_RECORDS,
            session_timeout_ms=session,
            rebalance_timeout_ms=REBALANCE_TIMEOUT,
            heartbeat_interval_ms=HEARTBEAT,
            listener=self,
            parser=_parse,
            decoder=_decode,
        )
        self._subscriber(self._handle)
        self._stopped = self._broken = False
        self._open: set[TopicPartition] = set()

    async def start(self, listener: Listener) -> None:
        self._listener = listener
        await self._admin.require(self._topics)
        try:
            await self._broker.start()
        except KafkaError as error:
            await self._broker.stop()
            raise LogUnavailable(f"group {self._group}: {error!r}") from error

    async def stop(self) -> None:
        self._stopped = True
        await self._broker.stop()

    async def commit(self, offsets: Mapping[Partition, Offset]) -> None:
        wanted = {
            TopicPartition(partition.topic, partition.number): OffsetAndMetadata(offset.offset, offset.metadata)
            for partition, offset in offsets.items()
        }
        consumer = self._subscriber.consumer
        if consumer is None:
            raise StaleOwner
        try:
            async with asyncio.timeout(COMMIT_DEADLINE):
                await consumer.commit(wanted)
        except (CommitFailedError, IllegalStateError) as error:
            raise StaleOwner from error
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(repr(error)) from error

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._each_assigned(partitions, "pause")

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._each_assigned(partitions, "resume")

    def alive(self) -> bool:
        """The consume task's own word: FastStream's ``running`` stays True when the loop has ended."""
        tasks = [task for task in self._subscriber.tasks if not task.done()]
        return not self._stopped and not self._broken and bool(tasks)

    # --- called by aiokafka, which logs an exception and goes on -----------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        assert self._listener is not None
        self._open.clear()
        if revoked:
            with self._noticed("revoke"):
                await self._listener.revoked([Partition(each.topic, each.partition) for each in revoked])

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing is fetched until the listener has said where to start: a record handed over before would be dropped."""
        assert self._listener is not None
        consumer = self._subscriber.consumer
        consumer.pause(*assigned)
        with self._noticed("assignment"):
            starts = await self._listener.assigned(await self._known([Partition(each.topic, each.partition) for each in assigned]))
            if assigned - consumer.assignment():
                return
            for partition, offset in starts.items():
                consumer.seek(TopicPartition(partition.topic, partition.number), offset)
            self._open |= assigned
            consumer.resume(*assigned)

    async def _known(self, partitions: Sequence[Partition]) -> Sequence[Assigned]:
        async with asyncio.timeout(ASSIGN_DEADLINE):
            while True:
                try:
                    return await self._admin.assigned(self._group, partitions)
                except LogUnavailable:
                    # A broker that has just started, or a coordinator on the move.
                    await asyncio.sleep(ASK_AGAIN)

    # --- called by FastStream, which skips the batch of a handler that raises -------------------------------------

    async def _handle(self, raw: Any) -> None:
        """``raw``: what ``_decode`` made of the batch."""
        assert self._listener is not None
        with self._noticed("records"):
            self._listener.received([_record(each) for each in raw if (each.topic, each.partition) in self._open])

    @contextmanager
    def _noticed(self, what: str) -> Iterator[None]:
        """A fault here makes the consumer count as ended, so that its role stops instead of going on over a gap."""
        try:
            yield
        except Exception:
            self._broken = True
            logger.exception("group %s: handling of %s failed", self._group, what)

    def _each_assigned(self, partitions: Sequence[Partition], action: str) -> None:
        consumer = self._subscriber.consumer
        if consumer is None:
            return
        held = consumer.assignment()
        wanted = [tp for each in partitions if (tp := TopicPartition(each.topic, each.number)) in held]
        if wanted:
            getattr(consumer, action)(*wanted)


def _record(raw: Any) -> Record:
    return Record(Partition(raw.topic, raw.partition), raw.offset, raw.key, raw.value, raw.headers, raw.timestamp)


async def _parse(raw: Any) -> KafkaMessage:
    """Bytes as they came: FastStream's own parser silently skips a record whose headers are not UTF-8."""
    last = raw[-1]
    return KafkaMessage(
        body=b"", headers={}, raw_message=raw, message_id=f"{last.topic}/{last.partition}/{last.offset}", consumer=_NoConsumer()
    )


async def _decode(message: KafkaMessage) -> Any:
    return message.raw_message


class _NoConsumer:
    """Nothing is acknowledged through FastStream."""

    async def commit(self) -> None:
        raise AssertionError("commits are the role's")

    def seek(self, partition: TopicPartition, offset: int) -> None:
        raise AssertionError("seeks are the role's")
