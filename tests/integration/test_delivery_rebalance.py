"""A group that is dealt out anew under load: every key's order and every total hold."""

from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from uuid import UUID

import pytest

from tests.support import toy, verdict
from tests.support.delivery import Delivery, Worker, delivery
from tests.support.stories import refs_of
from tests.support.waiting import eventually_async
from tests.support.worker_process import Settings

KEYS, COMMANDS = 1_000, 10_000


@pytest.fixture
async def run(topics: str, tables: str, dynamodb_endpoint: str) -> AsyncIterator[Delivery]:
    async with delivery(topics, dynamodb_endpoint, tables) as made:
        yield made


async def test_one_joins_and_one_leaves_under_load(run: Delivery, topics: str, tables: str, dynamodb_endpoint: str) -> None:
    settings = Settings(topics, dynamodb_endpoint, tables)
    chance = Random(4)
    keys = [str(UUID(int=chance.getrandbits(128))) for _ in range(KEYS)]
    commands = [toy.tally_of(chance.choice(keys), str(UUID(int=chance.getrandbits(128)))) for _ in range(COMMANDS)]
    records = [toy.command_record(data) for data in commands]
    workers = [await Worker.started(settings) for _ in range(2)]
    try:
        for worker in workers:
            await worker.until_ready()
        await run.log.append_keyed(run.commands[0].topic, records[: COMMANDS // 2])
        workers.append(await Worker.started(settings))
        await workers[2].until_ready()
        await run.log.append_keyed(run.commands[0].topic, records[COMMANDS // 2 :])
        await eventually_async(lambda: published(run, COMMANDS // 4), 120.0)
        await workers[0].stop()
        await run.until_settled(240.0)
        for worker in workers[1:]:
            await worker.stop()
    finally:
        for worker in workers:
            worker.kill()
    found = await run.rows(refs_of(commands))
    wanted = verdict.check(toy.SERVICE, await run.records(run.commands), await run.records(run.events), found)
    totals = Counter({key: found[toy.root_ref(key)]["total"] for key in keys if toy.root_ref(key) in found})
    assert sum(totals.values()) == len(wanted.ids) - wanted.refused
    assert wanted.refused > COMMANDS / 20


async def published(run: Delivery, count: int) -> bool:
    """Whether so many events are in the log."""
    ends = await run.ends(run.events)
    return sum(ends[partition] - run.starts[partition] for partition in run.events) >= count
