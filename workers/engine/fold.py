"""Records of one root that wait together become one change. Pure: rows in, rows and verdicts out.

A record at or below ``_seen`` is done; a command id in the ring is done and its offset noted; everything else is decided, in order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson

from contracts.catalogue import MAXIMUM_RECORD
from contracts.envelope import ReceiptTicket
from contracts.ids import timer_id
from contracts.message import CommandData, EventData
from contracts.platform import CommandRefused, CommandSettled, Settlement, TimerCancelled, TimerScheduled
from contracts.position import Origin, Position
from contracts.replay import Replay
from contracts.types import CommandId, Timestamp
from workers.engine.aggregate import Handler, Read
from workers.engine.decision import Accepted, CancelTimer, Claim, Command, Decision, Item, ItemRef, Refused, ReleaseClaim, ScheduleTimer
from workers.engine.outcome import Outcome, Said
from workers.engine.record import Record
from workers.engine.root import Root

LARGEST_ITEM = 380 * 1024
"""Bytes; growth past it is refused, so that ``_hold`` always fits under DynamoDB's 400 KB."""
LARGEST_VALUE = MAXIMUM_RECORD - 16 * 1024
"""Bytes of one message's data, so that key and headers still fit the record."""
BESIDE = "~"
"""Behind an origin's name: where replays' records stand themselves. That says nothing of the originals of copies still to come, but that
whatever the log had brought of the root by then was judged."""
STAMPS = ("createdBy", "createdAt", "updatedAt")


class MessageTooLarge(Exception):
    """A decision said something that no topic takes: a bug of the decision; its key parks."""


class Waiting(NamedTuple):
    """A decoded command in its lane. ``at`` and ``appended`` are the log's append time, as text and in milliseconds; ``at`` of a copy that
    a replay made is its original's, and so is its ``place``."""

    origin: Origin
    offset: int
    at: Timestamp
    appended: int
    command: Command[CommandData]
    handler: Handler[Any, Any]
    correlation: str
    record: Record
    traceparent: str | None = None
    receipt: ReceiptTicket | None = None
    replay: Replay | None = None

    @property
    def place(self) -> Position:
        """What is noted as seen. Of a copy its original's; of a command that a replay causes one beside the log's own: noting their offsets
        would pass over the originals of copies that are still to come."""
        replay = self.replay
        if replay is None or (replay.of is not None and not replay.is_copy):
            return Position(self.origin, self.offset)
        return replay.of or self.beside

    @property
    def beside(self) -> Position:
        return Position(Origin(f"{self.origin}{BESIDE}"), self.offset)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known about one root: its books, the rows of its key, and rows of other keys read for this fold only. A ref in
    ``known`` that is in neither map is absent."""

    root: Root = field(default_factory=Root)
    own: Mapping[ItemRef, Item] = field(default_factory=dict)
    shared: Mapping[ItemRef, Item] = field(default_factory=dict)
    known: frozenset[ItemRef] = frozenset()


@dataclass(frozen=True, slots=True)
class Missing:
    """The fold needs these rows before it can go on."""

    reads: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one record ended, for metrics and logs. ``reason``: applied, unchanged, recognised, or a refusal's code."""

    waiting: Waiting
    reason: str


@dataclass(frozen=True, slots=True)
class Folded:
    """``rows`` are the rows that changed, without books. ``taken`` records were judged; if fewer than were given, either the root is
    held or ``fault`` is what the next one's decision raised. ``write`` is False when nothing needs to reach the store."""

    root: Root
    rows: Mapping[ItemRef, Item]
    claims: tuple[Claim | ReleaseClaim, ...]
    outcomes: tuple[Outcome, ...]
    verdicts: tuple[Verdict, ...]
    taken: int
    write: bool
    fault: Exception | None = None

    def with_root(self, root: Root) -> "Folded":
        return Folded(root, self.rows, self.claims, self.outcomes, self.verdicts, self.taken, self.write, self.fault)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What earlier attempts taught. ``overruled``: offset -> refusal, for a command whose claim turned out to be taken when its
    transaction was tried. ``rejected``: offset -> why the store will never take what it decided. ``draining``: these records had been
    parked, so the root's hold does not stop them and their outcomes are late."""

    overruled: Mapping[int, str] = field(default_factory=dict)
    rejected: Mapping[int, Exception] = field(default_factory=dict)
    draining: bool = False


