"""One run: workers of a profile over a simulated log, store and outside, with faults for a while and peace at the end."""

import asyncio
import gc
import hashlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any
from unittest import mock

from contracts.envelope import Envelope
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import CommandId
from tests.simulation.faults import Fault, Faults
from tests.simulation.group import SimulatedConsumer
from tests.simulation.judge import before, violations
from tests.simulation.log import EPOCH, SimulatedLog
from tests.simulation.loop import OWNER, Process, SimulatedLoop, Stuck
from tests.simulation.network import Network
from tests.simulation.profiles import PROFILES, Profile, ports
from tests.simulation.providers import Outside
from tests.simulation.store import SimulatedStore
from tests.simulation.trouble import Trouble
from tests.simulation.workload import Sent, drawn
from workers.engine import bookmarks, calling, draining, effects, ledger, parking
from workers.engine import role as roles
from workers.engine.aggregate import Handler
from workers.engine.bookmarks import watermark_ref
from workers.engine.decision import Command
from workers.engine.effects import EffectPace
from workers.engine.fuse import FuseLimits
from workers.engine.ledger import EFFECTS
from workers.engine.metrics import NoMetrics
from workers.engine.parking import PARKED
from workers.engine.planning import Conveyor
from workers.engine.record import Outgoing, Partition, Record
from workers.engine.retry import Backoff
from workers.engine.role import Pace, Role
from workers.engine.root import HOLD, VERSION
from workers.engine.runtime import World, build_role
from workers.engine.service import Service

MOST_STEPS = 300_000
PEACE = 60.0
"""Seconds of virtual time within which everything must be settled once faults have ended."""
RUNS_A_SWEEP = 25
QUIET = 0.3
"""Seconds of rest that end a run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run is its plan: the same plan, the same run. ``dropped`` commands and ``without`` faults are for shrinking, ``often`` ones
    for the exam."""

    seed: int
    profile: str = ""
    dropped: frozenset[int] = frozenset()
    without: frozenset[Fault] = frozenset()
    often: frozenset[Fault] = frozenset()

    def chosen(self) -> Profile:
        names = list(PROFILES)
        return PROFILES[self.profile or names[Random(f"{self.seed}/profile").randrange(len(names))]]


class Poisonous(Exception):
    """A bug of a decision, for as long as it is not mended."""


class SimulatedClock:
    def __init__(self, loop: SimulatedLoop, process: Process) -> None:
        self._loop, self._process = loop, process

    def now(self) -> int:
        return EPOCH + int(self._loop.time() * 1000) + self._process.clock_offset

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Entry:
    """``at``: seconds of virtual time. ``what``: append (a record), commit (group, partition, offset), row (ref, as it is
    now), fault."""

    at: float
    what: str
    details: tuple[Any, ...]


@dataclass(slots=True, eq=False)
class Worker:
    process: Process
    roles: list[Role] = field(default_factory=list)
    stopping: bool = False

    def consumers(self) -> list[SimulatedConsumer]:
        found = [each._consumer for each in self.roles]
        return [each for each in found if isinstance(each, SimulatedConsumer)]


@contextmanager
def scaled() -> Iterator[None]:
    """Deadlines of minutes become seconds, and a role's last words are not printed."""
    changes: list[tuple[Any, str, Any]] = [
        (effects, "LEASE", 3000),
        (calling, "LEASE", 3000),
        (ledger, "LEASE", 3000),
        (calling, "AGAIN_AFTER", 1000),
        (calling, "PROVIDER", Backoff(0.02, 0.3)),
        (bookmarks, "KEEP_EVERY", 200),
        (parking, "RETRY", Backoff(0.05, 0.2)),
        (parking, "SAFETY", 4500),
        (draining, "SAFETY", 4500),
        (roles, "log", mock.Mock()),
    ]
    with ExitStack() as stack:
        for module, name, value in changes:
            stack.enter_context(mock.patch.object(module, name, value))
        yield


