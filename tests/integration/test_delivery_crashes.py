"""A worker is killed between the write and the publishing, or between the publishing and the commit: nothing is lost or doubled."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.support import toy, verdict
from tests.support.delivery import Delivery, Worker, delivery
from tests.support.stories import refs_of, story, with_repeats
from tests.support.worker_process import Settings

KEYS, COMMANDS = 12, 240


@pytest.fixture
async def run(topics: str, tables: str, dynamodb_endpoint: str) -> AsyncIterator[Delivery]:
    async with delivery(topics, dynamodb_endpoint, tables) as made:
        yield made


@pytest.fixture
def settings(topics: str, tables: str, dynamodb_endpoint: str) -> Settings:
    return Settings(topics, dynamodb_endpoint, tables)


@pytest.mark.parametrize(
    "crash",
    [("append", 1, "before"), ("append", 4, "before"), ("append", 3, "after"), ("commit", 1, "before"), ("commit", 1, "after")],
    ids=lambda crash: "-".join(map(str, crash)),
)
async def test_a_killed_worker_loses_and_doubles_nothing(run: Delivery, settings: Settings, crash: tuple[str, int, str]) -> None:
    commands = story(random.Random(repr(crash)), KEYS, COMMANDS)
    records = [toy.command_record(data) for data in commands]
    await run.log.append_keyed(run.commands[0].topic, with_repeats(records))
    dying = await Worker.started(replace(settings, crash=crash))
    try:
        await dying.until_killed()
    finally:
        dying.kill()
    survivor = await Worker.started(settings)
    try:
        await survivor.until_ready()
        await run.until_settled()
        await survivor.stop()
    finally:
        survivor.kill()
    wanted = verdict.check(toy.SERVICE, await run.records(run.commands), await run.records(run.events), await run.rows(refs_of(commands)))
    assert wanted.refused > 0
    assert len(wanted.ids) > COMMANDS / 2
