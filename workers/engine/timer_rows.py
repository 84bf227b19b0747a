"""A timer at rest in ``platform-timers``, and what a word does to it. Pure.

                      later word
            ┌──────────────────────────────────┐
            ▼             cancelled            │
word ──> waiting ────────────────────────> tombstone (35 days)
          │   ▲ └─────────────────────────────>┘
          └───┘ moved        fired

A waiting row is filed under ``<service>#<partition>#<hour>``, the hour of its due time, but never an hour before the one in which it was
written: what is filed late lands in an hour that is still looked at. The cursor (one row per partition) is the first hour that may still
hold waiting rows, and trails the clock by ``TRAIL``; so no row is ever filed behind it, and none is behind it when it moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import orjson

from contracts.envelope import Envelope
from contracts.ids import fired_command_id
from contracts.platform import TimerCancelled, TimerScheduled
from contracts.position import Position
from contracts.replay import Replay
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.topics import commands_topic
from contracts.types import Id, Timestamp
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, VersionIs, Write
from workers.engine.record import Outgoing
from workers.engine.root import VERSION

TIMERS: Final = "platform-timers"
DUE_INDEX: Final = "due-index"
HOUR: Final = 3_600_000
TRAIL: Final = HOUR
"""Milliseconds between an hour's end and the cursor's passing it. Longer than an index lags, a write is under way, or two workers' clocks
differ: what an hour still holds then is what the index shows."""
TOMBSTONE_SECONDS: Final = 35 * 86_400
ACTOR: Final = "system:timers"
DUE_FIELD: Final = "dueAt"
"""Where a fired command's data carries its due time; models that have no use for it ignore it."""


class TimerState(StrEnum):
    WAITING = "waiting"
    FIRED = "fired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Place:
    """Whose timers: a service and a partition of its events topic, which has one writer."""

    service: str
    partition: int

    def bucket(self, hour: int) -> str:
        return f"{self.service}#{self.partition}#{hour_text(hour)}"

    @property
    def cursor(self) -> ItemRef:
        return ItemRef(TIMERS, f"CURSOR#{self.service}#{self.partition}")


@dataclass(frozen=True, slots=True)
class Sending:
    """What a waiting timer sends, and what its command will say about where it comes from. ``data``: a JSON object. ``replay``: the one
    that had it scheduled; what it may not call, its timers may not either."""

    kind: str
    key: str
    data: str
    cause: str
    correlation: str
    traceparent: str | None
    replay: Replay | None = None

    @property
    def topic(self) -> str:
        return commands_topic(self.kind.split(".")[1])


