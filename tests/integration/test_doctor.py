"""``mindlinks doctor`` and ``mindlinks story`` as operators run them, on the real servers, after a few commands of one service."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import aiokafka
import pytest

from tests.support import toy
from tests.support.delivery import REPOSITORY, Delivery, Worker, delivery
from tests.support.servers import CREDENTIALS, REGION
from tests.support.worker_process import Settings
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.bookmarks import Bookmark
from workers.engine.ports import Assigned

GROUP = "notification-commands"
COMMANDS = 40
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Site:
    """A worker of one role has settled a few commands there and is still running. ``command`` is the first one's id."""

    run: Delivery
    worker: Worker
    dynamodb: str
    environment: str
    command: str

    async def told(self, *arguments: str, kafka: str = "") -> tuple[int | None, Any]:
        """Exit code and document of ``mindlinks``."""
        where = {"MINDLINKS_ENVIRONMENT": self.environment, "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb, "AWS_REGION": REGION}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "workers.main", *arguments, "--json"),
            cwd=REPOSITORY,
            env={**os.environ, **CREDENTIALS, **where, "MINDLINKS_KAFKA": kafka or self.run.bootstrap},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        told, errors = await asyncio.wait_for(process.communicate(), 120.0)
        assert told, errors.decode()[-3000:]
        return process.returncode, json.loads(told)

    async def assigned(self) -> list[Assigned]:
        return await KafkaAdmin(self.run.bootstrap).assigned(GROUP, self.run.commands)

    async def commit(self, each: Assigned, offset: int, metadata: str = "") -> None:
        """As somebody with a tool does, past the role."""
        async with _in_group(self.run.bootstrap) as consumer:
            place = aiokafka.TopicPartition(each.partition.topic, each.partition.number)
            consumer.assign([place])
            await consumer.commit({place: aiokafka.OffsetAndMetadata(offset, metadata)})


@asynccontextmanager
async def _in_group(bootstrap: str) -> AsyncIterator[Any]:
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@pytest.fixture
async def site(topics: str, tables: str, dynamodb_endpoint: str) -> AsyncIterator[Site]:
    async with delivery(topics, dynamodb_endpoint, tables) as run:
        worker = await Worker.started(Settings(topics, dynamodb_endpoint, tables))
        try:
            await worker.until_ready()
            ids = [str(uuid4()) for _ in range(COMMANDS)]
            records = [toy.command_record(toy.claiming_of(str(uuid4())), command_id=each) for each in ids]
            await run.log.append_keyed(run.commands[0].topic, records)
            await run.until_settled()
            yield Site(run, worker, dynamodb_endpoint, tables, ids[0])
            await worker.stop()
        finally:
            worker.kill()


def kinds(told: Any) -> set[tuple[str, str]]:
    return {(each["kind"], each["about"]) for each in told["findings"]}


async def test_what_is_well_what_is_missing_and_what_somebody_moved(site: Site) -> None:
    code, told = await site.told("doctor", "--late", "100000", "--limit", "100")
    assert code == 1
    assert not [each for each in told["findings"] if each["kind"] != "no-members"], told["findings"]
    absent = {each["about"]: each for each in told["findings"]}
    assert "payment" in absent, "no worker runs there"
    assert "commands" not in absent["notification"]["what"].partition(":")[2], "this one runs"
    looked = {each["check"]: each["lookedAt"] for each in told["checks"]}
    assert "a sample of 1,000 rows" in looked["outcomes"]
    assert "the store's date" in looked["clocks"]

    code, found = await site.told("story", site.command)
    (root,) = found["stories"]
    assert (code, found["is"], root["id"], root["asked"]) == (0, "message", site.command, True)
    assert root["outcome"].startswith("applied, write 1 of")
    assert [child["name"] for child in root["children"]] == ["notification.NotificationSent"]

    await site.worker.stop()
    beyond, skipped = sorted(await site.assigned(), key=lambda each: each.end)[-2:]
    await site.run.log.append(skipped.partition, [toy.command_record(toy.nothing_of(str(uuid4()))) for _ in range(3)])
    await site.commit(beyond, beyond.end + 5)
    await site.commit(skipped, skipped.end + 3)
    try:
        code, told = await site.told("doctor", "--only", "offsets", "--only", "moved")
    finally:
        for each in (beyond, replace(skipped, end=skipped.end + 3)):
            await site.commit(each, each.end, Bookmark(each.origin, each.end).pack())
    assert (code, kinds(told)) == (1, {("beyond-end", GROUP), ("moved-offsets", GROUP)})
    moved = next(each for each in told["findings"] if each["kind"] == "moved-offsets")
    assert f"partition {skipped.partition.number}." in moved["what"]
    assert "3 records" in moved["what"]


async def test_without_kafka_the_tables_are_looked_at(site: Site) -> None:
    code, told = await site.told("doctor", "--only", "groups", "--only", "books", "--only", "quarantine", "--limit", "8", kafka=NOWHERE)
    assert (code, kinds(told)) == (1, {("unchecked", "groups")})
    assert {each["check"]: each["findings"] for each in told["checks"]} == {"groups": 1, "books": 0, "quarantine": 0}
