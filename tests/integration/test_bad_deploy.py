"""A deploy whose every decision raises: its role stops before it has moved an offset or emptied the log into the quarantine, says why, and
everything is applied once, in order, as soon as the cause or the version is gone."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aioboto3
import httpx
import pytest

from tests.bench.ground import Ground, Stream, environment, rewound
from tests.bench.ours import GROUP
from tests.bench.poison import in_order
from tests.bench.stream import Workload, records, seeded_ref, uniform
from tests.support.bad_deploy import BAD_WHILE
from tests.support.delivery import REPOSITORY, Delivery
from tests.support.servers import CREDENTIALS, REGION
from tests.support.waiting import eventually_async
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.fuse import FuseLimits
from workers.engine.record import Partition

KEYS, COMMANDS = 200, 600
GOOD, BAD = "workers.main", "tests.support.bad_deploy"
LATEST = 60.0
"""Seconds. How soon it is red is printed; a test must only not wait for ever."""


@dataclass
class Deployed:
    """A running ``mindlinks run``."""

    process: asyncio.subprocess.Process
    address: str

    async def ready(self) -> tuple[int, str]:
        """Status and body."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.address}/health/ready")
        return answer.status_code, answer.text

    async def until_ready(self) -> None:
        async def green() -> bool:
            return (await self.ready())[0] == 200

        await eventually_async(green, LATEST)

    async def until_red(self) -> str:
        said = [""]

        async def red() -> bool:
            status, said[0] = await self.ready()
            return status == 503 and "partitions are not assigned" not in said[0]

        await eventually_async(red, LATEST)
        return said[0]

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(LATEST):
            return await self.process.wait()


@dataclass
class Site:
    """Servers, tables with the rows of some payees, and what is published to them. ``cause``: the file while which the deploy is bad."""

    ground: Ground
    name: str
    cause: Path
    place: Delivery
    workload: Workload

    def variables(self) -> dict[str, str]:
        own = {"MINDLINKS_KAFKA": self.ground.kafka, "MINDLINKS_ENVIRONMENT": self.name, BAD_WHILE: str(self.cause)}
        aws = {"AWS_ENDPOINT_URL": self.ground.dynamodb, "AWS_ENDPOINT_URL_DYNAMODB": self.ground.dynamodb, "AWS_REGION": REGION}
        return {**os.environ, **CREDENTIALS, **own, **aws, "MINDLINKS_LINK_KEYS": "k1:local"}

    @asynccontextmanager
    async def deployed(self, module: str) -> AsyncIterator[Deployed]:
        process = await self.started(module, "run", "payment:commands", "--health-port", "0", stdout=asyncio.subprocess.PIPE)
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), LATEST)
            yield Deployed(process, f"http://127.0.0.1:{json.loads(line)['port']}")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def started(self, module: str, *arguments: str, stdout: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *arguments, cwd=REPOSITORY, env=self.variables(), stdout=stdout
        )

    async def publish(self) -> float:
        """When it began, in seconds of the monotonic clock."""
        outgoing, begun = list(records(self.workload)), time.monotonic()
        await self.place.log.append_keyed(self.place.commands[0].topic, outgoing)
        return begun

    async def committed(self) -> dict[Partition, int | None]:
        found = await KafkaAdmin(self.ground.kafka).assigned(GROUP, self.place.commands)
        return {each.partition: each.committed for each in found}

    async def rows(self, table: str) -> Sequence[dict[str, object]]:
        async with aioboto3.Session().client("dynamodb", endpoint_url=self.ground.dynamodb, region_name=REGION) as client:
            return list((await client.scan(TableName=f"{self.name}-{table}"))["Items"])

    async def applied_once_in_order(self) -> None:
        """Every command's one event, in the order of its key, and nothing left waiting."""
        await self.place.until_settled(LATEST, GROUP)

        left: list[object] = []

        async def drained() -> bool:
            left[:] = [(row["groupKey"], row["nextAttemptAt"]) for row in await self.rows("platform-parked")]
            return not left

        await eventually_async(drained, LATEST, lambda: left)
        commands, events = await self.place.records(self.place.commands), await self.place.records(self.place.events)
        assert len(commands) == COMMANDS
        turns = in_order(commands)
        assert turns == in_order(events, by="ce_causationid")
        rows = await self.place.rows([seeded_ref(key) for key in turns])
        # Each key's commands take the payee's readiness and give it back in turn; one more or one less would leave the other.
        assert {ref: row["ready"] for ref, row in rows.items()} == {seeded_ref(key): len(its) % 2 == 0 for key, its in turns.items()}
        assert not await self.rows("platform-failures")


@pytest.fixture
async def site(topics: str, dynamodb_endpoint: str, credentials: None, tmp_path: Path) -> AsyncIterator[Site]:
    """The group stands at the end of whatever others published."""
    ground, workload = Ground(topics, dynamodb_endpoint), uniform(KEYS, COMMANDS)
    name = await environment(ground, workload.distinct)
    store = ground.store(name)
    place = Delivery(topics, "payment", store)
    await place.begin()
    await rewound(ground, GROUP, Stream(workload, {each: place.starts[each] for each in place.commands}, {}))
    try:
        yield Site(ground, name, tmp_path / "cause", place, workload)
    finally:
        await store.close()
        await place.log.close()


async def _tripped(site: Site, bad: Deployed) -> None:
    """Red with the fingerprint; no offset moved; nothing quarantined; parked at most what came before the fuse's limit."""
    await bad.until_ready()
    before = await site.committed()
    begun = await site.publish()
    body = await bad.until_red()
    print(f"\nred {time.monotonic() - begun:.2f} s after the first of {COMMANDS} commands was sent: {body[:200]}")
    assert "KeyError/" in body
    assert "SyncPayee" in body
    assert "decide_badly" in body
    assert await site.committed() == before
    assert not await site.rows("platform-failures")
    parked = {str(row["key"]) for row in await site.rows("platform-parked")}
    assert len(parked) < FuseLimits().keys, f"{len(parked)} keys"


async def test_a_bad_deploy_goes_on_in_its_process_once_the_cause_is_gone(site: Site) -> None:
    site.cause.touch()
    async with site.deployed(BAD) as bad:
        await _tripped(site, bad)
        before = await site.committed()
        site.cause.unlink()
        assert (await bad.ready())[0] == 503
        assert await site.committed() == before
        said = await site.started(GOOD, "resume", GROUP, "--why", "the cause is gone")
        assert await asyncio.wait_for(said.wait(), LATEST) == 0
        await bad.until_ready()
        await site.applied_once_in_order()
        assert await bad.stop() == 0


async def test_a_bad_deploy_is_replaced_by_a_good_version(site: Site) -> None:
    site.cause.touch()
    async with site.deployed(BAD) as bad:
        await _tripped(site, bad)
        before = await site.committed()
        assert await bad.stop() != 0
    assert await site.committed() == before
    async with site.deployed(GOOD) as good:
        await site.applied_once_in_order()
        assert await good.stop() == 0
