"""The timers role on a Kafka broker and DynamoDB Local: fired by the system's clock, kept over a restart and a rebalance."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.catalogue import decode
from contracts.contract.commands import ExpireContractOffer
from contracts.envelope import Envelope
from contracts.ids import derived, fired_command_id, timer_id
from contracts.message import EventData
from contracts.platform import TimerCancelled, TimerScheduled
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.topics import TOPICS, commands_topic, events_topic
from contracts.types import ContractId, Id
from tests.support.servers import REGION
from tests.support.waiting import eventually, eventually_async
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.kafka import KafkaLog
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.record import Outgoing
from workers.engine.role import Pace, Role
from workers.engine.runtime import RoleName, World, build_role
from workers.engine.service import Service
from workers.engine.timer_rows import TIMERS, Place
from workers.engine.timers import TimersPace
from workers.ops.timers import waiting

SERVICE = "kyc"
"""No other test's; the commands go to another service."""
DAY = 86_400_000
EVENTS, COMMANDS = events_topic(SERVICE), commands_topic("contract")
NAME = "integration"
PACE = TimersPace(margin=0.05, look=1.0, near=3.0)
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Sent:
    """A command as the broker has it. ``appended``: by the broker's clock, in milliseconds."""

    envelope: Envelope
    value: Mapping[str, Any]
    appended: int


class Bench:
    """What the roles of one test run on, and who reads what they send."""

    def __init__(self, log: KafkaLog, store: DynamoStore, reader: AIOKafkaConsumer) -> None:
        self.log, self.store, self._reader = log, store, reader
        self._sent: list[Sent] = []

    @asynccontextmanager
    async def member(self) -> AsyncIterator[Role]:
        world = World("test", self.log, self.store, CLOCK, NoMetrics(), Random(), {}, Pace(drain=5.0), timers=PACE)
        role = build_role(Service(SERVICE), RoleName.TIMERS, world)
        running = asyncio.create_task(role.run())
        try:
            await eventually(role.assigned_once.is_set)
            yield role
        finally:
            role.stop()
            await running

    async def say(self, words: Sequence[tuple[ContractId, EventData]], sequence: int = 1) -> None:
        await self.log.append_keyed(EVENTS, [_spoken(key, data, sequence) for key, data in words])

    async def rows(self, keys: Sequence[ContractId]) -> list[Item]:
        return list((await self.store.get([ItemRef(TIMERS, timer(key)) for key in keys])).values())

    async def states(self, keys: Sequence[ContractId], state: str) -> bool:
        rows = await self.rows(keys)
        return len(rows) == len(keys) and all(row["state"] == state for row in rows)

    async def moved(self, keys: Sequence[ContractId], due: int) -> bool:
        return all(row["dueAt"] == from_milliseconds(due) for row in await self.rows(keys))

    async def fired(self, keys: Sequence[ContractId]) -> dict[str, list[Sent]]:
        """Key -> its commands so far."""
        for records in (await self._reader.getmany(timeout_ms=100)).values():
            for record in records:
                decoded = decode(record.key, record.value, record.headers, record.timestamp)
                self._sent.append(Sent(decoded.envelope, orjson.loads(record.value), record.timestamp))
        return {key: [each for each in self._sent if each.envelope.subject == key] for key in keys}

    async def all_fired(self, keys: Sequence[ContractId]) -> bool:
        return all((await self.fired(keys)).values())


@pytest.fixture
async def bench(topics: str, tables: str, dynamodb_endpoint: str) -> AsyncIterator[Bench]:
    reader = AIOKafkaConsumer(bootstrap_servers=topics, enable_auto_commit=False)
    await reader.start()
    partitions = [TopicPartition(COMMANDS, number) for number in range(TOPICS[COMMANDS].partitions)]
    reader.assign(partitions)
    await reader.seek_to_end(*partitions)
    log, store = KafkaLog(topics), DynamoStore(tables, endpoint=dynamodb_endpoint, region=REGION)
    try:
        yield Bench(log, store, reader)
    finally:
        await reader.stop()
        await log.close()
        await store.close()


def new(count: int) -> list[ContractId]:
    return [ContractId(str(uuid4())) for _ in range(count)]


def timer(key: ContractId) -> Id:
    return timer_id(NAME, key)


