"""The verdict on a run: what the servers hold and saw, against what a service run without any fault comes to (the oracle)."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import Envelope, text_headers
from contracts.ids import derived, event_id, timer_id
from contracts.message import CommandData, EventData
from contracts.platform import CommandRefused, CommandSettled, Settlement, TimerCancelled, TimerScheduled
from contracts.position import Origin, Position
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import CommandId, Timestamp
from tests.simulation.log import EPOCH
from tests.support.oracle import Oracle
from workers.engine.decision import Accepted, Claim, Command, Item, ItemRef, Refused, ScheduleTimer
from workers.engine.holds import HEAD
from workers.engine.parking import PARKED
from workers.engine.record import Partition, Record
from workers.engine.root import HOLD, Root
from workers.engine.service import Service

if TYPE_CHECKING:
    from tests.simulation.profiles import Profile
    from tests.simulation.simulation import Simulation

RING = 16
BOOKS = "_seen"
CLAIMED = frozenset({"address_taken", "email_taken"})
"""Reasons of whoever comes too late for a claim."""


@dataclass(slots=True)
class Judged:
    """One record of the commands topic. ``said``: ids of the messages its verdict makes, in order. ``applied``: when, in the journal,
    the row that holds its verdict was written; -1 for one that needs none."""

    record: Record
    envelope: Envelope
    data: CommandData
    said: list[str] = field(default_factory=list)
    verdict: str = ""
    reason: str = ""
    applied: int = -1


@dataclass(frozen=True, slots=True)
class Message:
    """What an event must say."""

    kind: str
    value: bytes
    key: str
    time: str
    cause: str
    actor: str
    correlation: str
    position: str


@dataclass(frozen=True, slots=True)
class Publication:
    place: int
    record: Record
    envelope: Envelope


@cache
def before(profile: Profile, name: str) -> Mapping[ItemRef, Item]:
    """Rows of the service of this name that are there when a run begins."""
    oracle = Oracle(next(service for service in profile.judged if service.name == name))
    for command in profile.before():
        if command.service == name:
            oracle.send(command, actor=profile.seeder, at=from_milliseconds(EPOCH - 60_000))
    return oracle.items


class Judge(Oracle):
    """Judges the log in the order in which its verdicts were written: per key that of the log, across keys that of the store, which
    is what decides who gets a claim. A refusal for a lost claim is taken from the event that published it."""

    def __init__(self, profile: Profile, service: Service, refused: Mapping[str, set[str]]) -> None:
        super().__init__(service, dict(before(profile, service.name)))
        self.refused = refused
        self.rings: dict[ItemRef, deque[str]] = {ref: deque(maxlen=RING) for ref in self.items}
        self.expected: dict[str, list[Message]] = defaultdict(list)
        self.order: dict[str, list[str]] = defaultdict(list)

    def judge(self, judged: Judged, origin: Origin, held: Root | None = None) -> None:
        """``held``: the books of the first write that covers the record, of a root that was held before. Whether a refusal on an absent
        root left a trace then depends on who judged it, before or after the hold gave the root books: both are right, the books tell."""
        envelope, data = judged.envelope, judged.data
        handler = self.service.handler_of[data.kind()]
        root = handler.aggregate.root(data.key)
        ring = self.rings.get(root)
        if ring is not None and envelope.id in ring:
            judged.verdict = "recognised"
            return
        at = from_milliseconds(judged.record.timestamp)
        if (row := self.items.get(root)) is not None:
            at = max(at, row["updatedAt"])
        command = CommandId(envelope.id)
        lost = self._lost(command)
        decision = lost or self.send(data, actor=envelope.actor, at=at, id=command)
        refused = isinstance(decision, Refused) and lost is None
        traceless = ring is None if held is None else root not in self.items and not held.knows(command)
        if traceless and refused and not self._reads(handler, root, data, envelope):
            judged.applied = -1
        else:
            self.rings.setdefault(root, deque(maxlen=RING)).append(envelope.id)
        judged.reason = decision.reason if isinstance(decision, Refused) else ""
        judged.verdict = "refused" if judged.reason else "applied" if isinstance(decision, Accepted) else "unchanged"
        self._say(judged, decision, at, origin)

    def _lost(self, command: CommandId) -> Refused | None:
        reasons = self.refused.get(command, set())
        claimed = CLAIMED & reasons
        return Refused(min(claimed)) if claimed else None

    def _reads(self, handler: Any, root: ItemRef, data: CommandData, envelope: Envelope) -> bool:
        state = handler.aggregate.load(data.key, {})
        return bool(tuple(handler.reads(state, Command(CommandId(envelope.id), data.key, envelope.actor, data))))

    def _say(self, judged: Judged, decision: Any, at: Timestamp, origin: Origin) -> None:
        envelope = judged.envelope
        for index, event in enumerate(_events(decision, judged)):
            name = type(event).__name__
            said = event_id(CommandId(envelope.id), name, index)
            message = Message(
                kind=event.kind(self.service.name),
                value=event.to_json(),
                key=envelope.subject,
                time=at,
                cause=envelope.id,
                actor=envelope.actor,
                correlation=envelope.correlation_id,
                position=f"{origin}/{judged.record.offset}",
            )
            self.expected[said].append(message)
            judged.said.append(said)
            self.order[envelope.subject].append(said)


def _events(decision: Any, judged: Judged) -> Sequence[EventData]:
    envelope = judged.envelope
    if isinstance(decision, Refused):
        data = judged.data
        refusal = CommandRefused(command_id=CommandId(envelope.id), command_type=data.kind(), key=data.key, reason=decision.reason)
        return [refusal]
    if isinstance(decision, Accepted) and (decision.events or decision.timers):
        return [*decision.events, *(_timer(each) for each in decision.timers)]
    if envelope.receipt is None:
        return []
    outcome = Settlement.APPLIED if isinstance(decision, Accepted) else Settlement.UNCHANGED
    return [CommandSettled(command_id=CommandId(envelope.id), outcome=outcome)]


def _timer(timer: Any) -> EventData:
    name = timer_id(timer.timer, timer.owner)
    if not isinstance(timer, ScheduleTimer):
        return TimerCancelled(timer_id=name, timer=timer.timer)
    return TimerScheduled(
        timer_id=name,
        timer=timer.timer,
        due_at=timer.due_at,
        command_type=timer.command.kind(),
        key=timer.command.key,
        data=timer.command.to_item(),
    )


class Evidence:
    """A run as far as one service goes, read once: commands judged by the oracle, events as published, commits as made."""

    def __init__(self, simulation: Simulation, service: Service) -> None:
        self.simulation, self.profile = simulation, simulation.profile
        self.service = service
        self.roles = [role for other, role in self.profile.all_roles if other.name == service.name]
        self.published: dict[str, list[Publication]] = {}
        self.commits: list[tuple[int, str, Partition, int]] = []
        self.writes: list[tuple[int, ItemRef, Root]] = []
        self.commands: dict[Partition, list[Judged | None]] = defaultdict(list)
        self.invalid: list[tuple[Record, InvalidRecord]] = []
        self.parked: dict[tuple[Origin, int], int] = {}
        self.holds: dict[ItemRef, list[tuple[int, Position]]] = {}
        self._read()
        self.judge = Judge(self.profile, service, self._refusals())
        self._judge()

    def _read(self) -> None:
        commands, events = commands_topic(self.service.name), events_topic(self.service.name)
        for place, entry in enumerate(self.simulation.journal):
            if entry.what == "append":
                record: Record = entry.details[0]
                if record.partition.topic == commands:
                    self._command(record)
                elif record.partition.topic == events:
                    envelope = Envelope.from_headers(text_headers(record.headers))
                    self.published.setdefault(envelope.id, []).append(Publication(place, record, envelope))
            elif entry.what == "row":
                ref, item = entry.details
                if item and BOOKS in item:
                    self.writes.append((place, ref, Root.of(item)))
                    if HOLD in item:
                        self.holds.setdefault(ref, []).append((place, Position.parse(item[HOLD])))
                elif item and ref.table == PARKED and ref.range != HEAD:
                    self.parked.setdefault((item["origin"], item["offset"]), place)
            elif entry.what == "commit":
                group, partition, offset = entry.details
                self.commits.append((place, group, partition, offset.offset))

    def _command(self, record: Record) -> None:
        try:
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
            assert isinstance(decoded.data, CommandData)
        except InvalidRecord as invalid:
            self.invalid.append((record, invalid))
            self.commands[record.partition].append(None)
        else:
            self.commands[record.partition].append(Judged(record, decoded.envelope, decoded.data))

    def _refusals(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for publications in self.published.values():
            first = publications[0]
            if first.envelope.kind.endswith(".CommandRefused.v1"):
                refusal = CommandRefused.model_validate_json(first.record.value or b"")
                found[refusal.command_id].add(refusal.reason)
        return found

    def _judge(self) -> None:
        lanes: dict[ItemRef, deque[Judged]] = defaultdict(deque)
        for records in self.commands.values():
            for judged in records:
                if judged is not None:
                    handler = self.service.handler_of[judged.data.kind()]
                    lanes[handler.aggregate.root(judged.data.key)].append(judged)
        for place, ref, root in self.writes:
            for origin, offset in root.seen.items():
                lane = lanes.get(ref)
                while lane and self.simulation.log.origin(lane[0].record.partition) == origin and lane[0].record.offset <= offset:
                    judged = lane.popleft()
                    judged.applied = place
                    held = any(earlier < place for earlier, _ in self.holds.get(ref, ()))
                    self.judge.judge(judged, origin, root if held else None)
        for lane in lanes.values():
            for judged in lane:
                self.judge.judge(judged, self.simulation.log.origin(judged.record.partition))
                if judged.verdict != "refused":
                    judged.applied = len(self.simulation.journal)

    def parked_at(self, judged: Judged) -> int | None:
        """When the record was safe in its key's waiting line: its row stored, its root held at or beyond it."""
        handler = self.service.handler_of[judged.data.kind()]
        origin = self.simulation.log.origin(judged.record.partition)
        row = self.parked.get((origin, judged.record.offset))
        holds = self.holds.get(handler.aggregate.root(judged.data.key), ())
        held = next((place for place, hold in holds if hold.origin == origin and hold.offset >= judged.record.offset), None)
        return max(row, held) if row is not None and held is not None else None

    def all_judged(self) -> Iterator[Judged]:
        for records in self.commands.values():
            yield from (judged for judged in records if judged is not None)


def violations(simulation: Simulation) -> list[str]:
    """Empty when every promise was kept."""
    from tests.simulation import promises

    found = [*simulation.failures, *simulation.loop.errors]
    if found:
        return found
    found += [f"not settled: {each}" for each in simulation.open_ends()]
    for service in simulation.profile.judged:
        evidence = Evidence(simulation, service)
        for promise in promises.ALL:
            found += promise(evidence)
    return found


def failure_id(role: str, origin: Origin, offset: int) -> str:
    return derived(f"failure:{role}:{origin}/{offset}")


__all__ = ["Claim", "Evidence", "Judged", "before", "failure_id", "violations"]
