"""What the checks look at."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from contracts.topics import commands_topic, events_topic
from workers.engine.ports import Assigned, Clock, Store, UnknownTopic
from workers.engine.reading import Bounds, LogReader
from workers.engine.record import Partition
from workers.engine.runtime import RoleName, roles_of
from workers.engine.service import Service

AT_ONCE = 16
"""Requests to one server at a time: a look must not be felt."""


class Groups(Protocol):
    """Consumer groups from outside. Every call raises LogUnavailable."""

    async def members(self, groups: Sequence[str]) -> Mapping[str, int]: ...

    async def assigned_to(self, wanted: Mapping[str, Sequence[Partition]]) -> Mapping[str, Sequence[Assigned]]:
        """What each group committed there, with the ends of the logs."""
        ...


class Declared(Protocol):
    """What differs from the declarations; ``mindlinks topics diff`` and ``tables diff`` say the same."""

    async def topics(self) -> Sequence[Any]: ...

    async def tables(self) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """One group: who reads, how far, and what each partition holds."""

    group: str
    members: int
    assigned: Sequence[Assigned]
    bounds: Mapping[Partition, Bounds]


@dataclass(frozen=True, slots=True)
class Depth:
    """``sample``: rows of a table that are looked at where none but a scan finds what is wrong; None: all of them. ``late``: seconds
    that anything may wait."""

    sample: int | None = 1_000
    late: float = 60.0


@dataclass
class System:
    """``store_date``: what the store's server takes the time to be, in milliseconds, whole seconds; None where it does not say."""

    services: Mapping[str, Service]
    store: Store
    reader: LogReader
    groups: Groups
    clock: Clock
    declared: Declared
    store_date: Callable[[], Awaitable[int | None]]
    depth: Depth = field(default_factory=Depth)
    _standings: "asyncio.Future[list[Standing]] | None" = None

    @property
    def late_since(self) -> int:
        """What was due before this is late."""
        return self.clock.now() - int(1000 * self.depth.late)

    async def standings(self) -> list[Standing]:
        """Asked for once, whoever needs it first."""
        if self._standings is None:
            self._standings = asyncio.ensure_future(self._stand())
        return await asyncio.shield(self._standings)

    async def partitions(self, topic: str) -> list[Partition]:
        """None of a topic that is not there: that is told elsewhere."""
        try:
            return await self.reader.partitions(topic)
        except UnknownTopic:
            return []

    async def _stand(self) -> list[Standing]:
        topics = topics_of(self.services)
        names = sorted({topic for each in topics.values() for topic in each})
        partitions = dict(zip(names, await asyncio.gather(*map(self.partitions, names)), strict=True))
        wanted = {group: [each for topic in read for each in partitions[topic]] for group, read in topics.items()}
        bounds = await self.reader.bounds([each for found in partitions.values() for each in found])
        members = await self.groups.members(list(wanted))
        assigned = await self.groups.assigned_to(wanted)
        return [Standing(group, members.get(group, 0), assigned[group], bounds) for group in wanted]


def topics_of(services: Mapping[str, Service]) -> dict[str, tuple[str, ...]]:
    """Every group there should be, and the topics it reads."""
    return {f"{service.name}-{role.value}": _read_by(service, role) for service in services.values() for role in roles_of(service)}


def _read_by(service: Service, role: RoleName) -> tuple[str, ...]:
    sources = {
        RoleName.REACTIONS: {each.event.service for each in service.reactions},
        RoleName.EFFECTS: {each.event.service for each in service.effects},
        RoleName.PROJECTIONS: {service.name, *(each.event.service for each in service.projections)},
        RoleName.TIMERS: {service.name},
    }
    if role is RoleName.COMMANDS:
        return (commands_topic(service.name),)
    return tuple(events_topic(each) for each in sorted(sources[role]))
