"""Commands through worker processes on real servers: publish, run, kill, look."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiokafka

from contracts.topics import commands_topic, events_topic
from tests.support.servers import CREDENTIALS, REGION
from tests.support.waiting import eventually_async
from tests.support.worker_process import Settings
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.kafka import KafkaLog
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import LogUnavailable
from workers.engine.record import Partition, Record

REPOSITORY = Path(__file__).parents[2]
PARTITIONS = 8


@dataclass
class Worker:
    """One worker process. ``kill`` is for those that would not stop."""

    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)

    @classmethod
    async def started(cls, settings: Settings) -> "Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.worker_process",
            settings.to_json(),
            cwd=REPOSITORY,
            env={**os.environ, **CREDENTIALS},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def until_ready(self, seconds: float = 60.0) -> None:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), seconds)
        assert line.strip() == b"ready", await self._rest()

    async def until_killed(self, seconds: float = 60.0) -> None:
        """Until it has killed itself; fails when it ended otherwise."""
        assert self.process.stderr is not None
        _, errors = await asyncio.wait_for(self.process.communicate(), seconds)
        assert self.process.returncode == -signal.SIGKILL, errors.decode()[-3000:]

    async def stop(self, seconds: float = 60.0) -> None:
        """SIGTERM; fails when it does not leave in good order."""
        if self.process.returncode is None:
            self.process.terminate()
        _, errors = await asyncio.wait_for(self.process.communicate(), seconds)
        assert self.process.returncode == 0, errors.decode()[-3000:]

    def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()

    async def _rest(self) -> str:
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode()[-3000:]


class Delivery:
    """One test's look at the log and the store, past everything earlier tests left there."""

    def __init__(self, bootstrap: str, service: str, store: DynamoStore) -> None:
        self.log, self.store, self._admin = KafkaLog(bootstrap), store, KafkaAdmin(bootstrap)
        self.bootstrap, self.service = bootstrap, service
        self.commands = [Partition(commands_topic(service), n) for n in range(PARTITIONS)]
        self.events = [Partition(events_topic(service), n) for n in range(PARTITIONS)]
        self.starts: Mapping[Partition, int] = {}

    async def begin(self) -> None:
        self.starts = await self.ends([*self.commands, *self.events])

    async def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return await self._admin.ends(partitions)

    async def until_settled(self, seconds: float = 120.0, group: str | None = None) -> None:
        """Until the group's committed offsets stand at the end of every commands partition."""
        name = group or f"{self.service}-commands"
        open_: list[str] = []

        async def settled() -> bool:
            try:
                found = await self._admin.assigned(name, self.commands)
            except LogUnavailable:
                # A fresh broker has no coordinator for a moment.
                return False
            open_[:] = [f"{each.partition.number}: {each.committed} of {each.end}" for each in found if (each.committed or 0) < each.end]
            return not open_

        await eventually_async(settled, seconds, lambda: f"open partitions {open_}")

    async def records(self, partitions: Sequence[Partition]) -> list[Record]:
        """Everything since ``begin``, partition by partition."""
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        ends = await self.ends(partitions)
        wanted = {aiokafka.TopicPartition(p.topic, p.number): p for p in partitions if ends[p] > self.starts.get(p, 0)}
        await consumer.start()
        try:
            consumer.assign(list(wanted))
            for tp, partition in wanted.items():
                consumer.seek(tp, self.starts.get(partition, 0))
            found: dict[Partition, list[Record]] = {partition: [] for partition in partitions}

            async def all_read() -> bool:
                for tp, batch in (await consumer.getmany(timeout_ms=200)).items():
                    found[wanted[tp]] += [
                        Record(wanted[tp], each.offset, each.key, each.value, each.headers, each.timestamp) for each in batch
                    ]
                return all(found[p] and found[p][-1].offset + 1 >= ends[p] for p in wanted.values())

            if wanted:
                await eventually_async(all_read, 60.0)
        finally:
            await consumer.stop()
        return [record for partition in partitions for record in found[partition]]

    async def rows(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        return await self.store.get(refs)


@asynccontextmanager
async def delivery(bootstrap: str, dynamodb: str, environment: str, service: str = "notification") -> AsyncIterator[Delivery]:
    store = DynamoStore(environment, endpoint=dynamodb, region=REGION)
    made = Delivery(bootstrap, service, store)
    await made.begin()
    try:
        yield made
    finally:
        await store.close()
        await made.log.close()
