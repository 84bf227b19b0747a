"""Tables that keep nothing: reads come from the live ones, writes stay in memory and are seen by later reads (copy on write)."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.registry import table as declared
from schemas.table import AttributeType
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryStore
from workers.engine.ports import Page, Store, Transacted, Write, Written


class OverlayStore:
    """A store over a store. The lower one is only ever read. What was read is kept until ``forget``; what was written, for good, with the
    row as it was: memory grows with the rows that change."""

    def __init__(self, live: Store) -> None:
        self._live, self._over = live, MemoryStore()
        self._known: set[ItemRef] = set()
        self.before: dict[ItemRef, Item | None] = {}
        self._filed: dict[tuple[str, str, Any], set[ItemRef]] = {}

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        """What is not known yet is read at once, so a reader that knows what it will need asks for all of it first."""
        if missing := [ref for ref in dict.fromkeys(refs) if ref not in self._known]:
            self._over.items |= await self._live.get(missing)
            self._known.update(missing)
        return await self._over.get(refs)

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        await self._noted(writes)
        answers = await self._over.write(writes)
        self._file(writes)
        return answers

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        await self._noted(writes)
        answer = await self._over.transact(writes, token)
        self._file(writes)
        return answer

    async def put(self, rows: Mapping[ItemRef, Item | None]) -> None:
        """Whatever is there; None deletes."""
        await self.get(list(rows))
        for ref, row in rows.items():
            self.before.setdefault(ref, self._over.items.get(ref))
            if row is None:
                self._over.items.pop(ref, None)
            else:
                self._over.items[ref] = {**_primary_key(ref), **row}
                self._find_again(ref)

    async def _noted(self, writes: Sequence[Write]) -> None:
        await self.get([write.ref for write in writes])
        for write in writes:
            self.before.setdefault(write.ref, self._over.items.get(write.ref))

    async def query(
        self,
        table: str,
        index: str | None,
        value: str,
        *,
        up_to: str | None = None,
        start: Mapping[str, Any] | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> Page:
        """One page of everything: live rows that were not changed, and changed ones as they are in memory."""
        found: list[Item] = []
        while True:
            page = await self._live.query(table, index, value, up_to=up_to, start=start, limit=limit, descending=descending)
            found += [item for item in page.items if _ref(table, item) not in self.before]
            start = page.next
            if start is None:
                break
        key = declared(table).key if index is None else declared(table).index(index).key
        own = await self._changed(table, key.hash.name, value).query(table, index, value, up_to=up_to, limit=len(self.before) + 1)
        rows = [*found, *own.items]
        if key.range:
            name = key.range.name
            rows.sort(key=lambda item: item[name], reverse=descending)
        return Page(rows)

    def _changed(self, table: str, attribute: str, value: str) -> MemoryStore:
        """Rows that have, or had for a while, this value of a key's attribute; a query of them leaves out what no longer has it."""
        changed = MemoryStore()
        refs = self._filed.get((table, attribute, value), ())
        changed.items = {ref: self._over.items[ref] for ref in refs if ref in self._over.items}
        return changed

    def _file(self, writes: Sequence[Write]) -> None:
        for write in writes:
            self._find_again(write.ref)

    def _find_again(self, ref: ItemRef) -> None:
        """So that a query looks at the rows of its value alone, however many have changed."""
        row, table = self._over.items.get(ref, {}), declared(ref.table)
        for name in {table.key.hash.name, *(index.key.hash.name for index in table.indexes)}:
            if name in row:
                self._filed.setdefault((ref.table, name, row[name]), set()).add(ref)

    async def check(self) -> None:
        await self._live.check()

    async def close(self) -> None:
        """The lower store is its opener's to close."""

    def now(self, ref: ItemRef) -> Item | None:
        """A changed row as it would be."""
        return self._over.items.get(ref)

    def forget(self) -> None:
        """Drops what was only read."""
        self._over.items = {ref: item for ref, item in self._over.items.items() if ref in self.before}
        self._known = set(self.before)


def _primary_key(ref: ItemRef) -> dict[str, Any]:
    key = declared(ref.table).key
    found: dict[str, Any] = {key.hash.name: ref.key}
    if key.range and ref.range is not None:
        found[key.range.name] = int(ref.range) if key.range.type is AttributeType.NUMBER else ref.range
    return found


def _ref(table: str, item: Item) -> ItemRef:
    key = declared(table).key
    return ItemRef(table, str(item[key.hash.name]), str(item[key.range.name]) if key.range else None)
