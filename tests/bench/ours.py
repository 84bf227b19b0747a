"""(c) The engine as it is shipped, and (e) the same against a store that answers at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from tests.bench.ground import Ground, Stream, rewound
from tests.bench.measure import Latencies, Measured, MeteredStore, Watch
from tests.support.servers import REGION
from tests.support.waiting import eventually
from workers.adapters.kafka import KafkaLog
from workers.engine.memory import SystemClock
from workers.engine.ports import Log, Store
from workers.engine.role import Role
from workers.engine.runtime import RoleName, World, build_role
from workers.engine.service import Service
from workers.services.payment.service import SERVICE

GROUP = "payment-commands"
DEADLINE = 600.0


@dataclass(frozen=True, slots=True)
class Running:
    role: Role
    metrics: Latencies

    async def until(self, commands: int, seconds: float = DEADLINE) -> None:
        """So many commands have their events acknowledged. Raises what made the role fail."""
        await eventually(lambda: self.metrics.total >= commands or self.role.failure, seconds)
        if self.role.failure:
            raise self.role.failure

    async def until_judged(self, commands: int, seconds: float = DEADLINE) -> None:
        """So many commands have their verdicts stored. Raises what made the role fail."""
        await eventually(lambda: self.metrics.judged >= commands or self.role.failure, seconds)
        if self.role.failure:
            raise self.role.failure


@asynccontextmanager
async def running(log: Log, store: Store, metrics: Latencies | None = None, service: Service = SERVICE) -> AsyncIterator[Running]:
    """The commands role with its partitions assigned; drained at the end."""
    metrics = metrics or Latencies()
    role = build_role(service, RoleName.COMMANDS, World("bench", log, store, SystemClock(), metrics, Random(1), {}))
    task = asyncio.create_task(role.run())
    try:
        await eventually(lambda: role.assigned_once.is_set() or role.failure)
        yield Running(role, metrics)
    finally:
        role.stop()
        await task


async def ours(ground: Ground, environment: str, stream: Stream, *, stub: str | None = None) -> Measured:
    """``stub``: the address of a store that answers at once, in place of DynamoDB."""
    commands = len(stream.workload.keys)
    await rewound(ground, GROUP, stream)
    log, store = KafkaLog(ground.kafka), MeteredStore(environment, endpoint=stub or ground.dynamodb, region=REGION)
    try:
        async with running(log, store) as engine:
            watch = Watch()
            await (engine.until_judged(commands) if stub else engine.until(commands))
            wall, cpu = watch.read()
    finally:
        await store.close()
        await log.close()
    return Measured(
        contender="e: ours, stub store" if stub else "c: ours",
        workload=stream.workload.name,
        commands=commands,
        seconds=wall,
        cpu_seconds=cpu,
        units=store.units / commands,
        transaction_units=store.spanning * 2 / commands,
        extra={"rows_per_command": round(store.rows_written / commands, 2)},
    )
