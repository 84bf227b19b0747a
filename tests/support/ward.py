"""A small system in memory that has worked and rests, for whoever examines it: ``mindlinks doctor``, ``mindlinks story``."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from contracts.topics import commands_topic, events_topic
from tests.support import toy
from tests.support.process import Plant, plant
from tests.support.replays import CountingPort, run_roles
from tests.support.waiting import eventually
from workers.engine.memory import MemoryLog
from workers.engine.memory.reading import MemoryReader
from workers.engine.ports import Assigned
from workers.engine.record import Partition
from workers.engine.runtime import RoleName
from workers.engine.service import Service
from workers.ops.doctor.system import Depth, System

COMMANDS, EVENTS = commands_topic("notification"), events_topic("notification")
SERVICES: Mapping[str, Service] = {toy.SERVICE.name: toy.SERVICE}
EVERY_ROLE = tuple(RoleName)


@dataclass
class MemoryGroups:
    """Of a log in memory. Every group has a member, but for those named in ``without``."""

    log: MemoryLog
    without: set[str] = field(default_factory=set)

    async def members(self, groups: Sequence[str]) -> Mapping[str, int]:
        return {group: int(group not in self.without) for group in groups}

    async def assigned_to(self, wanted: Mapping[str, Sequence[Partition]]) -> Mapping[str, Sequence[Assigned]]:
        return {group: [self.log.assigned(self.log.group(group), each) for each in found] for group, found in wanted.items()}


@dataclass
class Declarations:
    """What differs from them."""

    of_topics: list[Any] = field(default_factory=list)
    of_tables: list[Any] = field(default_factory=list)

    async def topics(self) -> Sequence[Any]:
        return self.of_topics

    async def tables(self) -> Sequence[Any]:
        return self.of_tables


@dataclass
class Ward:
    made: Plant
    names: Random
    groups: MemoryGroups
    declared: Declarations = field(default_factory=Declarations)
    reader: MemoryReader | None = None
    store_ahead: int = 0

    def name(self) -> str:
        return str(UUID(int=self.names.getrandbits(128)))

    def system(self, depth: Depth | None = None) -> System:
        async def date() -> int:
            return (self.made.clock.now() + self.store_ahead) // 1000 * 1000

        reader = self.reader or MemoryReader(self.made.log)
        return System(SERVICES, self.made.store, reader, self.groups, self.made.clock, self.declared, date, depth or Depth())

    async def works(self, *data: Any, roles: Sequence[RoleName] = EVERY_ROLE) -> list[str]:
        """Sends these commands and lets roles settle them; their ids."""
        records = [toy.command_record(each, command_id=self.name()) for each in data]
        await self.made.send(COMMANDS, records)
        await run_roles(self.made, *roles)
        self.made.processes.clear()
        return [dict(record.headers)["ce_id"].decode() for record in records]

    async def parks(self, *data: Any) -> list[str]:
        """The same with commands that raise: time goes on until the role has settled them aside."""
        records = [toy.command_record(each, command_id=self.name()) for each in data]
        role = self.made.start(RoleName.COMMANDS)
        await self.made.send(COMMANDS, records)

        def settled() -> bool:
            self.made.clock.advance(0.5)
            return not self.made.open("notification-commands", COMMANDS)

        await eventually(settled)
        await role.stop()
        self.made.processes.clear()
        return [dict(record.headers)["ce_id"].decode() for record in records]


@asynccontextmanager
async def ward(seed: int = 0) -> AsyncIterator[Ward]:
    """Nothing has happened yet."""
    async with plant(toy.SERVICE, seed, {"toy": CountingPort()}) as made:
        yield Ward(made, Random(f"ward {seed}"), MemoryGroups(made.log))
