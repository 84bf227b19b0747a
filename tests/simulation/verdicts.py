"""What a service run without any fault comes to: the oracle over the records of a run, with what the engine promises of records that come
again."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from contracts.envelope import Envelope
from contracts.ids import event_id, timer_id
from contracts.message import CommandData, EventData
from contracts.platform import CommandRefused, CommandSettled, Settlement, TimerCancelled, TimerScheduled
from contracts.position import Origin, Position
from contracts.timestamps import from_milliseconds
from contracts.types import CommandId, Timestamp
from tests.simulation.log import EPOCH
from tests.support.oracle import Oracle
from workers.engine.decision import Accepted, Command, Item, ItemRef, Refused, ScheduleTimer
from workers.engine.record import Record
from workers.engine.root import Root
from workers.engine.service import Service

if TYPE_CHECKING:
    from tests.simulation.profiles import Profile

RING = 16
CLAIMED = frozenset({"address_taken", "email_taken"})
"""Reasons of whoever comes too late for a claim."""


@dataclass(slots=True)
class Judged:
    """One record of the commands topic that was delivered. ``said``: names of the messages its verdict makes, in order. ``applied``: when,
    in the journal, the row that holds its verdict was written; -1 for one that needs none."""

    record: Record
    envelope: Envelope
    data: CommandData
    said: list[str] = field(default_factory=list)
    verdict: str = ""
    reason: str = ""
    applied: int = -1

    @property
    def original(self) -> Position | None:
        """Of a copy that a replay made."""
        replay = self.envelope.replay
        return replay.of if replay and replay.is_copy else None

    @property
    def caused(self) -> bool:
        """By a replay, which is noted beside the log's own offsets."""
        return self.envelope.replay is not None and self.envelope.replay.of is None

    @property
    def place(self) -> int:
        return self.original.offset if self.original else self.record.offset

    @property
    def at(self) -> Timestamp:
        replay = self.envelope.replay
        return replay.at if replay and replay.at else from_milliseconds(self.record.timestamp)


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


def named(message: str, key: str) -> str:
    """What tells a message from all others. Its id does not, where one command id was used for two keys: each judges its own."""
    return f"{message} {key}"


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
    is what decides who gets a claim. A refusal for a lost claim is taken from the event that published it.

    A copy counts for nothing where its original was delivered, but for one: a refusal on an absent root keeps no trace (rule 2 of
    docs/architecture.md), so its copy is judged again: refused once more, unless copies of skipped ones have made the root since. Where
    people moved the offsets past its original, it is judged in the original's place and at its time, as long as the root has seen nothing
    behind it. Both follow from one rule: a copy is judged if its place lies above what its root has seen."""

    def __init__(self, profile: Profile, service: Service, refused: Mapping[tuple[str, str], set[str]]) -> None:
        super().__init__(service, dict(before(profile, service.name)))
        self.refused = refused
        self.rings: dict[ItemRef, deque[str]] = {ref: deque(maxlen=RING) for ref in self.items}
        self.seen: dict[ItemRef, int] = {}
        self.expected: dict[str, list[Message]] = defaultdict(list)
        self.order: dict[str, list[str]] = defaultdict(list)

    def judge(self, judged: Judged, origin: Origin, held: Root | None = None) -> None:
        """``held``: the books of the first write that covers the record, of a root that was held before. Whether a refusal on an absent
        root left a trace then depends on who judged it, before or after the hold gave the root books: both are right, the books tell."""
        envelope, data = judged.envelope, judged.data
        handler = self.service.handler_of[data.kind()]
        root = handler.aggregate.root(data.key)
        ring = self.rings.get(root)
        if judged.original and judged.place <= self.seen.get(root, -1):
            judged.verdict, judged.applied = "recognised", -1
            return
        if ring is not None and envelope.id in ring:
            judged.verdict = "recognised"
            self._note(root, judged)
            return
        at = judged.at
        if (row := self.items.get(root)) is not None:
            at = max(at, row["updatedAt"])
        command = CommandId(envelope.id)
        lost = self._lost(command, f"{origin}/{judged.record.offset}")
        decision = lost or self.send(data, actor=envelope.actor, at=at, id=command)
        refused = isinstance(decision, Refused) and lost is None
        traceless = ring is None if held is None else root not in self.items and not held.knows(command)
        if traceless and refused and not self._reads(handler, root, data, envelope):
            judged.applied = -1
        else:
            self.rings.setdefault(root, deque(maxlen=RING)).append(envelope.id)
            self._note(root, judged)
        judged.reason = decision.reason if isinstance(decision, Refused) else ""
        judged.verdict = "refused" if judged.reason else "applied" if isinstance(decision, Accepted) else "unchanged"
        self._say(judged, decision, at, origin)

    def _note(self, root: ItemRef, judged: Judged) -> None:
        if not judged.caused:
            self.seen[root] = max(judged.place, self.seen.get(root, -1))

    def _lost(self, command: CommandId, position: str) -> Refused | None:
        reasons = self.refused.get((command, position), set())
        claimed = CLAIMED & reasons
        return Refused(min(claimed)) if claimed else None

    def _reads(self, handler: Any, root: ItemRef, data: CommandData, envelope: Envelope) -> bool:
        state = handler.aggregate.load(data.key, {})
        return bool(tuple(handler.reads(state, Command(CommandId(envelope.id), data.key, envelope.actor, data))))

    def _say(self, judged: Judged, decision: Any, at: Timestamp, origin: Origin) -> None:
        envelope = judged.envelope
        for index, event in enumerate(_events(decision, judged)):
            name = type(event).__name__
            said = named(event_id(CommandId(envelope.id), name, index), envelope.subject)
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
    if envelope.receipt is None and not (envelope.replay and envelope.replay.of):
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