class Simulation:
    """``journal``: what the servers saw, in order. ``failures``: roles that stopped by themselves."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.profile = plan, plan.chosen()
        self.random = Random(f"{plan.seed}/shape")
        self.faults = Faults(plan.seed, plan.without, plan.often)
        order = Random(f"{plan.seed}/order")
        # typeshed declares everything abstract that asyncio itself does not ask for.
        self.loop = SimulatedLoop(order, self.random.choice((0.0, 0.3, 1.0)))  # type: ignore[abstract]
        slow = self.random.choice((0.001, 0.01, 0.04))
        self.network = Network(self.loop, Random(f"{plan.seed}/network"), slow)
        partitions = self.random.choice((1, 1, 2))
        services = {service.name for service, _ in self.profile.all_roles}
        names = [name(service) for service in sorted(services) for name in (commands_topic, events_topic)]
        self.log = SimulatedLog(dict.fromkeys(names, partitions), self.network, self.faults, self.tell)
        self.store = SimulatedStore(self.network, self.faults, self.tell)
        self.outside = Outside(self.network, self.faults)
        self.ports = ports(self.outside, self.log.now, self._webhook)
        self.journal: list[Entry] = []
        self.failures: list[str] = []
        self.workers: list[Worker] = []
        self.sent: list[Sent] = []
        self.poison: dict[str, int] = {}
        self._born = self._accepted = self._undelivered = 0

    # --- what is kept of a run ---------------------------------------------------------------------------------------

    def tell(self, what: str, *details: Any) -> None:
        self.journal.append(Entry(self.loop.time(), what, details))

    def trace(self) -> list[str]:
        """The journal for people."""
        return [f"{each.at:.4f} {each.what} " + " ".join(str(_brief(detail)) for detail in each.details) for each in self.journal]

    def digest(self) -> str:
        """The same for the same run, and only for it."""
        text = "\n".join([*self.trace(), str(self.loop.steps)])
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    # --- the run -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self._before()
        self.sent = drawn(self.profile.draw, Random(f"{self.plan.seed}/commands"), self.faults, self.plan.dropped)
        for each in self.sent:
            record = each.record()
            self._deliver(each.after, record)
            if self.faults.strikes(Fault.GARBAGE):
                self._deliver(each.after, replace(record, value=b"{"))
            if self.faults.strikes(Fault.POISON):
                self.poison[each.id] = self.random.randint(1, 3)
        for _ in range(self.random.choice((1, 1, 2))):
            self.spawn()
        trouble = self.random.choice((0.3, 0.8, 2.0))
        Trouble(self).schedule(trouble)
        try:
            self.loop.run(lambda: self.loop.time() >= trouble and not self._undelivered, MOST_STEPS)
            self._peace()
            self._until_settled()
        except Stuck as stuck:
            self.failures.append(str(stuck))

    def _before(self) -> None:
        for ref, item in before(self.profile).items():
            self.store.items[ref] = item

    def _peace(self) -> None:
        self.faults.active = False
        for worker in self.workers:
            if worker.process.frozen:
                self.loop.thaw(worker.process)
        if not any(worker.process.alive and not worker.stopping for worker in self.workers):
            self.spawn()

    def _until_settled(self) -> None:
        end, quiet_since = self.loop.time() + PEACE, self.loop.time()
        while self.loop.time() < end and not self.failures:
            until = self.loop.time() + 0.1
            self.loop.run(partial(self._reached, until), MOST_STEPS)
            if self.open_ends():
                quiet_since = self.loop.time()
            elif self.loop.time() - quiet_since >= QUIET:
                return

    def _reached(self, seconds: float) -> bool:
        return self.loop.time() >= seconds

    def open_ends(self) -> list[str]:
        """What is not settled yet."""
        under_way = self._undelivered + self.network.under_way
        found = [f"{under_way} late arrivals under way"] if under_way else []
        for name, group in self.log.groups.items():
            for partition in sorted(group.partitions):
                end = len(self.log.records[partition])
                offset = group.committed.get(partition)
                if end and (offset is None or offset.offset < end):
                    found.append(f"{name} committed {offset.offset if offset else 0} of {end} in {partition.topic}/{partition.number}")
        for ref, item in self.store.items.items():
            if ref.table == EFFECTS and "dueAt" in item:
                found.append(f"effect {item['effect']} is open")
            elif ref.table == PARKED:
                found.append(f"{ref.key} {ref.range} is parked")
            elif HOLD in item:
                found.append(f"{ref.key} is held")
        return found

    def accept_offset(self, group: str, partition: Partition) -> None:
        """What ``mindlinks resume`` does; the version lets no write that is under way undo it."""
        self._accepted += 1
        row = {"group": group, "origin": self.log.origin(partition), "offset": 0, "accepted": True, VERSION: 1000 * self._accepted}
        self.store.items[watermark_ref(group, partition)] = row

    def dispose(self) -> None:
        for worker in self.workers:
            worker.process.alive = False
        self.loop.dispose()

    # --- deliveries --------------------------------------------------------------------------------------------------

    def _deliver(self, after: float, record: Outgoing) -> None:
        self._undelivered += 1
        self.network.later(after, lambda: self._arrive(record))

    def _arrive(self, record: Outgoing) -> None:
        self._undelivered -= 1
        self.log.arrive(self.log.partition_of(commands_topic(self.profile.service.name), record.key), [record])

    def _webhook(self, command_id: CommandId, data: CommandData) -> None:
        envelope = Envelope(
            id=command_id,
            kind=data.kind(),
            source="/simulation/webhooks",
            subject=data.key,
            time=from_milliseconds(EPOCH),
            correlation_id=command_id,
            causation_id=command_id,
            actor="system:stripe",
        )
        record = Outgoing(data.key.encode(), data.to_json(), envelope.headers())
        self._deliver(self.network.spread(1.5) if self.faults.strikes(Fault.REORDERED) else self.network.spread(0.05), record)
        if self.faults.strikes(Fault.DOUBLED):
            self._deliver(self.network.spread(0.3), record)

    # --- processes ---------------------------------------------------------------------------------------------------

    def spawn(self) -> Worker:
        self._born += 1
        worker = Worker(Process(f"worker-{self._born}"))
        self.workers.append(worker)
        context = copy_context()
        context.run(OWNER.set, worker.process)
        self.loop.call_soon(self._start, worker, context=context)
        return worker

    def _start(self, worker: Worker) -> None:
        shape = Random(f"{self.plan.seed}/{worker.process.name}")
        world = World(
            environment="sim",
            log=self.log,
            store=self.store,
            clock=SimulatedClock(self.loop, worker.process),
            metrics=NoMetrics(),
            random=shape,
            ports=self.ports,
            pace=Pace(commit_every=shape.choice((0.06, 0.15, 0.4)), drain=shape.choice((0.05, 0.3)), in_flight=shape.choice((4, 4000))),
            conveyor=Conveyor(
                requests=shape.choice((1, 2, 8)),
                roots=shape.choice((1, 2, 25)),
                folded=shape.choice((1, 3, 25)),
                unpublished=shape.choice((600, 128 * 1024)),
                cached=shape.choice((0, 1, 4000)),
                look_for_parked=shape.choice((0.1, 0.4)),
                fuse=FuseLimits(window=100),
            ),
            effects=EffectPace(calls=shape.choice((1, 16)), running=shape.choice((2, 400)), sweep=0.5),
            projection_interval=shape.choice((0.0, 0.05, 0.3)),
        )
        for service, name in self.profile.all_roles:
            role = build_role(self._poisoned(service), name, world)
            worker.roles.append(role)
            asyncio.ensure_future(self._lived(worker, role))  # noqa: RUF006  # the loop keeps its tasks

    def _poisoned(self, service: Service) -> Service:
        """The real decisions, but for those that raise for a while."""

        def brittle(handler: Handler[Any, Any]) -> Handler[Any, Any]:
            def decide(state: Any, command: Command[Any], at: Any) -> Any:
                if self.poison.get(command.id, 0) > 0:
                    self.poison[command.id] -= 1
                    raise Poisonous(command.id)
                return handler.decide(state, command, at)

            return replace(handler, decide=decide)

        return replace(service, handlers=tuple(brittle(handler) for handler in service.handlers)) if self.poison else service

    async def _lived(self, worker: Worker, role: Role) -> None:
        try:
            await role.run()
        except Exception as error:  # noqa: BLE001  # whatever stops a role is a broken promise
            self.failures.append(f"{role.name} of {worker.process.name} stopped: {type(error).__name__}: {error}")
        worker.roles.remove(role)
        worker.process.alive = bool(worker.roles)


def _brief(value: object) -> object:
    if isinstance(value, Record):
        return f"{value.partition.topic}/{value.partition.number}/{value.offset} {dict(value.headers).get('ce_type')!r} {value.value!r}"
    return value


@contextmanager
def many_runs() -> Iterator[None]:
    """Around runs: what crashed workers leave behind is swept up now and then, and silently."""
    gc.collect()
    gc.freeze()
    gc.disable()
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
            gc.collect()
    finally:
        sys.unraisablehook = hook
        gc.enable()
        gc.unfreeze()


def run(plan: Plan) -> tuple[Simulation, Sequence[str]]:
    """The run and the promises it broke."""
    simulation = Simulation(plan)
    with scaled():
        simulation.run()
        try:
            return simulation, violations(simulation)
        finally:
            simulation.dispose()
            if plan.seed % RUNS_A_SWEEP == 0:
                gc.collect()
