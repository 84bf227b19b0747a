"""The effect ledger: one row per effect, from before its first call until its result is published (docs/architecture.md).

event ──put──> claimed ──call──> confirmed | unknown ──publish──> closed
                 │  ▲                failed ──people: mindlinks effects retry──> planned | claimed | confirmed | unknown
                 ▼  │ lease over, or due again
               planned
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from contracts.envelope import Envelope, text_headers
from contracts.ids import effect_id
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.topics import events_topic
from contracts.types import EffectId, Timestamp
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, VersionIs, Write
from workers.engine.root import VERSION

EFFECTS = "platform-effects"
OPEN_INDEX = "open-index"
LEASE = 120_000
"""Milliseconds a claim lasts unless it is renewed."""


class EffectState(StrEnum):
    PLANNED = "planned"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Stored:
    """A command to publish: kind, key, JSON. What a crash between the call and the publishing must find again."""

    kind: str
    name: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """Times in milliseconds since the epoch. ``due_at``: when somebody must look at the row again while it is open. ``claimant``: the
    process that holds the claim, so that two that claim in one moment do not both find their own row. ``failures``: how often the effect's
    own code raised; ``fingerprint`` and ``error`` tell of the last time. ``unanswered``: of a failed one, that a call may have happened of
    which the row has no answer."""

    effect: EffectId
    name: str
    service: str
    partition: int
    provider: str
    envelope: Envelope
    value: bytes
    created_at: int
    state: EffectState
    tries: int
    first_try_at: int
    due_at: int
    claimant: str = ""
    open: bool = True
    reference: str = ""
    reason: str = ""
    failures: int = 0
    fingerprint: str = ""
    error: str = ""
    unanswered: bool = False
    results: tuple[Stored, ...] = ()
    version: int = 0

    @property
    def ref(self) -> ItemRef:
        return ItemRef(EFFECTS, self.effect)

    def to_item(self) -> dict[str, Any]:
        item: dict[str, Any] = {
            "effectId": self.effect,
            "effect": self.name,
            "service": self.service,
            "partition": self.partition,
            "provider": self.provider,
            "key": self.envelope.subject,
            "event": {"headers": {name: value.decode() for name, value in self.envelope.headers()}, "value": self.value.decode()},
            "state": self.state.value,
            "tries": self.tries,
            "claimant": self.claimant,
            "firstTryAt": from_milliseconds(self.first_try_at),
            "createdAt": from_milliseconds(self.created_at),
            "results": [[each.kind, each.name, each.key, each.value] for each in self.results],
            VERSION: self.version,
        }
        told = {"reference": self.reference, "reason": self.reason, "failures": self.failures, "fingerprint": self.fingerprint}
        item |= {name: value for name, value in {**told, "error": self.error, "unanswered": self.unanswered}.items() if value}
        if self.open:
            item |= {
                "openPartition": f"{self.service}#{self.partition}",
                "dueAt": from_milliseconds(self.due_at),
                "openService": self.service,
            }
        return item

    @property
    def place(self) -> tuple[int, str, int]:
        """Orders the effects of one key as their events stand in the log: by command, then within it."""
        position = self.envelope.position
        return position.offset if position else 0, self.envelope.sequence or "", self.created_at

    @property
    def turn(self) -> tuple[int, str]:
        """The event's place among those of its key."""
        return self.place[:2]

    @property
    def topic(self) -> str:
        """The log its event stands in."""
        return events_topic(self.envelope.kind.split(".")[1])

    @property
    def key(self) -> str:
        return self.envelope.subject

    @classmethod
    def of(cls, item: Item) -> "LedgerRow":
        event: Mapping[str, Any] = item["event"]
        headers = text_headers((name, value.encode()) for name, value in event["headers"].items())
        return cls(
            effect=item["effectId"],
            name=item["effect"],
            service=item["service"],
            partition=item["partition"],
            provider=item["provider"],
            envelope=Envelope.from_headers(headers),
            value=event["value"].encode(),
            created_at=to_milliseconds(Timestamp(item["createdAt"])),
            state=EffectState(item["state"]),
            tries=item["tries"],
            first_try_at=to_milliseconds(Timestamp(item["firstTryAt"])),
            due_at=to_milliseconds(Timestamp(item["dueAt"])) if "dueAt" in item else 0,
            claimant=item.get("claimant", ""),
            open="openPartition" in item,
            reference=item.get("reference", ""),
            reason=item.get("reason", ""),
            failures=item.get("failures", 0),
            fingerprint=item.get("fingerprint", ""),
            error=item.get("error", ""),
            unanswered=item.get("unanswered", False),
            results=tuple(Stored(*each) for each in item.get("results", ())),
            version=item[VERSION],
        )


def claimed(service: str, partition: int, provider: str, name: str, envelope: Envelope, value: bytes, now: int, claimant: str) -> LedgerRow:
    """The row as it is put before the first call."""
    return LedgerRow(
        effect=effect_id(_event(envelope), name),
        name=name,
        service=service,
        partition=partition,
        provider=provider,
        envelope=envelope,
        value=value,
        created_at=now,
        state=EffectState.CLAIMED,
        tries=0,
        first_try_at=now,
        due_at=now + LEASE,
        claimant=claimant,
        version=1,
    )


def first_write(row: LedgerRow) -> Write:
    return Write(row.ref, None, row.to_item(), Absent())


def next_write(before: LedgerRow, after: LedgerRow) -> Write:
    """``after`` carries the next version."""
    return Write(before.ref, before.to_item(), after.to_item(), VersionIs(before.version))


def stored(commands: Sequence[Any]) -> tuple[Stored, ...]:
    return tuple(Stored(each.kind(), type(each).__name__, each.key, orjson.dumps(each.to_item()).decode()) for each in commands)


def _event(envelope: Envelope) -> Any:
    return envelope.id