def scheduling(key: ContractId, due: int) -> TimerScheduled:
    command = ExpireContractOffer(contract_id=key)
    due_at = from_milliseconds(due)
    return TimerScheduled(timer_id=timer(key), timer=NAME, due_at=due_at, command_type=command.kind(), key=key, data=command.to_item())


def _spoken(key: ContractId, data: EventData, sequence: int) -> Outgoing:
    envelope = Envelope(
        id=derived(f"word:{key}:{sequence}"),
        kind=data.kind(SERVICE),
        source=f"/mindlinks/{SERVICE}/commands",
        subject=key,
        time=from_milliseconds(CLOCK.now()),
        correlation_id=derived(key),
        causation_id=derived("command"),
        actor="public",
        sequence=f"{sequence:010d}.0000",
    )
    return Outgoing(key.encode(), data.to_json(), envelope.headers())


async def test_due_timers_fire_cancelled_ones_do_not_far_ones_are_listed(bench: Bench) -> None:
    soon, cancelled, far = new(20), new(5), new(5)
    async with bench.member():
        await bench.say([(key, scheduling(key, CLOCK.now() + DAY // 2)) for key in [*far, *cancelled]])
        await eventually_async(lambda: bench.states([*far, *cancelled], "waiting"))
        due = CLOCK.now() + 3000
        await bench.say([(key, scheduling(key, due)) for key in cancelled], sequence=2)
        await bench.say([(key, TimerCancelled(timer_id=timer(key), timer=NAME)) for key in cancelled], sequence=3)
        await bench.say([(key, scheduling(key, due)) for key in soon])
        await eventually_async(lambda: bench.states(soon, "fired"))
        await eventually_async(lambda: bench.all_fired(soon))
        listed = [each.key for each in await waiting(bench.store, SERVICE, CLOCK.now(), 24, 100)]
        assert set(far) <= set(listed)
        assert not set(listed) & {*soon, *cancelled}
    fired = await bench.fired([*soon, *cancelled])
    for key in soon:
        (sent,) = fired[key]
        assert sent.envelope.id == fired_command_id(timer(key), from_milliseconds(due))
        assert (sent.envelope.actor, sent.envelope.causation_id) == ("system:timers", derived(f"word:{key}:1"))
        assert sent.value == {"contractId": key, "dueAt": from_milliseconds(due)}
        assert sent.appended >= to_milliseconds(sent.envelope.time) == due
    assert not any(fired[key] for key in cancelled)
    assert all(row["expiresAt"] * 1000 > due and "dueBucket" not in row for row in await bench.rows(soon))


async def test_timers_that_fell_due_while_nobody_ran_fire_at_the_next_start(bench: Bench) -> None:
    keys = new(20)
    async with bench.member():
        await bench.say([(key, scheduling(key, CLOCK.now() + DAY)) for key in keys])
        await eventually_async(lambda: bench.states(keys, "waiting"))
        due = CLOCK.now() + 3000
        await bench.say([(key, scheduling(key, due)) for key in keys], sequence=2)
        await eventually_async(lambda: bench.moved(keys, due))
    await eventually(lambda: CLOCK.now() > due)
    async with bench.member():
        await eventually_async(lambda: bench.states(keys, "fired"))
    await eventually_async(lambda: bench.all_fired(keys))


async def test_a_member_that_joins_takes_over_what_the_other_kept(bench: Bench) -> None:
    keys = new(60)
    due = CLOCK.now() + 4000
    async with bench.member() as first:
        await bench.say([(key, scheduling(key, due)) for key in keys])
        await eventually_async(lambda: bench.states(keys, "waiting"))
        async with bench.member() as second:
            await eventually(lambda: len(first._owned) == len(second._owned) == TOPICS[EVENTS].partitions // 2)
            await eventually_async(lambda: bench.states(keys, "fired"))
    await eventually_async(lambda: bench.all_fired(keys))
    fired = await bench.fired(keys)
    for key in keys:
        assert {sent.envelope.id for sent in fired[key]} == {fired_command_id(timer(key), from_milliseconds(due))}
    cursors = await bench.store.get([Place(SERVICE, number).cursor for number in range(TOPICS[EVENTS].partitions)])
    assert len(cursors) == TOPICS[EVENTS].partitions
