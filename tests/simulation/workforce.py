"""Worker processes of a run: what they are built of, and how they end."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation.deploy import Unfit
from tests.simulation.faults import Fault
from tests.simulation.group import SimulatedConsumer
from tests.simulation.log import EPOCH
from tests.simulation.loop import OWNER, Process, SimulatedLoop
from tests.simulation.trouble import BROKER, WORKER
from tests.support.raw_sealer import ReadableRaw
from workers.engine.aggregate import Handler
from workers.engine.decision import Command
from workers.engine.effects import EffectPace
from workers.engine.fuse import FuseTripped
from workers.engine.metrics import NoMetrics
from workers.engine.planning import Conveyor
from workers.engine.resuming import Resumes
from workers.engine.role import Pace
from workers.engine.runtime import Supervised, World, build_role
from workers.engine.service import Service
from workers.engine.timers import TimersPace

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation


class Poisonous(Exception):
    """A bug of a decision, for as long as it is not mended."""


class SimulatedClock:
    def __init__(self, loop: SimulatedLoop, process: Process) -> None:
        self._loop, self._process = loop, process

    def now(self) -> int:
        return EPOCH + int(self._loop.time() * 1000) + self._process.clock_offset

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(slots=True, eq=False)
class Worker:
    """``unfit``: its decisions raise."""

    process: Process
    unfit: bool = False
    roles: list[Supervised] = field(default_factory=list)
    stopping: bool = False

    @property
    def awake(self) -> bool:
        return self.process.alive and not self.process.frozen and not self.stopping

    def consumers(self) -> list[SimulatedConsumer]:
        found = [each.role._consumer for each in self.roles]
        return [each for each in found if isinstance(each, SimulatedConsumer)]

    def stop(self) -> None:
        self.stopping = True
        for each in self.roles:
            each.stop()


class Workforce:
    """Starts the workers of ``run``; what stops one of their roles is kept there."""

    def __init__(self, run: Simulation) -> None:
        self._run, self._born = run, 0

    def spawn(self) -> Worker:
        self._born += 1
        worker = Worker(Process(f"worker-{self._born}", self._run.tell), unfit=self._run.deploy.under_way)
        self._run.workers.append(worker)
        context = copy_context()
        context.run(OWNER.set, worker.process)
        self._run.loop.call_soon(self._start, worker, context=context)
        return worker

    def _start(self, worker: Worker) -> None:
        world = self._world(worker)
        resumes = Resumes(world.store, world.clock) if self._run.profile.deploys else None
        for service, name in self._run.profile.all_roles:
            fragile = self._run.calls.service(self._run.brittle.service(self._brittle(service, worker)))
            build = partial(build_role, fragile, name, world)
            supervised = Supervised(build, world.clock, resumes)
            worker.roles.append(supervised)
            asyncio.ensure_future(self._lived(worker, supervised))  # noqa: RUF006  # the loop keeps its tasks

    def _world(self, worker: Worker) -> World:
        run = self._run
        shape = Random(f"{run.plan.seed}/{worker.process.name}")
        return World(
            environment="sim",
            log=run.log,
            store=run.store,
            clock=SimulatedClock(run.loop, worker.process),
            metrics=NoMetrics(),
            random=shape,
            ports=run.ports,
            pace=self._pace(shape),
            conveyor=Conveyor(
                requests=shape.choice((1, 2, 8)),
                roots=shape.choice((1, 2, 25)),
                folded=shape.choice((1, 3, 25)),
                unpublished=shape.choice((600, 128 * 1024)),
                cached=shape.choice((0, 1, 4000)),
                look_for_parked=shape.choice((0.1, 0.4)),
                fuse=run.profile.fuse,
            ),
            effects=EffectPace(calls=shape.choice((1, 16)), running=shape.choice((2, 400)), sweep=0.5),
            projection_interval=shape.choice((0.0, 0.05, 0.3)),
            timers=self._timers(shape),
            raw_sealer=ReadableRaw(),
        )

    def _pace(self, shape: Random) -> Pace:
        commit_every, drain, in_flight = shape.choice((0.06, 0.15, 0.4)), shape.choice((0.05, 0.3)), shape.choice((4, 4000))
        return Pace(commit_every=commit_every, drain=drain, in_flight=in_flight, behind=3 * in_flight)

    def _timers(self, shape: Random) -> TimersPace:
        """The margin is what this run's clocks may differ by, and no more."""
        wrong = (BROKER + WORKER) * self._run.profile.clocks if Fault.CLOCK in self._run.faults.rates else 0
        look = shape.choice((0.2, 0.5))
        return TimersPace(
            margin=wrong / 1000,
            look=look,
            near=look * shape.choice((1, 3)),
            held=shape.choice((1, 3, 20_000)),
            at_once=shape.choice((1, 2, 100)),
        )

    def _brittle(self, service: Service, worker: Worker) -> Service:
        """The real decisions, but for those that raise for a while."""
        poison = self._run.poison

        def brittle(handler: Handler[Any, Any]) -> Handler[Any, Any]:
            def decide(state: Any, command: Command[Any], at: Any) -> Any:
                if worker.unfit:
                    raise Unfit(command.id)
                if poison.get(command.id, 0) > 0:
                    poison[command.id] -= 1
                    raise Poisonous(command.id)
                return handler.decide(state, command, at)

            return replace(handler, decide=decide)

        if not poison and not self._run.profile.deploys:
            return service
        return replace(service, handlers=tuple(brittle(handler) for handler in service.handlers))

    async def _lived(self, worker: Worker, supervised: Supervised) -> None:
        try:
            await supervised.run()
        except Exception as error:  # noqa: BLE001  # whatever stops a role is a broken promise, but for a fuse that was meant to trip
            if not (isinstance(error, FuseTripped) and self._run.profile.deploys):
                self._run.failures.append(f"{supervised.role.name} of {worker.process.name} stopped: {type(error).__name__}: {error}")
        worker.roles.remove(supervised)
        worker.process.alive = bool(worker.roles)