@dataclass(frozen=True, slots=True)
class TimerRow:
    """``sending`` is there while the timer waits. ``sequence`` and ``position``: the word's that was applied last, and its command's; rows
    may lack the position. ``hour``: where it is filed, in hours since the epoch. ``ended_at``: milliseconds since the epoch, of a
    tombstone."""

    id: Id
    name: str
    place: Place
    sequence: str
    state: TimerState
    due_at: Timestamp | None = None
    hour: int = 0
    sending: Sending | None = None
    ended_at: int = 0
    version: int = 0
    position: Position | None = None

    @property
    def ref(self) -> ItemRef:
        return ItemRef(TIMERS, self.id)

    def ended(self, state: TimerState, now: int) -> "TimerRow":
        """Its tombstone: what it would have sent is forgotten."""
        return replace(self, state=state, hour=0, sending=None, ended_at=now)

    def to_item(self) -> dict[str, Any]:
        item: dict[str, Any] = {
            "timerId": self.id,
            "timer": self.name,
            "service": self.place.service,
            "partition": self.place.partition,
            "sequence": self.sequence,
            "state": self.state.value,
            VERSION: self.version,
        }
        if self.position:
            item["position"] = str(self.position)
        if self.due_at:
            item["dueAt"] = self.due_at
        if self.sending:
            return item | {"dueBucket": self.place.bucket(self.hour)} | _sending_item(self.sending)
        return item | {"endedAt": from_milliseconds(self.ended_at), "expiresAt": self.ended_at // 1000 + TOMBSTONE_SECONDS}

    @classmethod
    def of(cls, item: Item) -> "TimerRow":
        bucket = item.get("dueBucket")
        return cls(
            id=item["timerId"],
            name=item["timer"],
            place=Place(item["service"], item["partition"]),
            sequence=item["sequence"],
            state=TimerState(item["state"]),
            due_at=item.get("dueAt"),
            hour=hour_of_text(bucket.rpartition("#")[2]) if bucket else 0,
            sending=_sending(item) if bucket else None,
            ended_at=to_milliseconds(item["endedAt"]) if "endedAt" in item else 0,
            version=item[VERSION],
            position=Position.parse(item["position"]) if "position" in item else None,
        )


@dataclass(frozen=True, slots=True)
class Word:
    """One ``TimerScheduled`` or ``TimerCancelled`` as it was said. ``sending`` and ``due_at`` are missing from a cancellation.
    ``position``: its command's. ``repeats``: the command stands there as the repetition of another one, by a replay."""

    timer: Id
    name: str
    sequence: str
    due_at: Timestamp | None = None
    sending: Sending | None = None
    position: Position | None = None
    repeats: bool = False

    def follows(self, row: TimerRow) -> bool:
        """Whether it was said after the word that the row knows. In one log commands stand in the order in which their root judged them,
        and a root that was restored and judges them again gives other versions, so other sequences, to the same words. By the sequence
        alone go words of two logs, and repetitions, which stand behind commands that the row may know already."""
        here, there = self.position, row.position
        if here is None or there is None or here.origin != there.origin or self.repeats:
            return self.sequence > row.sequence
        if here.offset != there.offset:
            return here.offset > there.offset
        version, known = self.sequence.partition(".")[0], row.sequence.partition(".")[0]
        return version == known and self.sequence > row.sequence


@dataclass(frozen=True, slots=True)
class Cursor:
    """``hour``: no row of this place waits in an earlier one."""

    place: Place
    hour: int
    version: int = 1

    def write(self, before: "Cursor | None") -> Write:
        condition = VersionIs(before.version) if before else Absent()
        return Write(self.place.cursor, before.to_item() if before else None, self.to_item(), condition)

    def to_item(self) -> dict[str, Any]:
        return {
            "timerId": self.place.cursor.key,
            "service": self.place.service,
            "partition": self.place.partition,
            "hour": hour_text(self.hour),
            VERSION: self.version,
        }

    @classmethod
    def of(cls, item: Item) -> "Cursor":
        return cls(Place(item["service"], item["partition"]), hour_of_text(item["hour"]), item[VERSION])


def scheduled(data: TimerScheduled, envelope: Envelope) -> Word:
    value = orjson.dumps(data.data).decode()
    replay = envelope.replay.onward if envelope.replay else None
    sending = Sending(data.command_type, data.key, value, envelope.id, envelope.correlation_id, envelope.traceparent, replay)
    return replace(_said(data, envelope), due_at=data.due_at, sending=sending)


def cancelled(data: TimerCancelled, envelope: Envelope) -> Word:
    return _said(data, envelope)


def _said(data: TimerScheduled | TimerCancelled, envelope: Envelope) -> Word:
    replay = envelope.replay
    repeats = replay is not None and replay.of is not None and not replay.is_copy
    return Word(data.timer_id, data.timer, envelope.sequence or "", position=envelope.position, repeats=repeats)


def after(row: TimerRow | None, word: Word, place: Place, now: int, floor: int) -> TimerRow:
    """The row once ``word`` is known; equal to ``row`` if the word is old news. ``floor``: the first hour a row may be filed under."""
    if row is not None and not word.follows(row):
        return row
    state, version = TimerState.WAITING if word.sending else TimerState.CANCELLED, row.version if row else 0
    known = TimerRow(word.timer, word.name, place, word.sequence, state, word.due_at, version=version, position=word.position)
    if word.sending is None or word.due_at is None:
        return replace(known, due_at=row.due_at if row else None, ended_at=now)
    return replace(known, sending=word.sending, hour=max(hour_of(to_milliseconds(word.due_at)), floor))


def refiled(row: TimerRow, cursor: int, floor: int) -> TimerRow:
    """Out of an hour behind the cursor: only a stale owner's late write can have filed it there, and then its word is delivered again."""
    return replace(row, hour=floor) if row.sending and row.hour < cursor else row


def fired(row: TimerRow, traceparent: str | None) -> Outgoing:
    """The command; the same for whoever fires the same due time, ``traceparent`` aside."""
    assert row.sending is not None
    assert row.due_at is not None
    envelope = Envelope(
        id=fired_command_id(row.id, row.due_at),
        kind=row.sending.kind,
        source=f"/mindlinks/{row.place.service}/timers",
        subject=row.sending.key,
        time=row.due_at,
        correlation_id=row.sending.correlation,
        causation_id=row.sending.cause,
        actor=ACTOR,
        traceparent=traceparent,
        replay=row.sending.replay,
    )
    value = orjson.dumps({**orjson.loads(row.sending.data), DUE_FIELD: row.due_at})
    return Outgoing(row.sending.key.encode(), value, envelope.headers())


def change(before: TimerRow | None, after: TimerRow) -> Write:
    """``after`` as it is to rest, one version on."""
    raised = replace(after, version=(before.version if before else 0) + 1)
    return Write(after.ref, before.to_item() if before else None, raised.to_item(), VersionIs(before.version) if before else Absent())


def hour_of(milliseconds: int) -> int:
    return milliseconds // HOUR


def hour_text(hour: int) -> str:
    """``2026-01-31T09``: sorts as text."""
    return from_milliseconds(hour * HOUR)[:13]


def hour_of_text(text: str) -> int:
    return hour_of(to_milliseconds(Timestamp(f"{text}:00:00.000Z")))


def _sending_item(sending: Sending) -> dict[str, Any]:
    item = {
        "commandType": sending.kind,
        "key": sending.key,
        "data": sending.data,
        "causationId": sending.cause,
        "correlationId": sending.correlation,
    }
    item |= {"traceparent": sending.traceparent} if sending.traceparent else {}
    return item | ({"replay": sending.replay.id, "replayEffects": sending.replay.effects} if sending.replay else {})


def _sending(item: Mapping[str, Any]) -> Sending:
    replay = Replay(item["replay"], item["replayEffects"]) if "replay" in item else None
    cause, correlation = item["causationId"], item["correlationId"]
    return Sending(item["commandType"], item["key"], item["data"], cause, correlation, item.get("traceparent"), replay)
