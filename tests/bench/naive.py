"""(a) The worker a FastStream user would write first: one record, ``AckPolicy.ACK``, inbox put, state get and update, publish.

The business decision is the service's own, and values are turned into DynamoDB's form by our own function, so that only the way of
working differs. It loses records when it fails, and events when it dies between update and publish: that is not what is measured.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from contracts.contractor import KycStatus
from contracts.payment.commands import SyncPayee
from contracts.timestamps import from_milliseconds
from contracts.topics import events_topic
from contracts.types import CommandId
from tests.bench.ground import INBOX, TOPIC, Ground, Stream, rewound
from tests.bench.measure import Measured, Watch
from tests.bench.sizes import write_units
from tests.bench.stream import seeded_ref
from tests.support.waiting import eventually
from workers.adapters.dynamodb_values import item_from_wire, item_to_wire
from workers.engine.decision import Accepted, Command
from workers.engine.root import PREFIX, VERSION, plain
from workers.services.payment.payee import PAYEE, sync_payee

EVENTS = events_topic("payment")
SYNC_ROLE = "system:bench"


class NaiveWorker:
    """``most``: commands after which the rest is let through untouched, so that a slow worker need not take the whole stream."""

    name = "a: one record at a time"

    def __init__(self, dynamodb: Any, environment: str, broker: KafkaBroker, most: int) -> None:
        self.dynamodb, self.environment, self.broker, self.most = dynamodb, environment, broker, most
        self.go = asyncio.Event()
        self.done = 0
        self.fault: Exception | None = None
        self.units = self.transaction_units = 0

    async def handle(self, command: SyncPayee, message: KafkaMessage) -> None:
        await self.go.wait()
        if self.done >= self.most:
            return
        try:
            await self.work(command, message)
        except Exception as error:
            # FastStream swallows it and commits the offset.
            self.fault = error
            raise
        self.done += 1

    async def work(self, data: SyncPayee, message: KafkaMessage) -> None:
        command = str(message.headers["ce_id"])
        if not await self._first_seen(command):
            return
        before = await self.read(data)
        after, events = decided(before, data, command, appended(message))
        await self._update(before, after)
        await self.publish(data, message, events)

    async def _first_seen(self, command: str) -> bool:
        row = {"id": command, "topic": TOPIC}
        self.units += write_units(None, row)
        try:
            await self.dynamodb.put_item(
                TableName=f"{self.environment}-{INBOX}", Item=item_to_wire(row), ConditionExpression="attribute_not_exists(id)"
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    async def read(self, data: SyncPayee) -> dict[str, Any]:
        key = item_to_wire({"contractId": seeded_ref(data.key).key})
        answer = await self.dynamodb.get_item(TableName=f"{self.environment}-{PAYEE.table}", Key=key, ConsistentRead=True)
        # The books of our own engine, which the seeded rows carry, are none of its business.
        return item_from_wire({name: value for name, value in answer["Item"].items() if name == VERSION or not name.startswith(PREFIX)})

    async def _update(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        self.units += write_units(before, after)
        await self.dynamodb.put_item(**self.conditional_put(before, after))

    def conditional_put(self, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        return {
            "TableName": f"{self.environment}-{PAYEE.table}",
            "Item": item_to_wire(after),
            "ConditionExpression": "#v = :v",
            "ExpressionAttributeNames": {"#v": VERSION},
            "ExpressionAttributeValues": item_to_wire({":v": before[VERSION]}),
        }

    async def publish(self, data: SyncPayee, message: KafkaMessage, events: tuple[Any, ...]) -> None:
        headers = {name: value for name, value in message.headers.items() if isinstance(value, str)}
        for event in events:
            await self.broker.publish(event.to_item(), topic=EVENTS, key=data.key.encode(), headers=headers)


def appended(message: KafkaMessage) -> int:
    """The record's append time in milliseconds."""
    assert not isinstance(message.raw_message, tuple)
    timestamp: int = message.raw_message.timestamp
    return timestamp


def decided(before: dict[str, Any], data: SyncPayee, command: str, timestamp: int) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The row after the service's decision, and what it says."""
    assert isinstance(data.kyc_status, KycStatus)
    at = from_milliseconds(timestamp)
    state = PAYEE.load(data.key, {seeded_ref(data.key): plain(before)})
    decision = sync_payee(state, Command(CommandId(command), data.key, SYNC_ROLE, data), at)
    if not isinstance(decision, Accepted):
        return {**before, VERSION: before[VERSION] + 1}, ()
    row = dict(PAYEE.save(decision.state)[seeded_ref(data.key)])
    return {**row, "updatedAt": at, VERSION: before[VERSION] + 1}, decision.events


@asynccontextmanager
async def working(
    ground: Ground, kind: type[NaiveWorker], environment: str, group: str, workers: int, most: int
) -> AsyncIterator[NaiveWorker]:
    """With its partitions dealt out and every consumer at rest, so that joining the group is no part of what is measured."""
    broker = KafkaBroker(ground.kafka, logger=None, allow_auto_create_topics=False)
    async with ground.client() as client:
        worker = kind(client, environment, broker, most)
        subscriber: Any = broker.subscriber(
            TOPIC, group_id=group, ack_policy=AckPolicy.ACK, auto_offset_reset="earliest", max_workers=workers
        )
        subscriber(worker.handle)
        await broker.start()
        try:
            consumers = getattr(subscriber, "consumer_subgroup", None) or [subscriber.consumer]
            await eventually(lambda: len(consumers) == workers and all(each.assignment() for each in consumers), 60)
            yield worker
        finally:
            worker.most = 0
            worker.go.set()
            await broker.stop()


async def naive(ground: Ground, kind: type[NaiveWorker], environment: str, stream: Stream, commands: int, *, workers: int = 1) -> Measured:
    group = await rewound(ground, f"bench-{kind.__name__}-{workers}", stream)
    async with working(ground, kind, environment, group, workers, commands) as worker:
        watch = Watch()
        worker.go.set()
        await eventually(lambda: worker.done >= commands or worker.fault, 240)
        wall, cpu = watch.read()
        if worker.fault:
            raise worker.fault
    return Measured(
        contender=kind.name if workers == 1 else f"{kind.name.split(':')[0]}{workers}: max_workers={workers}",
        workload=stream.workload.name,
        commands=commands,
        seconds=wall,
        cpu_seconds=cpu,
        units=worker.units / commands,
        transaction_units=worker.transaction_units / commands,
    )
