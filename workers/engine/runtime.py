"""Roles put together from a service's declaration, and run side by side until told to stop or one of them fails."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from random import Random
from typing import Any

from contracts.catalogue import kinds
from contracts.topics import commands_topic, events_topic
from workers.engine.bookmarks import Bookmarks
from workers.engine.commands import CommandsProcessor
from workers.engine.effects import EffectPace, EffectsSink
from workers.engine.events import EventsProcessor
from workers.engine.planning import Conveyor
from workers.engine.ports import Clock, Log, Metrics, NoRawSealer, RawSealer, Store
from workers.engine.projections import ProjectionsSink
from workers.engine.quarantine import Quarantine
from workers.engine.reactions import ReactionsSink
from workers.engine.resuming import RESUMABLE, Resumes
from workers.engine.role import Pace, Role
from workers.engine.service import Service
from workers.engine.shared_parking import MOST_LISTED, ParkingLimits, SharedParking
from workers.engine.timers import TimersPace, TimersSink
from workers.engine.tracing import NoTracer, Tracer

LOOK_FOR_WORD = 2.0
"""Seconds between looks for a word that a stopped role may go on."""


class RoleName(StrEnum):
    COMMANDS = "commands"
    REACTIONS = "reactions"
    EFFECTS = "effects"
    PROJECTIONS = "projections"
    TIMERS = "timers"


@dataclass(frozen=True, slots=True)
class World:
    """What roles run on. ``ports``: provider name -> the port its effects get."""

    environment: str
    log: Log
    store: Store
    clock: Clock
    metrics: Metrics
    random: Random
    ports: Mapping[str, Any]
    pace: Pace = field(default_factory=Pace)
    conveyor: Conveyor = field(default_factory=Conveyor)
    effects: EffectPace = field(default_factory=EffectPace)
    projection_interval: float = 1.0
    timers: TimersPace = field(default_factory=TimersPace)
    tracer: Tracer = field(default_factory=NoTracer)
    raw_sealer: RawSealer = field(default_factory=NoRawSealer)


def roles_of(service: Service) -> list[RoleName]:
    """The roles a service needs; every service projects receipts of its own commands, and what may schedule timers keeps them."""
    needed = {
        RoleName.COMMANDS: bool(service.handlers),
        RoleName.REACTIONS: bool(service.reactions),
        RoleName.EFFECTS: bool(service.effects),
        RoleName.PROJECTIONS: True,
        RoleName.TIMERS: bool(service.handlers) and service.timers,
    }
    return [name for name, wanted in needed.items() if wanted]


def build_role(service: Service, name: RoleName, world: World) -> Role:
    # The first record should not wait for the modules of all kinds, nor should every heartbeat beside it.
    kinds()
    group = f"{service.name}-{name.value}"
    quarantine = Quarantine(world.store, world.raw_sealer, world.clock, world.metrics, world.random)
    if name is RoleName.COMMANDS:
        return _commands_role(service, group, world, quarantine)
    sink: ReactionsSink | EffectsSink | ProjectionsSink | TimersSink
    processor: EventsProcessor[Any]
    if name is RoleName.REACTIONS:
        topics = _sources([reaction.event.service for reaction in service.reactions])
        sink = ReactionsSink(service, world.log, world.store, world.clock, world.metrics, world.random, world.tracer)
    elif name is RoleName.EFFECTS:
        topics = _sources([effect.event.service for effect in service.effects])
        sink = EffectsSink(
            service,
            world.ports,
            world.environment,
            world.log,
            world.store,
            world.clock,
            world.metrics,
            world.random,
            world.effects,
            world.tracer,
        )
    elif name is RoleName.TIMERS:
        topics = _sources([service.name])
        sink = TimersSink(service, world.log, world.store, world.clock, world.metrics, world.random, world.timers, world.tracer)
    else:
        topics = _sources([service.name, *(projection.event.service for projection in service.projections)])
        sink = ProjectionsSink(service, world.store, world.clock, world.metrics, world.random, world.projection_interval)
    processor = EventsProcessor(group, sink, _parking(group, world, quarantine), world.metrics)
    role = Role(group, topics, processor, world.log, world.clock, world.metrics, world.pace, Bookmarks(group, world.store, world.clock))
    processor.on_fault = role.fail
    if not isinstance(sink, ReactionsSink):
        sink.on_fault = role.fail
    return role


def _parking(group: str, world: World, quarantine: Quarantine) -> SharedParking:
    pace = world.conveyor
    limits = ParkingLimits(min(pace.parked, MOST_LISTED), pace.parked_a_key, pace.look_for_parked, pace.fuse)
    return SharedParking(group, world.store, world.clock, world.metrics, world.random, quarantine, limits)


def _commands_role(service: Service, group: str, world: World, quarantine: Quarantine) -> Role:
    processor = CommandsProcessor(
        service, world.log, world.store, world.clock, world.metrics, quarantine, world.random, world.conveyor, world.tracer
    )
    bookmarks = Bookmarks(group, world.store, world.clock)
    role = Role(group, [commands_topic(service.name)], processor, world.log, world.clock, world.metrics, world.pace, bookmarks)
    processor.on_fault = role.fail
    return role


def _sources(services: Sequence[str]) -> list[str]:
    return [events_topic(service) for service in sorted(set(services))]


class Supervised:
    """One role through its stops: built anew when people let it go on after a fault that has passed."""

    def __init__(self, build: Callable[[], Role], clock: Clock, resumes: Resumes | None) -> None:
        self._build, self._clock, self._resumes = build, clock, resumes
        self._stopping = asyncio.Event()
        self.role = build()

    async def run(self) -> None:
        """Raises the fault that ended it for good."""
        while True:
            try:
                await self.role.run()
            except RESUMABLE as fault:
                if not await self._let_go_on():
                    raise fault
                self.role = self._build()
            else:
                return

    def stop(self) -> None:
        self._stopping.set()
        self.role.stop()

    async def _let_go_on(self) -> bool:
        """Waits for the word; False when the process is to end before it comes."""
        stopped_at = self._clock.now()
        while self._resumes and not self._stopping.is_set():
            if await self._resumes.asked(self.role.name, stopped_at):
                return not self._stopping.is_set()
            await self._clock.sleep(LOOK_FOR_WORD)
        return False


class Runtime:
    """Runs roles until ``stop``. A role that fails is told by ``failures``; the others go on: its records wait in the log. ``run`` ends
    when all have ended."""

    def __init__(self, builders: Sequence[Callable[[], Role]], clock: Clock, resumes: Resumes | None = None) -> None:
        self._supervised = [Supervised(build, clock, resumes) for build in builders]

    @property
    def roles(self) -> Sequence[Role]:
        return [each.role for each in self._supervised]

    async def run(self) -> None:
        """Raises an ExceptionGroup of what made roles fail, after every role has ended."""
        results = await asyncio.gather(*(each.run() for each in self._supervised), return_exceptions=True)
        if failures := [result for result in results if isinstance(result, Exception)]:
            raise ExceptionGroup("roles stopped by faults", failures)

    def stop(self) -> None:
        for each in self._supervised:
            each.stop()

    @property
    def failures(self) -> Mapping[str, Exception]:
        return {role.name: role.failure for role in self.roles if role.failure}

    @property
    def ready(self) -> bool:
        return all(role.ready for role in self.roles)

    def stalled(self, now: int, patience: int = 30_000) -> list[str]:
        """Roles whose loop has not turned for ``patience`` milliseconds: what liveness means."""
        return [role.name for role in self.roles if role.failure is None and now - role.beat > patience]


def build_runtime(wanted: Sequence[tuple[Service, RoleName]], world: World) -> Runtime:
    builders = [partial(build_role, service, name, world) for service, name in wanted]
    return Runtime(builders, world.clock, Resumes(world.store, world.clock))
