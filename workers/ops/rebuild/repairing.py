"""A key's rows written as its commands make them. A human's decision, so it leaves its trace in the audit trail first."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.engine.decision import Item, ItemRef
from workers.engine.lane import LARGEST_TRANSACTION
from workers.engine.ports import Absent, AttributeIs, Clock, Fate, Log, Store, VersionIs, Write
from workers.engine.root import HOLD, PREFIX, RECENT, SEEN, VERSION, Root, plain
from workers.ops.audit import Audit
from workers.ops.rebuild.comparing import Drift
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.telling import NotRepaired, publish_late, untold
from workers.ops.rebuild.words import in_short

ROWS_A_WRITE = 25


@dataclass(frozen=True, slots=True)
class Repair:
    rows: int
    published: int


class Repairing:
    """May run beside workers: the key is written as it was compared or not at all, and a worker that knew the old rows loads the new."""

    def __init__(self, service: str, store: Store, log: Log, clock: Clock, shadow: Shadow) -> None:
        self._service, self._store, self._log, self._clock, self._shadow = service, store, log, clock, shadow

    async def repair(self, drift: Drift, who: str, why: str, *, publish: bool) -> Repair:
        """``publish``: events that were never published go out now, marked as late, and set in motion what they always should have.
        Raises NotRepaired where the world was told otherwise, or is to be told and ``publish`` is not said; StoreUnavailable,
        LogUnavailable. Doing it again finishes it."""
        live = await self._store.get([*{drift.root, *(row.ref for row in drift.rows)}])
        books = live.get(drift.root, {})
        self._refuse(drift, books)
        owed = {str(outcome.position): in_short(outcome.said) for outcome in Root.of(books).outcomes}
        missing = untold(drift.differences, drift.stuck, owed, publish=publish)
        about: dict[str, str | int] = {"service": self._service, "key": drift.key, "from": drift.first, "rows": len(drift.rows)}
        await Audit(self._store, self._clock).note("rebuild --repair", who, why, about)
        published = await publish_late(self._log, self._service, missing)
        writes = self._writes(drift, live)
        await self._write(writes)
        return Repair(len(writes), published)

    def _refuse(self, drift: Drift, books: Item) -> None:
        if drift.held or HOLD in books:
            raise NotRepaired(f"{drift.key} is held by a parked command: settle that first (mindlinks failures list)")
        if books.get(VERSION, 0) != drift.version:
            raise NotRepaired(f"{drift.key} was changed by a worker since it was compared: run the rebuild again")

    def _writes(self, drift: Drift, live: Mapping[ItemRef, Item]) -> list[Write]:
        """Side rows first, the root with the books last: where they are too many for one transaction, dying in between leaves a key that
        still differs."""
        made = {ref: item for ref, (item, _) in self._shadow.rows_of(drift.root).items()}
        side = [row.ref for row in drift.rows if row.ref != drift.root]
        rows = [_row(ref, live.get(ref), made.get(ref)) for ref in side]
        return [*rows, _root(drift.root, live.get(drift.root), made.get(drift.root, {}))]

    async def _write(self, writes: Sequence[Write]) -> None:
        if len(writes) <= LARGEST_TRANSACTION:
            token = hashlib.sha256(repr(writes).encode()).hexdigest()[:36]
            fate = (await self._store.transact(writes, token)).fate
            if fate is not Fate.WRITTEN:
                raise NotRepaired(f"{writes[-1].ref}: {fate}. {NotRepaired.__doc__}")
            return
        for start in range(0, len(writes), ROWS_A_WRITE):
            part = writes[start : start + ROWS_A_WRITE]
            for write, written in zip(part, await self._store.write(part), strict=True):
                if written.fate is not Fate.WRITTEN:
                    raise NotRepaired(f"{write.ref}: {written.fate}. {NotRepaired.__doc__}")


def _root(ref: ItemRef, live: Item | None, made: Item) -> Write:
    """The service's attributes as the log makes them, the books as they are live: workers go on from those. What was judged counts as seen:
    a group that is rewound later must not apply it again."""
    if live is None:
        return Write(ref, None, made, Absent())
    kept = {name: value for name, value in live.items() if name.startswith(PREFIX)}
    return _row(ref, live, {**plain(made), **kept, **_seen(live, made)})


def _seen(live: Item, made: Item) -> dict[str, Any]:
    before, after = live.get(SEEN, {}), made.get(SEEN, {})
    seen = {origin: max(before.get(origin, -1), after.get(origin, -1)) for origin in {**before, **after}}
    recent = made.get(RECENT, live.get(RECENT))
    return {**({SEEN: seen} if seen else {}), **({RECENT: recent} if recent else {})}


def _row(ref: ItemRef, live: Item | None, made: Item | None) -> Write:
    """A claim has no version of its own; nobody changes one."""
    if live is None:
        return Write(ref, None, made, Absent())
    version: int = live.get(VERSION, 0)
    after = {**made, VERSION: version + 1} if made is not None else None
    return Write(ref, live, after, VersionIs(version) if VERSION in live else AttributeIs("createdBy", live["createdBy"]))
