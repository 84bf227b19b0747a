"""The live tables held against the shadow, key by key, while workers go on writing."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.registry import tables_of
from schemas.table import Owner, Table
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Clock, Store
from workers.engine.root import HOLD, VERSION, exists, plain
from workers.engine.service import Service
from workers.ops.rebuild.judging import Stuck
from workers.ops.rebuild.rerun import Rerun
from workers.ops.rebuild.shadow import Difference, Shadow, digest
from workers.ops.scanning import pages

LOOKS: Final = 5
PAUSE: Final = 1.0
"""Seconds between two looks: what was being written at the first has been by the second."""


UNSEEN: Final = Stuck(
    "",
    "it has rows that were made by a command which its root's books say was not processed",
    "If its root is lost, --restore brings it back; else start the worker, which processes it, and run the rebuild again.",
)


class Wrong(StrEnum):
    MISSING = "missing"
    """The log makes the row, the table lacks it."""
    EXTRA = "extra"
    """No command of the log makes the row."""
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class WrongRow:
    """``attributes``: names of those that differ; values may be personal. ``position``: of the command that last changed the row; empty
    for an extra one."""

    ref: ItemRef
    what: Wrong
    attributes: tuple[str, ...]
    position: str


@dataclass(frozen=True, slots=True)
class Drift:
    """One key whose rows are not what the commands make of them that the worker has processed. ``differences``: those that ended otherwise,
    in order. ``held``: a command of it is parked. ``version``: of the live root that was compared. ``stuck``: a command of it can't be
    judged, so what is right can't be said."""

    root: ItemRef
    rows: tuple[WrongRow, ...]
    differences: tuple[Difference, ...]
    held: bool
    version: int = 0
    stuck: Stuck | None = None

    @property
    def key(self) -> str:
        """As in the table; the record's key is in it."""
        return self.root.key

    @property
    def first(self) -> str:
        """The first position where it differs; where every command ended right, the last one whose row was touched afterwards."""
        if self.differences:
            return self.differences[0].position
        if self.stuck and self.stuck.position:
            return self.stuck.position
        return min((row.position for row in self.rows if row.position), key=_order, default="")


class Comparison:
    """Reads only. Rows that projections keep are made of events, and not looked at. Raises StoreUnavailable, LogUnavailable."""

    def __init__(self, service: Service, store: Store, clock: Clock, shadow: Shadow, rerun: Rerun) -> None:
        self._store, self._clock, self._shadow, self._rerun = store, clock, shadow, rerun
        self._tables: Mapping[str, Table] = {table.name: table for table in tables_of(Owner(service.name))}
        self._projected = frozenset(projection.table for projection in service.projections)

    async def drifts(self, advance: Callable[[int], None] = lambda _: None) -> list[Drift]:
        """``advance`` is told how many rows have been compared. What differs at first is looked at again, with the log read on: only what
        still differs counts."""
        suspects = [root async for root in self._suspects(advance)]
        drifts: list[Drift] = []
        for look in range(LOOKS if suspects else 0):
            if look:
                await self._clock.sleep(PAUSE)
            drifts = await self._looked(suspects)
            if not (suspects := list(dict.fromkeys(ref for drift in drifts for ref in (drift.root, *(row.ref for row in drift.rows))))):
                break
        return sorted(drifts, key=lambda drift: (_order(drift.first), drift.root))

    async def _looked(self, suspects: Sequence[ItemRef]) -> list[Drift]:
        """Reads their rows first, then judges each key exactly as far as its root had come by then."""
        await self._rerun.look()
        live = await self._read(self._rows(suspects))
        await self._rerun.catch_up(live=live)
        # A row that no command had made may have its root by now, and a key more rows.
        extra: dict[ItemRef, list[ItemRef]] = {}
        for ref in suspects:
            extra.setdefault(self._shadow.root_of(ref) or self._left(live.get(ref)) or ref, []).append(ref)
        live |= await self._read([ref for ref in self._rows(list(extra)) if ref not in live])
        return [drift for root, refs in extra.items() if (drift := self._drift(root, refs, live))]

    def _left(self, live: Item | None) -> ItemRef | None:
        return self._shadow.left(live.get("createdBy", "")) if live else None

    def _rows(self, suspects: Sequence[ItemRef]) -> list[ItemRef]:
        roots = dict.fromkeys(self._shadow.root_of(ref) or ref for ref in suspects)
        return list(dict.fromkeys(ref for root in roots for ref in (root, *self._shadow.rows_of(root))))

    async def _read(self, refs: Sequence[ItemRef]) -> dict[ItemRef, Item | None]:
        found = await self._store.get(refs) if refs else {}
        return {ref: found.get(ref) for ref in refs}

    async def _suspects(self, advance: Callable[[int], None]) -> AsyncIterator[ItemRef]:
        compared = 0
        for table in self._tables.values():
            async for page in pages(self._store, table.name):
                for root in self._differing(table, page):
                    yield root
                compared += len(page)
                advance(compared)
        for ref, root, item in self._shadow.unmarked():
            if exists(item) and not self._expired(ref, item):
                yield root

    def _differing(self, table: Table, page: Sequence[Item]) -> Iterator[ItemRef]:
        live = {_ref_of(table, item): item for item in page}
        made = self._shadow.get(live)
        self._shadow.mark(made)
        for ref, item in live.items():
            if not _same(item, made.get(ref)) and (ref in made or table.name not in self._projected):
                yield self._shadow.root_of(ref) or ref

    def _drift(self, root: ItemRef, refs: Sequence[ItemRef], live: Mapping[ItemRef, Item | None]) -> Drift | None:
        """``refs``: rows that are known or thought to be of the key."""
        made = self._shadow.rows_of(root)
        rows = [wrong for ref, (item, position) in made.items() if (wrong := self._wrong(ref, live.get(ref), item, position))]
        extra = [ref for ref in dict.fromkeys((root, *refs)) if ref not in made and exists(live.get(ref) or {})]
        rows += [WrongRow(ref, Wrong.EXTRA, (), "") for ref in extra]
        if not rows:
            return None
        books = live.get(root) or {}
        stuck = self._rerun.stuck(root) or (UNSEEN if extra not in ([], [root]) else None)
        return Drift(root, tuple(rows), tuple(self._shadow.differences(root)), HOLD in books, books.get(VERSION, 0), stuck)

    def _wrong(self, ref: ItemRef, live: Item | None, made: Item, position: str) -> WrongRow | None:
        if _same(live, made) or (live is None and self._expired(ref, made)):
            return None
        if live is None or not exists(live):
            return WrongRow(ref, Wrong.MISSING, (), position)
        before, after = plain(live), plain(made)
        differing = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return WrongRow(ref, Wrong.ALTERED, tuple(differing), position)

    def _expired(self, ref: ItemRef, item: Item) -> bool:
        return is_expired(self._tables[ref.table], item, self._clock.now())


def is_expired(table: Table, item: Item, now: int) -> bool:
    """DynamoDB has taken it away, or may at any moment. ``now`` in milliseconds."""
    return table.ttl is not None and item.get(table.ttl, now) < now // 1000


def _same(live: Item | None, made: Item | None) -> bool:
    """A row that only keeps books is absent to everybody."""
    one = plain(live) if live and exists(live) else {}
    other = plain(made) if made and exists(made) else {}
    return digest(one) == digest(other)


def _ref_of(table: Table, item: Item) -> ItemRef:
    return ItemRef(table.name, item[table.key.hash.name], item[table.key.range.name] if table.key.range else None)


def _order(position: str) -> tuple[str, int]:
    origin, _, offset = position.rpartition("/")
    return origin, int(offset or 0)
