"""A replay on the real servers: offsets moved forward, keys lost from the table; the dry run says what then happens."""

from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.structs import OffsetAndMetadata

from contracts.message import CommandData
from tests.support import toy
from tests.support.delivery import Delivery, Worker, delivery
from tests.support.replays import plan_of
from tests.support.stories import refs_of, story
from tests.support.worker_process import Settings
from workers.adapters.kafka_reading import KafkaReader
from workers.engine.bookmarks import Bookmark
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import SystemClock
from workers.engine.ports import AttributeIs, Fate, VersionIs, Write
from workers.engine.root import VERSION, exists, plain
from workers.ops.replay.checkpoint import State
from workers.ops.replay.operating import Replays
from workers.ops.replay.rehearsal import Rehearsal
from workers.ops.replay.selection import Selection

COMMANDS, GROUP = 600, "notification-commands"


@pytest.fixture
async def run(topics: str, tables: str, dynamodb_endpoint: str) -> AsyncIterator[Delivery]:
    async with delivery(topics, dynamodb_endpoint, tables) as made:
        yield made


@pytest.fixture
async def worker(run: Delivery, topics: str, tables: str, dynamodb_endpoint: str) -> Settings:
    return Settings(topics, dynamodb_endpoint, tables, roles=("commands", "reactions"))


async def test_what_was_skipped_and_lost_comes_back_as_the_dry_run_says(run: Delivery, worker: Settings) -> None:
    told = story(Random(9), 40, COMMANDS)
    half = COMMANDS // 2
    await applied(run, worker, told[:half])
    await send(run, told[half:])
    await skip_to_end(run)
    await lose(run, sorted({each.key for each in told})[:10])
    replays = Replays({toy.SERVICE.name: toy.SERVICE}, run.log, KafkaReader(run.bootstrap), run.store, SystemClock(), Random(0))
    selection = Selection((run.commands[0].topic,), ids=await names(run))
    prepared = await replays.prepare(plan_of(selection, seed=9))
    assert (prepared.census.records, prepared.census.keys) == (COMMANDS, len({each.key for each in told}))
    before = await run.rows(refs_of(told))
    rehearsal = await replays.rehearse(prepared)
    assert await run.rows(refs_of(told)) == before
    at = await replays.running().run(await replays.begin(prepared))
    assert (at.state, at.sent) == (State.SENT, COMMANDS)
    process = await Worker.started(worker)
    try:
        await process.until_ready()
        ended = await replays.finish(at)
        await run.until_settled()
        await process.stop()
    finally:
        process.kill()
    assert ended.settled
    assert ended.tally.applied > half // 2
    assert ended.tally.recognised
    assert verdicts(ended.tally.told()) == verdicts(rehearsal.found.tally.told())
    assert state(await run.rows(refs_of(told))) == state(predicted(before, rehearsal))
    assert [each.plan.id for each in await replays.checkpoints.all()] == [prepared.plan.id]


def verdicts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Of the records themselves: what they cause may still be on its way."""
    return {name: told[name] for name in ("applied", "unchanged", "recognised", "parked", "refused")}


async def send(run: Delivery, told: Sequence[CommandData]) -> None:
    records = [toy.command_record(data) for data in told]
    await run.log.append_keyed(run.commands[0].topic, records)


async def applied(run: Delivery, worker: Settings, told: Sequence[CommandData]) -> None:
    process = await Worker.started(worker)
    try:
        await process.until_ready()
        await send(run, told)
        await run.until_settled()
        await process.stop()
    finally:
        process.kill()


async def names(run: Delivery) -> frozenset[str]:
    """Of what upstream sent in this test; the topic holds what other tests and reactions sent, too."""
    mine = [record for record in await run.records(run.commands) if ("ce_source", b"/mindlinks/test/commands") in record.headers]
    return frozenset((value or b"").decode() for record in mine for name, value in record.headers if name == "ce_id")


async def skip_to_end(run: Delivery) -> None:
    """As somebody who moves the group forward, with what a role would leave there so that it does not stop over it."""
    bounds = await KafkaReader(run.bootstrap).bounds(run.commands)
    consumer = AIOKafkaConsumer(bootstrap_servers=run.bootstrap, group_id=GROUP, enable_auto_commit=False)
    offsets = {
        KafkaPartition(each.topic, each.number): OffsetAndMetadata(bound.end, Bookmark(bound.origin, bound.end).pack())
        for each, bound in bounds.items()
    }
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()


async def lose(run: Delivery, keys: Sequence[str]) -> None:
    rows = await run.rows([toy.root_ref(key) for key in keys])
    claims = [toy.claim_ref(each) for row in rows.values() for each in row.get("claims", ())]
    for ref, row in {**rows, **await run.rows(claims)}.items():
        condition = VersionIs(row[VERSION]) if VERSION in row else AttributeIs("ownerId", row["ownerId"])
        (written,) = await run.store.write([Write(ref, row, None, condition)])
        assert written.fate is Fate.WRITTEN


def predicted(before: Mapping[ItemRef, Item], rehearsal: Rehearsal) -> Mapping[ItemRef, Item]:
    changed = {ref: rehearsal.store.now(ref) for ref in rehearsal.store.before}
    rows = {ref: row for ref, row in {**before, **changed}.items() if row is not None}
    return {ref: row for ref, row in rows.items() if ref.table == toy.TABLE}


def state(rows: Mapping[ItemRef, Item]) -> dict[ItemRef, Item]:
    return {ref: plain(row) for ref, row in rows.items() if exists(row)}
