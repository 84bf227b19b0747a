"""A key's rows written as its commands make them. A human's decision, so it leaves its trace in the audit trail first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from contracts.topics import events_topic
from workers.engine.decision import Item, ItemRef
from workers.engine.outcome import Outcome
from workers.engine.ports import Absent, AttributeIs, Clock, Fate, Log, Store, VersionIs, Write
from workers.engine.root import PREFIX, VERSION, plain
from workers.ops.audit import Audit
from workers.ops.rebuild.comparing import Drift
from workers.ops.rebuild.shadow import Shadow

ROWS_A_WRITE = 25


class NotRepaired(Exception):
    """Nothing of the key was changed, or what was changed is right and the rest is not: run the rebuild again and look."""


@dataclass(frozen=True, slots=True)
class Repair:
    rows: int
    published: int


class Repairing:
    """May run beside workers: each row is written on the version it was read at, and a worker that knew the old row loads the new one."""

    def __init__(self, service: str, store: Store, log: Log, clock: Clock, shadow: Shadow) -> None:
        self._service, self._store, self._log, self._clock, self._shadow = service, store, log, clock, shadow

    async def repair(self, drift: Drift, who: str, why: str, *, publish: bool) -> Repair:
        """``publish``: events that were never published go out now, marked as late, and set in motion what they always should have.
        Raises NotRepaired where the world was told otherwise, StoreUnavailable, LogUnavailable; doing it again finishes it."""
        self._refuse(drift)
        about: dict[str, str | int] = {"service": self._service, "key": drift.key, "from": drift.first, "rows": len(drift.rows)}
        await Audit(self._store, self._clock).note("rebuild --repair", who, why, about)
        missing = [(each.key, each.outcome._replace(late=True)) for each in drift.differences if each.outcome and publish]
        await self._publish(missing)
        writes = await self._writes(drift)
        for start in range(0, len(writes), ROWS_A_WRITE):
            part = writes[start : start + ROWS_A_WRITE]
            for write, written in zip(part, await self._store.write(part), strict=True):
                if written.fate is not Fate.WRITTEN:
                    raise NotRepaired(f"{write.ref}: {written.fate}. {NotRepaired.__doc__}")
        return Repair(len(writes), sum(len(outcome.said) for _, outcome in missing))

    async def _publish(self, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        """Before the rows: a rebuild that died in between finds the key again, and the ids are the same."""
        source = f"/mindlinks/{self._service}/commands"
        messages = [message for key, outcome in outcomes for message in outcome.messages(key, source, 0)]
        if messages:
            await self._log.append_keyed(events_topic(self._service), messages)

    def _refuse(self, drift: Drift) -> None:
        if drift.held:
            raise NotRepaired(f"{drift.key} is held by a parked command: settle that first (mindlinks failures list)")
        for each in drift.differences:
            if each.contradicts:
                raise NotRepaired(
                    f"at {each.position} the world was told {each.told!r} and the log makes {each.rebuilt or 'nothing'!r}. Rows that say "
                    "the second would contradict what others acted on: correct it with a new command (mindlinks replay --mode redo)."
                )

    async def _writes(self, drift: Drift) -> list[Write]:
        """Side rows first, the root with the books last: dying in between leaves a key that still differs."""
        made = {ref: item for ref, (item, _) in self._shadow.rows_of(drift.root).items()}
        live = await self._store.get([row.ref for row in drift.rows] + [drift.root])
        side = [row.ref for row in drift.rows if row.ref != drift.root]
        rows = [_write(ref, live.get(ref), plain(made[ref]) if ref in made else None) for ref in side]
        return [*rows, _write(drift.root, live.get(drift.root), _root(live.get(drift.root, {}), made.get(drift.root, {})))]


def _root(live: Item, made: Item) -> Item:
    """The service's attributes as the log makes them, the books as they are live: workers go on from those."""
    books = {name: value for name, value in {**made, **live}.items() if name.startswith(PREFIX)}
    return {**plain(made), **books}


def _write(ref: ItemRef, live: Item | None, made: Item | None) -> Write:
    """A claim has no version of its own; nobody changes one."""
    if live is None:
        return Write(ref, None, {**(made or {}), VERSION: 1}, Absent())
    version: int = live.get(VERSION, 0)
    after = {**made, VERSION: version + 1} if made is not None else None
    return Write(ref, live, after, VersionIs(version) if VERSION in live else AttributeIs("createdBy", live["createdBy"]))


async def restore(store: Store, rows: Iterator[tuple[ItemRef, Item]], advance: Callable[[int], None]) -> int:
    """Into tables that lack them: rows that are there stay as they are. Answers how many were written."""
    written = 0
    batch: list[Write] = []
    for ref, item in rows:
        batch.append(Write(ref, None, item, Absent()))
        if len(batch) == ROWS_A_WRITE:
            written += await _put(store, batch)
            batch = []
            advance(written)
    return written + (await _put(store, batch) if batch else 0)


async def _put(store: Store, batch: Sequence[Write]) -> int:
    results = await store.write(batch)
    bad = [
        (write.ref, result.fate) for write, result in zip(batch, results, strict=True) if result.fate not in (Fate.WRITTEN, Fate.CONFLICT)
    ]
    if bad:
        raise NotRepaired(f"{bad[0][0]}: {bad[0][1]}. {NotRepaired.__doc__}")
    return sum(result.fate is Fate.WRITTEN for result in results)