PLAIN = Circumstances()


@dataclass(slots=True)
class _Progress:
    """The fold's own working memory; never leaves ``fold``."""

    root: Root
    own: dict[ItemRef, Item]
    shared: dict[ItemRef, Item]
    rows: dict[ItemRef, Item]
    claims: list[Claim | ReleaseClaim]
    outcomes: list[Outcome]
    verdicts: list[Verdict]
    write: bool = False
    messages: int = 0


def fold(found: Found, records: Sequence[Waiting], service: str, circumstances: Circumstances = PLAIN) -> Folded | Missing:
    """Stops before the first unseen record of a held root, and before one whose decision raises."""
    progress = _Progress(found.root, dict(found.own), dict(found.shared), {}, [], [], [])
    fault: Exception | None = None
    taken = 0
    for record in records:
        if _was_seen(progress.root, record):
            progress.verdicts.append(Verdict(record, "recognised"))
        elif progress.root.hold is not None and not circumstances.draining:
            break
        elif progress.root.knows(record.command.id):
            progress.root, progress.write = _noted(progress.root, record), True
            progress.verdicts.append(Verdict(record, "recognised"))
        else:
            try:
                missing = _judge(progress, found, record, service, circumstances)
            except Exception as error:  # noqa: BLE001  # a bug of a decision: what came before it stands, the caller decides about the rest
                fault = error
                break
            if missing:
                return missing
        taken += 1
    root = progress.root.at(found.root.version + 1) if progress.write else progress.root
    return Folded(
        root, progress.rows, tuple(progress.claims), tuple(progress.outcomes), tuple(progress.verdicts), taken, progress.write, fault
    )


def _was_seen(root: Root, record: Waiting) -> bool:
    """A refusal on an absent root leaves no trace there: if copies have made the root since, only their own offsets tell."""
    if root.has_seen(record.origin, record.offset):
        return True
    others = len(root.seen) - (record.origin in root.seen)
    if record.replay is None and not others:
        return False
    place = record.beside if record.replay is None else record.place
    return root.has_seen(place.origin, place.offset)


def _noted(root: Root, record: Waiting, command: CommandId | None = None) -> Root:
    if record.replay is None:
        return root.noted(record.origin, record.offset, command)
    noted = root.noted(record.place.origin, record.place.offset, command)
    return noted.noted(record.beside.origin, record.beside.offset)


def _judge(progress: _Progress, found: Found, record: Waiting, service: str, circumstances: Circumstances) -> Missing | None:
    handler, command = record.handler, record.command
    if record.offset in circumstances.rejected:
        raise circumstances.rejected[record.offset]
    ref = handler.aggregate.root(command.key)
    rows = {**progress.shared, **progress.own}
    state = handler.aggregate.load(command.key, rows)
    reads = tuple(handler.reads(state, command))
    if missing := tuple(read for read in reads if read.ref not in found.known and read.ref not in progress.own):
        return Missing(missing)
    at = _not_before(record.at, progress.own.get(ref))
    overruled = circumstances.overruled.get(record.offset)
    decision: Decision[Any] = Refused(overruled) if overruled else handler.decide(state, command, at)
    changed: dict[ItemRef, Item] = {}
    if isinstance(decision, Accepted):
        changed = _changes(progress.own, handler.aggregate.save(decision.state), command.id, at)
        if any(_size(row) > LARGEST_ITEM for row in changed.values()):
            decision, changed = Refused("item_too_large"), {}
    _keep(progress, found, record, _said(decision, record, service), decision, at, late=circumstances.draining)
    # A lost claim is a read of another key: judged again, the verdict might be another.
    traceless = isinstance(decision, Refused) and not (reads or overruled) and found.root.version == 0 and not progress.write
    if not traceless:
        progress.root, progress.write = _noted(progress.root, record, command.id), True
    progress.own |= changed
    progress.rows |= changed
    if isinstance(decision, Accepted):
        _claim(progress, decision.claims, command.id, at)
    return None


