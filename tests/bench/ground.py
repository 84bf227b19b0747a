"""What contenders stand on: one broker, one DynamoDB, for each contender the same tables with the same rows under a name of its own,
and one published stream that each group reads from its beginning."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aioboto3
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from contracts.topics import TOPICS, commands_topic
from schemas.registry import TABLES as DECLARED
from tests.bench.stream import Workload, records, seeded_ref, seeded_row
from tests.support.servers import REGION
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.dynamodb_tables import apply
from workers.adapters.kafka import KafkaLog
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.ports import Absent, Fate, Write
from workers.engine.record import Partition

TOPIC = commands_topic("payment")
TABLES = tuple(each for name, each in DECLARED.items() if name == "payment-escrow" or name.startswith("platform-"))
INBOX, OUTBOX = "bench-inbox", "bench-outbox"
"""Tables that only the worker a FastStream user would write has."""
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Ground:
    kafka: str
    dynamodb: str

    def store(self, environment: str) -> DynamoStore:
        return DynamoStore(environment, endpoint=self.dynamodb, region=REGION)

    def client(self) -> Any:
        return aioboto3.Session().client("dynamodb", endpoint_url=self.dynamodb, region_name=REGION)


@dataclass(frozen=True, slots=True)
class Stream:
    """A workload in the log. ``starts``: where each partition's part of it begins."""

    workload: Workload
    starts: Mapping[Partition, int]
    partitions: Mapping[int, int]
    """Commands in each partition."""


async def environment(ground: Ground, keys: Sequence[str]) -> str:
    """Tables of a new environment, with the rows of these payees."""
    name = f"b{uuid4().hex[:10]}"
    async with ground.client() as client:
        await apply(client, name, TABLES)
        for plain in (INBOX, OUTBOX):
            await client.create_table(
                TableName=f"{name}-{plain}",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
    store = ground.store(name)
    chunks = [keys[start : start + 25] for start in range(0, len(keys), 25)]
    for several in [chunks[start : start + 8] for start in range(0, len(chunks), 8)]:
        await asyncio.gather(*(_seed(store, chunk) for chunk in several))
    await store.close()
    return name


async def _seed(store: DynamoStore, keys: Sequence[str]) -> None:
    results = await store.write([Write(seeded_ref(key), None, seeded_row(key), Absent()) for key in keys])
    assert all(result.fate is Fate.WRITTEN for result in results), results


async def published(ground: Ground, workload: Workload) -> Stream:
    partitions = [Partition(TOPIC, number) for number in range(TOPICS[TOPIC].partitions)]
    admin, log = KafkaAdmin(ground.kafka), KafkaLog(ground.kafka)
    starts = await admin.ends(partitions)
    outgoing = list(records(workload))
    for start in range(0, len(outgoing), CHUNK):
        await log.append_keyed(TOPIC, outgoing[start : start + CHUNK])
    await log.close()
    ends = await admin.ends(partitions)
    return Stream(workload, starts, {each.number: ends[each] - starts[each] for each in partitions})


async def rewound(ground: Ground, group: str, stream: Stream) -> str:
    """``group`` reads the stream from its beginning when it starts next."""
    consumer = AIOKafkaConsumer(bootstrap_servers=ground.kafka, group_id=group, enable_auto_commit=False)
    offsets = {KafkaPartition(each.topic, each.number): start for each, start in stream.starts.items()}
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()
    return group
