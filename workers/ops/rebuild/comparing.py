"""The live tables held against the shadow, key by key, while workers go on writing."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.registry import tables_of
from schemas.table import Owner, Table
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Clock, Store
from workers.engine.root import HOLD, exists, plain
from workers.engine.service import Service
from workers.ops.rebuild.rerun import Rerun
from workers.ops.rebuild.shadow import Difference, Shadow, digest
from workers.ops.scanning import pages

LOOKS: Final = 5
PAUSE: Final = 1.0
"""Seconds between two looks: a command that is on its way when it is looked for has arrived by then."""


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
    """One key whose rows are not what its commands make of them. ``differences``: its commands that ended otherwise, in order.
    ``held``: a command of it is parked, so what follows cannot have been applied yet."""

    root: ItemRef
    rows: tuple[WrongRow, ...]
    differences: tuple[Difference, ...]
    held: bool

    @property
    def key(self) -> str:
        """As in the table; the record's key is in it."""
        return self.root.key

    @property
    def first(self) -> str:
        """The first position where it differs; where every command ended right, the last one whose row was touched afterwards."""
        if self.differences:
            return self.differences[0].position
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
        for look in range(LOOKS):
            # A row that no command had made may have its root by now.
            keys = dict.fromkeys(self._shadow.root_of(ref) or ref for ref in suspects)
            drifts = [drift for root in keys if (drift := await self._drift(root))]
            if not drifts or look == LOOKS - 1:
                break
            await self._clock.sleep(PAUSE)
            await self._rerun.catch_up()
            suspects = [drift.root for drift in drifts]
        return sorted(drifts, key=lambda drift: (_order(drift.first), drift.root))

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

    async def _drift(self, root: ItemRef) -> Drift | None:
        made = self._shadow.rows_of(root)
        live = await self._store.get([root, *(ref for ref in made if ref != root)])
        rows = [wrong for ref, (item, position) in made.items() if (wrong := self._wrong(ref, live.get(ref), item, position))]
        if root not in made and root in live and exists(live[root]):
            rows.append(WrongRow(root, Wrong.EXTRA, (), ""))
        if not rows:
            return None
        return Drift(root, tuple(rows), tuple(self._shadow.differences(root)), HOLD in live.get(root, {}))

    def _wrong(self, ref: ItemRef, live: Item | None, made: Item, position: str) -> WrongRow | None:
        if _same(live, made) or (live is None and self._expired(ref, made)):
            return None
        if live is None or not exists(live):
            return WrongRow(ref, Wrong.MISSING, (), position)
        before, after = plain(live), plain(made)
        differing = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return WrongRow(ref, Wrong.ALTERED, tuple(differing), position)

    def _expired(self, ref: ItemRef, item: Item) -> bool:
        """DynamoDB has taken it away, or may at any moment."""
        expires = self._tables[ref.table].ttl
        return expires is not None and item.get(expires, self._clock.now()) < self._clock.now() // 1000


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
