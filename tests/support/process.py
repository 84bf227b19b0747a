"""Workers as processes inside one test: started, stopped, left standing, all on one log and store in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.faults import NONE, FaultyLog, FaultyStore, Pulse, Rates
from tests.support.raw_sealer import ReadableRaw
from tests.support.waiting import eventually
from workers.engine.effects import EffectPace
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.planning import Conveyor
from workers.engine.record import Outgoing, Partition, Record
from workers.engine.role import Pace, Role
from workers.engine.runtime import RoleName, World, build_role
from workers.engine.service import Service

QUICK = Pace(commit_every=0.002, drain=0.05, bookmarks=0.03)


class QuickClock:
    """Time that passes when it is told to; sleeping takes a turn of the loop, or until the time has come."""

    def __init__(self, start: int = 1_790_000_000_000) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> int:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += int(seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        del self.slept[:-1000]
        await asyncio.sleep(0.0005)


@dataclass
class Process:
    """One worker with one role. ``stand_still``: what it was doing neither happens nor ends, and its group goes on without it."""

    role: Role
    log: FaultyLog
    store: FaultyStore
    pulse: Pulse
    running: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.running = asyncio.create_task(self.role.run())

    async def stop(self) -> None:
        """Raises what the role failed of."""
        self.role.stop()
        await self.running

    async def stand_still(self) -> None:
        self.pulse.stop()
        self.role.stop()
        await asyncio.wait({self.running}, timeout=20 * QUICK.drain)
        # Whatever the role itself waits for would never be answered.
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


class Plant:
    """A log and a store in memory, and the processes on them."""

    def __init__(self, service: Service, seed: int = 0, ports: Mapping[str, Any] | None = None) -> None:
        self.service, self.ports, self.random = service, ports or {}, Random(seed)
        self.clock, self.raw_sealer = QuickClock(), ReadableRaw()
        self.log, self.store = MemoryLog(clock=self.clock), MemoryStore()
        self.processes: list[Process] = []

    def start(
        self,
        role: RoleName = RoleName.COMMANDS,
        rates: Rates = NONE,
        *,
        pace: Pace = QUICK,
        conveyor: Conveyor | None = None,
        effects: EffectPace | None = None,
        interval: float = 0.0,
    ) -> Process:
        pulse = Pulse()
        log = FaultyLog(self.log, rates, Random(self.random.random()), pulse)
        store = FaultyStore(self.store, rates, Random(self.random.random()), pulse)
        world = World(
            "test",
            log,
            store,
            self.clock,
            NoMetrics(),
            Random(self.random.random()),
            self.ports,
            pace=pace,
            conveyor=conveyor or Conveyor(),
            effects=effects or EffectPace(),
            projection_interval=interval,
            raw_sealer=self.raw_sealer,
        )
        process = Process(build_role(self.service, role, world), log, store, pulse)
        self.processes.append(process)
        return process

    async def send(self, topic: str, records: Sequence[Outgoing]) -> None:
        await self.log.append_keyed(topic, records)

    def records(self, topic: str) -> list[Record]:
        """Partition by partition."""
        return [record for partition, stored in self.log.records.items() if partition.topic == topic for record in stored]

    def committed(self, group: str, partition: Partition) -> int:
        offset = self.log.group(group).committed.get(partition)
        return offset.offset if offset else 0

    def open(self, group: str, topic: str) -> int:
        """Records of the topic that the group has not committed."""
        return sum(
            len(stored) - self.committed(group, partition) for partition, stored in self.log.records.items() if partition.topic == topic
        )

    async def until_settled(self, group: str, topic: str, seconds: float = 30.0) -> None:
        def settled() -> bool:
            for process in self.processes:
                if process.role.failure:
                    raise AssertionError(f"{process.role.name} failed") from process.role.failure
            return self.open(group, topic) == 0

        await eventually(settled, seconds, lambda: f"{self.open(group, topic)} records open")

    async def quiet(self) -> None:
        """Lets stale owners wake and do what they were about to, and ends whatever is left running."""
        for process in self.processes:
            process.role.stop()
            process.pulse.go()
        for _ in range(200):
            await asyncio.sleep(0)


@asynccontextmanager
async def plant(service: Service, seed: int = 0, ports: Mapping[str, Any] | None = None) -> AsyncIterator[Plant]:
    before = asyncio.all_tasks()
    made = Plant(service, seed, ports)
    try:
        yield made
    finally:
        await made.quiet()
        left = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
        for process in made.processes:
            await asyncio.wait({process.running}, timeout=5)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
