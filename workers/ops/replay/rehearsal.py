"""A replay that changes nothing: its records go through the real decisions and reactions, over tables that keep nothing.

The commands that reactions send are judged in turn, after the records that were read together; effects are only named, timers only
counted. What live traffic, effects' results and timers would do in the meantime nobody can know.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any, Final

from contracts.catalogue import InvalidRecord
from contracts.ids import effect_id
from contracts.platform import TimerScheduled
from contracts.position import Origin
from contracts.timestamps import to_milliseconds
from contracts.topics import TOPICS, commands_topic, events_topic
from contracts.types import EffectId
from workers.engine.arrivals import Arrival, arrival_of
from workers.engine.decision import ItemRef
from workers.engine.intake import waiting_of
from workers.engine.ledger import EFFECTS
from workers.engine.memory import MemoryLog
from workers.engine.metrics import NoMetrics
from workers.engine.outcome import Outcome
from workers.engine.parking import Failure
from workers.engine.partitioner import partition_of
from workers.engine.ports import Clock, Store
from workers.engine.reactions import ReactionsSink
from workers.engine.reading import Span
from workers.engine.record import Outgoing, Partition, Record
from workers.engine.service import Service
from workers.ops.replay.deciding import PARKED, RECOGNISED, Deciding, Judged
from workers.ops.replay.differences import RowDifference, differences
from workers.ops.replay.overlay import OverlayStore
from workers.ops.replay.plan import ReplayPlan
from workers.ops.replay.repeating import Passed, Repeater
from workers.ops.replay.selection import is_events
from workers.ops.replay.tally import Tally

AHEAD: Final = 1 << 40
"""Offsets of what is only rehearsed: beyond everything a log holds."""


@dataclass(slots=True)
class Calls:
    """Effects of one provider: ``out`` would be called, ``withheld`` may not by ``--effects``, ``known`` are in the ledger already."""

    out: int = 0
    withheld: int = 0
    known: int = 0


@dataclass(slots=True)
class Prediction:
    """``tally``: as the real run will find it. ``stuck``: why records would park. ``caused``: verdicts on what reactions send."""

    tally: Tally = field(default_factory=Tally)
    passed: Counter[str] = field(default_factory=Counter)
    stuck: Counter[str] = field(default_factory=Counter)
    caused: Counter[str] = field(default_factory=Counter)
    effects: dict[str, Calls] = field(default_factory=dict)
    timers: int = 0
    timers_due: int = 0

    def told(self) -> dict[str, Any]:
        calls = {name: {"out": each.out, "withheld": each.withheld, "known": each.known} for name, each in sorted(self.effects.items())}
        return {
            **self.tally.told(),
            "passed": dict(self.passed),
            "stuck": dict(self.stuck),
            "causedVerdicts": dict(self.caused),
            "effects": calls,
            "timers": {"scheduled": self.timers, "dueAlready": self.timers_due},
        }


class Rehearsal:
    """``take`` the records of a replay in their order, as many at once as are to be read together. Raises StoreUnavailable."""

    def __init__(self, services: Iterable[Service], live: Store, plan: ReplayPlan, spans: Mapping[Partition, Span], clock: Clock) -> None:
        self._services = {service.name: service for service in services}
        self._plan, self._clock = plan, clock
        self._repeater = Repeater(plan, spans)
        self._origins = {each: span.origin for each, span in spans.items()}
        self.store = OverlayStore(live)
        self._deciding = {name: Deciding(service, self.store) for name, service in self._services.items()}
        nowhere, metrics = MemoryLog({}), NoMetrics()
        self._reactions = {
            name: ReactionsSink(service, nowhere, self.store, clock, metrics, SystemRandom()) for name, service in self._services.items()
        }
        self._reacting: dict[str, list[str]] = {}
        for name, service in self._services.items():
            for kind in {reaction.event.kind() for reaction in service.reactions}:
                self._reacting.setdefault(kind, []).append(name)
        self._offsets: Counter[Partition] = Counter()
        self._stuck: set[tuple[str, str]] = set()
        self._refused: set[str] = set()
        self._latest = 0
        self.found = Prediction()

    async def take(self, records: Sequence[Record]) -> None:
        """Returns when everything they cause is judged; forgets what it only read."""
        queue: deque[Record] = deque()
        sent: list[Record] = []
        for record in records:
            self._latest = max(self._latest, record.timestamp)
            made = self._repeater.outgoing(record, self._clock.now())
            if isinstance(made, Passed):
                self.found.passed[made.value] += 1
            else:
                sent.append(self._appended(record.partition, made))
        direct, calls = True, list[tuple[EffectId, str, bool]]()
        while sent:
            await self._read_ahead(sent)
            for record in sent:
                queue += await self._one(record, calls, direct=direct)
            sent, direct = list(queue), False
            queue.clear()
        await self._count_calls(calls)
        self.store.forget()

    def differences(self) -> Iterator[tuple[str, list[RowDifference]]]:
        """By key; as of what was taken so far."""
        touched: dict[ItemRef, str] = {}
        for deciding in self._deciding.values():
            touched |= deciding.touched
        return differences(self.store, touched)

    # --- one record --------------------------------------------------------------------------------------------------

    async def _one(self, record: Record, calls: list[tuple[EffectId, str, bool]], *, direct: bool) -> list[Record]:
        """The commands that follow."""
        if is_events(record.partition.topic):
            return await self._heard(record, calls)
        owner = TOPICS[record.partition.topic].owner
        service = self._services.get(owner)
        if service is None:
            return []
        try:
            ref, waiting = waiting_of(service, self._origin(record.partition), record)
        except InvalidRecord:
            self.found.passed[Passed.UNREADABLE.value] += direct
            return []
        judged = await self._judged(service, ref, waiting)
        self._count(judged, direct=direct)
        following: list[Record] = []
        for event in self._told(judged.outcomes, waiting.command.key, service.name, record.partition.number):
            following += await self._heard(event, calls)
        return following

    async def _judged(self, service: Service, ref: ItemRef, waiting: Any) -> Judged:
        """Behind a parked command its key's later ones park, too."""
        line = (service.name, waiting.command.key)
        if line in self._stuck:
            return Judged(PARKED, why="behind a parked command of its key")
        judged = await self._deciding[service.name].judge(ref, waiting)
        if judged.verdict == PARKED:
            self._stuck.add(line)
        if judged.refused and waiting.command.id in self._refused:
            # Judged again, for nothing remembers it; the event it says again is known by its id.
            return Judged(RECOGNISED)
        if judged.traceless:
            self._refused.add(waiting.command.id)
        return judged

    def _told(self, outcomes: Sequence[Outcome], key: str, service: str, number: int) -> Iterator[Record]:
        target = Partition(events_topic(service), number)
        for outcome in outcomes:
            for message in outcome.messages(key, f"/mindlinks/{service}/commands", 0):
                yield self._appended(target, message)

    async def _heard(self, record: Record, calls: list[tuple[EffectId, str, bool]]) -> list[Record]:
        """Reactions and effects of one event, of those it is for."""
        arrival = arrival_of(record, self._origin(record.partition), lambda: None, lambda envelope: envelope.late, parked=False)
        if arrival is None:
            return []
        replay = arrival.envelope.replay
        self.found.tally.events += not (replay and replay.is_copy)
        if isinstance(arrival.event.data, TimerScheduled):
            self.found.timers += 1
            self.found.timers_due += to_milliseconds(arrival.event.data.due_at) <= self._clock.now()
        calls += self._calls(arrival)
        following: list[Record] = []
        for name in self._reacting.get(arrival.envelope.kind, ()):
            if replay is None or replay.is_for(f"{name}-reactions"):
                following += await self._sent_by(name, arrival)
        return following

    async def _sent_by(self, service: str, arrival: Arrival) -> list[Record]:
        try:
            commands = await self._reactions[service].commands_of(arrival)
        except Exception as error:  # noqa: BLE001  # a bug of the reaction: its role would park the event
            self.found.stuck[Failure.of(error, arrival.envelope.kind).fingerprint] += 1
            return []
        made: list[Record] = []
        for topic, records in commands.items():
            made += [self._appended(Partition(topic, partition_of(each.key, TOPICS[topic].partitions)), each) for each in records]
        return made

    # --- effects -----------------------------------------------------------------------------------------------------

    def _calls(self, arrival: Arrival) -> Iterator[tuple[EffectId, str, bool]]:
        """Id, provider, and whether the replay may call it."""
        replay = arrival.envelope.replay
        for name, service in self._services.items():
            if replay is not None and not replay.is_for(f"{name}-effects"):
                continue
            for effect in service.effects:
                if effect.event.kind() == arrival.envelope.kind and effect.when(arrival.event):
                    yield effect_id(arrival.event.id, effect.name), effect.provider, replay is None or replay.allows(effect.provider)

    async def _count_calls(self, calls: Sequence[tuple[EffectId, str, bool]]) -> None:
        known = await self.store.get([ItemRef(EFFECTS, effect) for effect, _, _ in calls])
        for effect, provider, allowed in dict.fromkeys(calls):
            found = self.found.effects.setdefault(provider, Calls())
            found.known += ItemRef(EFFECTS, effect) in known
            found.out += allowed and ItemRef(EFFECTS, effect) not in known
            found.withheld += not allowed and ItemRef(EFFECTS, effect) not in known

    # --- counting and reading ------------------------------------------------------------------------------------------

    def _count(self, judged: Judged, *, direct: bool) -> None:
        tally = self.found.tally
        if judged.why:
            self.found.stuck[judged.why] += 1
        if not direct:
            self.found.caused[judged.verdict] += 1
            tally.caused += bool(judged.outcomes)
        elif judged.refused:
            tally.refused[judged.verdict] += 1
        else:
            setattr(tally, judged.verdict, getattr(tally, judged.verdict) + 1)

    async def _read_ahead(self, records: Sequence[Record]) -> None:
        """All roots in one go: a read each would take as long as everything else."""
        refs: list[ItemRef] = []
        for record in records:
            service = self._services.get(TOPICS[record.partition.topic].owner)
            if service is None or record.partition.topic != commands_topic(service.name):
                continue
            try:
                refs.append(waiting_of(service, self._origin(record.partition), record)[0])
            except InvalidRecord:
                continue
        await self.store.get(refs)

    def _origin(self, partition: Partition) -> Origin:
        return self._origins.setdefault(partition, Origin(f"rehearsal-{partition.topic}/{partition.number}"))

    def _appended(self, partition: Partition, outgoing: Outgoing) -> Record:
        """As if it stood in the log, behind everything."""
        offset = AHEAD + self._offsets[partition]
        self._offsets[partition] += 1
        # A machine whose clock trails the broker's must not make what is rehearsed older than what it follows from.
        now = max(self._clock.now(), self._latest)
        return Record(partition, offset, outgoing.key, outgoing.value, outgoing.headers, now)
