"""Effects that were given up, and people's word that one is to go on. The service's effects role does it: its sweep finds the row due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from contracts.timestamps import from_milliseconds
from contracts.types import EffectId, Timestamp
from workers.engine.decision import ItemRef
from workers.engine.ledger import EFFECTS, EffectState, LedgerRow, next_write
from workers.engine.ports import Clock, Fate, Store
from workers.ops.audit import Audit
from workers.ops.decision_rows import Person
from workers.ops.scanning import pages

SERVICE_INDEX = "service-index"
ROWS_A_READ = 100


class EffectNotFound(Exception):
    """The ledger has no such effect. ``mindlinks effects list`` shows those that were given up."""


class NotRedriven(Exception):
    """The effect is as it was."""


class Listed(StrEnum):
    """Which effects are listed. ``failed``: given up, for people. ``open``: at work, at rest until they are tried again, or to be
    published. ``unknown``: called, and nobody knows whether it happened."""

    FAILED = "failed"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EffectLine:
    """``why``: the fingerprint of what raised, else what its provider or role said; never an exception's own text. ``due``: empty for what
    is closed."""

    id: str
    service: str
    effect: str
    provider: str
    key: str
    state: str
    open: bool
    tries: int
    since: Timestamp
    due: str
    why: str

    @classmethod
    def of(cls, row: LedgerRow) -> "EffectLine":
        return cls(
            id=row.effect,
            service=row.service,
            effect=row.name,
            provider=row.provider,
            key=row.key,
            state=row.state,
            open=row.open,
            tries=row.tries,
            since=from_milliseconds(row.created_at),
            due=from_milliseconds(row.due_at) if row.open else "",
            why=row.fingerprint or row.reason,
        )


@dataclass(frozen=True, slots=True)
class Redriven:
    """``meaning``: what its role does next."""

    id: str
    effect: str
    key: str
    state: str
    meaning: str


class EffectsRedriving:
    """Works beside running workers. Every call raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock, self._audit = store, clock, Audit(store, clock)

    async def listed(self, services: Sequence[str], which: Listed) -> list[EffectLine]:
        """The oldest first. No index knows what is closed, so all but open ones are looked for in the whole ledger."""
        rows = await self._open_ones(services) if which is Listed.OPEN else await self._all_of(services, which)
        return [EffectLine.of(row) for row in sorted(rows, key=lambda row: (row.created_at, row.effect))]

    async def retry(self, effect: str, person: Person) -> Redriven:
        """Open again and due at once, as often as at first. Raises EffectNotFound, NotRedriven, NotAudited. Said again after a crash, it
        answers that the effect is open."""
        row = await self._one(effect)
        if row.state is not EffectState.FAILED:
            raise NotRedriven(_not_failed(row))
        about: dict[str, str | int] = {
            "effect": row.effect,
            "name": row.name,
            "key": row.key,
            "failed": row.fingerprint or row.reason or "-",
        }
        await self._audit.note("effects retry", person.who, person.why, about)
        after = redriven(row, self._clock.now())
        (written,) = await self._store.write([next_write(row, after)])
        if written.fate is not Fate.WRITTEN:
            there = await self._one(effect)
            if there.to_item() != after.to_item():
                raise NotRedriven(_not_failed(there) if there.state is not EffectState.FAILED else _not_written(there, written.fate))
        return Redriven(row.effect, row.name, row.key, after.state, _meaning(after))

    async def _one(self, effect: str) -> LedgerRow:
        ref = ItemRef(EFFECTS, effect)
        item = (await self._store.get([ref])).get(ref)
        if item is None:
            raise EffectNotFound(f"{effect}: {EffectNotFound.__doc__}")
        return LedgerRow.of(item)

    async def _all_of(self, services: Sequence[str], which: Listed) -> list[LedgerRow]:
        found = [item async for page in pages(self._store, EFFECTS) for item in page if item["state"] == which.value]
        return [LedgerRow.of(item) for item in found if item["service"] in services]

    async def _open_ones(self, services: Sequence[str]) -> list[LedgerRow]:
        rows: list[LedgerRow] = []
        for service in services:
            start: Mapping[str, Any] | None = None
            while True:
                page = await self._store.query(EFFECTS, SERVICE_INDEX, service, start=start, limit=ROWS_A_READ)
                found = await self._store.get([ItemRef(EFFECTS, item["effectId"]) for item in page.items])
                rows += [row for item in found.values() if (row := LedgerRow.of(item)).open]
                start = page.next
                if start is None:
                    break
        return rows


def redriven(row: LedgerRow, now: int) -> LedgerRow:
    """What stands on the row already is published. A call of which it has no answer may have happened: as after a crash, only an effect
    that may be repeated is called again. Any other is called."""
    if row.results:
        state = EffectState.UNKNOWN if row.reason else EffectState.CONFIRMED
    else:
        state = EffectState.CLAIMED if row.unanswered else EffectState.PLANNED
    return replace(row, state=state, due_at=now, open=True, claimant="", failures=0, unanswered=False, version=row.version + 1)


def _meaning(row: LedgerRow) -> str:
    role = f"{row.service}-effects"
    if row.results:
        return f"it was called before; {role} tells the service what came of it within seconds"
    if row.state is EffectState.CLAIMED:
        return f"it may have been called before: {role} calls it again only if that is harmless, else reports it as unknown, within seconds"
    return f"{role} calls {row.provider} within seconds"


def _not_failed(row: LedgerRow) -> str:
    name, story = f"{row.effect} ({row.name} of key {row.key})", f"mindlinks story {EffectId(row.effect)}"
    if row.open:
        due = from_milliseconds(row.due_at)
        return (
            f"{name} is {row.state}, not failed: its role looks at it again at {due} at the latest. Nothing was done; {story} tells of it"
        )
    if row.state is EffectState.UNKNOWN:
        return f"{name} is unknown, not failed: it may have happened, the service was told so, and it is never called again; {story}"
    reference = f", reference {row.reference}" if row.reference else ""
    return f"{name} is {row.state}, not failed: {row.provider} did it{reference}. Nothing was done; {story} tells of it"


def _not_written(row: LedgerRow, fate: Fate) -> str:
    return f"{row.effect}: the ledger did not take it ({fate}), so it is failed as before. Say it again"