def _claim(progress: _Progress, claims: Sequence[Claim | ReleaseClaim], command: CommandId, at: Timestamp) -> None:
    """Later commands of the same fold see the claim as taken or gone already."""
    for claim in claims:
        if isinstance(claim, Claim):
            stamped = replace(claim, item={**claim.item, "createdBy": command, "createdAt": at, "updatedAt": at})
            progress.claims.append(stamped)
            progress.shared[claim.ref] = stamped.item
        else:
            progress.claims.append(claim)
            progress.shared.pop(claim.ref, None)


def _keep(
    progress: _Progress, found: Found, record: Waiting, said: tuple[Said, ...], decision: Decision[Any], at: Timestamp, *, late: bool
) -> None:
    reason = decision.reason if isinstance(decision, Refused) else "applied" if isinstance(decision, Accepted) else "unchanged"
    progress.verdicts.append(Verdict(record, reason))
    if not said:
        return
    progress.outcomes.append(
        Outcome(
            origin=record.origin,
            offset=record.offset,
            command=record.command.id,
            correlation=record.correlation,
            actor=record.command.actor,
            at=at,
            said=said,
            version=found.root.version + 1,
            first=progress.messages,
            late=late,
            receipt=record.receipt,
            traceparent=record.traceparent,
            received=record.appended,
            replay=record.replay.told if record.replay else None,
        )
    )
    progress.messages += len(said)


def _not_before(at: Timestamp, root: Item | None) -> Timestamp:
    """Time never runs backwards for one root, whatever the brokers' clocks do."""
    last: Timestamp | None = root.get("updatedAt") if root else None
    return max(at, last) if last else at


def _changes(own: Mapping[ItemRef, Item], wanted: Mapping[ItemRef, Item], command: CommandId, at: Timestamp) -> dict[ItemRef, Item]:
    """Rows that differ from what is there, stamped."""
    changed: dict[ItemRef, Item] = {}
    for ref, row in wanted.items():
        before = own.get(ref)
        stamps = {name: before[name] for name in STAMPS if name in before} if before else {}
        if before is None or {**row, **stamps} != before:
            changed[ref] = {**row, "createdBy": command, "createdAt": at, **stamps, "updatedAt": at}
    return changed


def _size(item: Item) -> int:
    return len(orjson.dumps(item, default=_length))


def _length(value: object) -> str:
    return "x" * len(value) if isinstance(value, bytes) else str(value)


def _said(decision: Decision[Any], record: Waiting, service: str) -> tuple[Said, ...]:
    command = record.command
    if isinstance(decision, Refused):
        kind = command.data.kind()
        refusal = CommandRefused(command_id=command.id, command_type=kind, key=command.key, reason=decision.reason)
        return (_message(refusal, service, sequenced=False),)
    if isinstance(decision, Accepted) and (decision.events or decision.timers):
        words = [_timer_word(timer) for timer in decision.timers]
        return tuple(_message(event, service) for event in [*decision.events, *words])
    if record.receipt is None and not (record.replay and record.replay.of):
        # Whoever asked for a receipt, or repeats a record, is told in any case.
        return ()
    settlement = Settlement.APPLIED if isinstance(decision, Accepted) else Settlement.UNCHANGED
    return (_message(CommandSettled(command_id=command.id, outcome=settlement), service, sequenced=False),)


def _message(data: EventData, service: str, *, sequenced: bool = True) -> Said:
    value = data.to_json()
    if len(value) > LARGEST_VALUE:
        raise MessageTooLarge(f"{type(data).__name__}: {len(value)} bytes. {MessageTooLarge.__doc__}")
    return Said(type(data).__name__, data.kind(service), value, sequenced)


def _timer_word(timer: ScheduleTimer | CancelTimer) -> EventData:
    timer_key = timer_id(timer.timer, timer.owner)
    if isinstance(timer, CancelTimer):
        return TimerCancelled(timer_id=timer_key, timer=timer.timer)
    command = timer.command
    return TimerScheduled(
        timer_id=timer_key,
        timer=timer.timer,
        due_at=timer.due_at,
        command_type=command.kind(),
        key=command.key,
        data=command.to_item(),
    )
