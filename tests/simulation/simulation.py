"""One run: workers of a profile over a simulated log, store and outside, with faults for a while and peace at the end."""

import gc
import hashlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from contracts.envelope import Envelope
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import CommandId
from tests.simulation.brittle import Brittle
from tests.simulation.calls import Calls
from tests.simulation.deploy import Deploy
from tests.simulation.faults import Fault, Faults
from tests.simulation.judge import before, violations
from tests.simulation.log import EPOCH, SimulatedLog
from tests.simulation.loop import OWNER, SimulatedLoop, Stuck
from tests.simulation.network import Network
from tests.simulation.profiles import PROFILES, Profile, ports
from tests.simulation.providers import Outside
from tests.simulation.replaying import Replaying
from tests.simulation.scaling import scaled
from tests.simulation.store import SimulatedStore
from tests.simulation.trouble import Trouble
from tests.simulation.workforce import Worker, Workforce
from tests.simulation.workload import Sent, drawn
from workers.engine.bookmarks import watermark_ref
from workers.engine.holds import HEAD
from workers.engine.ledger import EFFECTS
from workers.engine.parking import PARKED
from workers.engine.record import Outgoing, Partition, Record
from workers.engine.root import HOLD, VERSION
from workers.engine.timer_rows import TIMERS

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


@dataclass(frozen=True, slots=True)
class Entry:
    """``at``: seconds of virtual time. ``what``: append (a record), commit (group, partition, offset), row (ref, as it is
    now), fault, calling and called (effect id, name, what it came to), fuse (its number in its process, fingerprint, key, now, its
    window's beginning, how many judged, tripped), mended. ``by``: the process that did it, empty for what happens at the servers."""

    at: float
    what: str
    details: tuple[Any, ...]
    by: str = ""


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
        self.ports = ports(self.outside, self.log.now, self._webhook, self.profile.key_memory)
        self.journal: list[Entry] = []
        self.failures: list[str] = []
        self.workers: list[Worker] = []
        self.sent: list[Sent] = []
        self.poison: dict[str, int] = {}
        self.brittle, self.calls = Brittle(plan.seed, self.faults), Calls(plan.seed, self.faults, self.tell, self.profile.key_lifetime)
        self._accepted = self._undelivered = 0
        self.deploy, self.trouble, self._workforce = Deploy(self), Trouble(self), Workforce(self)
        self.replaying = Replaying(self)

    # --- what is kept of a run ---------------------------------------------------------------------------------------

    def tell(self, what: str, *details: Any) -> None:
        process = OWNER.get()
        self.journal.append(Entry(self.loop.time(), what, details, process.name if process else ""))

    def trace(self) -> list[str]:
        """The journal for people."""
        return [f"{each.at:.4f} {each.what} " + " ".join(str(_brief(detail)) for detail in each.details) for each in self.journal]

    def digest(self) -> str:
        """The same for the same run, and only for it."""
        text = "\n".join([*self.trace(), str(self.loop.steps)])
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def spawn(self) -> Worker:
        return self._workforce.spawn()

    # --- the run -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self._before()
        self.sent = drawn(
            self.profile.draw,
            Random(f"{self.plan.seed}/commands"),
            self.faults,
            self.plan.dropped,
            self.profile.counts,
            self.profile.longer,
            unread=self.profile.unread,
        )
        skipped = self.replaying.skip_the_first(len(self.sent) // 2)
        for index, each in enumerate(self.sent):
            record = each.record()
            deliver = partial(self._deliver, each.after) if index >= skipped else self._there_before
            deliver(each.data, record)
            if self.faults.strikes(Fault.GARBAGE):
                deliver(each.data, replace(record, value=b"{"))
            if self.faults.strikes(Fault.POISON):
                self.poison[each.id] = self.random.randint(1, 3)
        if skipped:
            self.replaying.skip()
        for _ in range(self.random.choice((1, 1, 2))):
            self.spawn()
        trouble = self.random.choice((0.3, 0.8, 2.0)) * self.profile.longer
        self.trouble.schedule(trouble)
        self.replaying.schedule(trouble)
        self.deploy.schedule()
        try:
            self.loop.run(lambda: self._over(trouble), MOST_STEPS)
            self._peace()
            self._until_settled()
        except Stuck as stuck:
            self.failures.append(str(stuck))

    def _before(self) -> None:
        for service in self.profile.judged:
            for ref, item in before(self.profile, service.name).items():
                self.store.items[ref] = {**item, VERSION: 1}

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
            if self.loop.time() < until:
                # Nothing is left to do: every worker ended, and said why.
                return
            if self.open_ends():
                quiet_since = self.loop.time()
            elif self.loop.time() - quiet_since >= QUIET:
                return

    def _reached(self, seconds: float) -> bool:
        return self.loop.time() >= seconds

    def _over(self, trouble: float) -> bool:
        return self.loop.time() >= trouble and not self._undelivered and not self.deploy.pending

    def open_ends(self) -> list[str]:
        """What is not settled yet."""
        under_way = self._undelivered + self.network.under_way
        found = [f"{under_way} late arrivals under way"] if under_way else []
        found += [f"replay {each} is not sent" for each in sorted(self.replaying.open)]
        for name, group in self.log.groups.items():
            for partition in sorted(group.partitions):
                end = len(self.log.records[partition])
                offset = group.committed.get(partition)
                if end and (offset is None or offset.offset < end):
                    found.append(f"{name} committed {offset.offset if offset else 0} of {end} in {partition.topic}/{partition.number}")
        for ref, item in self.store.items.items():
            if ref.table == EFFECTS and "dueAt" in item:
                found.append(f"effect {item['effect']} is open")
            elif ref.table == PARKED and (ref.range != HEAD or item["holds"]):
                found.append(f"{ref.key} {ref.range} is parked")
            elif ref.table == TIMERS and "dueBucket" in item:
                found.append(f"{item['timer']} of {item['key']} waits")
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

    def _deliver(self, after: float, data: CommandData, record: Outgoing) -> None:
        self._undelivered += 1
        self.network.later(after, lambda: self._arrive(data.service, record))

    def _there_before(self, data: CommandData, record: Outgoing) -> None:
        self.log.arrive(self.log.partition_of(commands_topic(data.service), record.key), [record])

    def _arrive(self, service: str, record: Outgoing) -> None:
        self._undelivered -= 1
        self.log.arrive(self.log.partition_of(commands_topic(service), record.key), [record])

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
        self._deliver(self.network.spread(1.5) if self.faults.strikes(Fault.REORDERED) else self.network.spread(0.05), data, record)
        if self.faults.strikes(Fault.DOUBLED):
            self._deliver(self.network.spread(0.3), data, record)


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
