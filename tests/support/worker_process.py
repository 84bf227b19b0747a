"""A worker in a process of its own, made to die at a chosen moment: ``python -m tests.support.worker_process '<settings as JSON>'``.

Prints ``ready`` once every role has its partitions. SIGTERM stops it as a worker is stopped.
"""

import asyncio
import importlib
import json
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from tests.support.raw_sealer import ReadableRaw
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.kafka import KafkaLog
from workers.engine.memory import SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.ports import Consumer, Listener, Log, Offset
from workers.engine.record import Outgoing, Partition
from workers.engine.runtime import RoleName, Runtime, World, build_runtime


@dataclass(frozen=True, slots=True)
class Settings:
    """``crash``: ``append`` or ``commit``, the how manieth, ``before`` or ``after`` it: then the process kills itself. ``provider``: an
    address that the service's module is handed with the world, to put its ports there (``dressed``). A module may name services that only
    judge commands ``BESIDE`` its own."""

    kafka: str
    dynamodb: str
    environment: str
    service: str = "tests.support.toy"
    roles: tuple[str, ...] = ("commands",)
    crash: tuple[str, int, str] | None = None
    session: int = 6000
    provider: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class Crash:
    """Counts the calls of one kind and kills its own process, as nothing else can be killed in between."""

    def __init__(self, point: tuple[str, int, str] | None) -> None:
        self._call, self._left, self._when = point or ("", 0, "")

    def passed(self, call: str, when: str) -> None:
        if (call, when) == (self._call, self._when):
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


class CrashingLog:
    def __init__(self, log: Log, crash: Crash) -> None:
        self._log, self._crash = log, crash

    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        self._crash.passed("append", "before")
        await self._log.append(partition, records)
        self._crash.passed("append", "after")

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None:
        self._crash.passed("append", "before")
        await self._log.append_keyed(topic, records)
        self._crash.passed("append", "after")

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        return CrashingConsumer(self._log.consumer(group, topics), self._crash)

    async def check(self) -> None:
        await self._log.check()

    async def close(self) -> None:
        await self._log.close()


class CrashingConsumer:
    def __init__(self, consumer: Consumer, crash: Crash) -> None:
        self._consumer, self._crash = consumer, crash

    async def start(self, listener: Listener) -> None:
        await self._consumer.start(listener)

    async def stop(self) -> None:
        await self._consumer.stop()

    async def commit(self, offsets: Mapping[Partition, Offset]) -> None:
        self._crash.passed("commit", "before")
        await self._consumer.commit(offsets)
        self._crash.passed("commit", "after")

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._consumer.pause(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._consumer.resume(partitions)

    def alive(self) -> bool:
        return self._consumer.alive()


async def main(settings: Settings) -> None:
    log = CrashingLog(KafkaLog(settings.kafka, session=settings.session), Crash(settings.crash))
    store = DynamoStore(settings.environment, endpoint=settings.dynamodb, region="eu-central-1")
    world = World(settings.environment, log, store, SystemClock(), NoMetrics(), random.Random(), {}, raw_sealer=ReadableRaw())
    module = importlib.import_module(settings.service)
    if settings.provider:
        world = module.dressed(world, settings.provider)
    beside = [(service, RoleName.COMMANDS) for service in getattr(module, "BESIDE", ())]
    runtime = build_runtime([*((module.SERVICE, RoleName(name)) for name in settings.roles), *beside], world)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runtime.stop)
    running = asyncio.create_task(runtime.run())
    ready = asyncio.create_task(_ready(runtime))
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        print("ready", flush=True)
    ready.cancel()
    try:
        await running
    finally:
        await store.close()
        await log.close()


async def _ready(runtime: Runtime) -> None:
    for role in runtime.roles:
        await role.assigned_once.wait()


if __name__ == "__main__":
    fields = json.loads(sys.argv[1])
    fields["roles"], crash = tuple(fields["roles"]), fields["crash"]
    fields["crash"] = (str(crash[0]), int(crash[1]), str(crash[2])) if crash else None
    asyncio.run(main(Settings(**fields)))
