"""A store in memory: the same conditions, limits and answers as the real one."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from schemas.registry import table as declared
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, AttributeIs, Fate, Page, Transacted, VersionIs, Write, Written
from workers.engine.root import VERSION

LARGEST_ITEM = 400 * 1024
STATEMENTS = 25
ACTIONS = 100


class MemoryStore:
    """Never unavailable, never throttled."""

    def __init__(self) -> None:
        self.items: dict[ItemRef, Item] = {}
        self._tokens: dict[str, Transacted] = {}

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        return {ref: self.items[ref] for ref in refs if ref in self.items}

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        if len(writes) > STATEMENTS or len({write.ref for write in writes}) != len(writes):
            raise ValueError("at most 25 writes, no two of one row")
        return [self._one(write) for write in writes]

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        if token in self._tokens:
            return self._tokens[token]
        if len(writes) > ACTIONS or len({write.ref for write in writes}) != len(writes):
            raise ValueError("at most 100 writes, no two of one row")
        parts = [self._checked(write) for write in writes]
        if any(part.fate is not Fate.WRITTEN for part in parts):
            invalid = any(part.fate is Fate.INVALID for part in parts)
            return Transacted(Fate.INVALID if invalid else Fate.CONFLICT, parts)
        for write in writes:
            self._apply(write)
        self._tokens[token] = Transacted(Fate.WRITTEN, parts)
        return self._tokens[token]

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
        hash_name, range_name = _keys(table, index)
        rows = [item for ref, item in self.items.items() if ref.table == table and item.get(hash_name) == value]
        if range_name:
            rows = [item for item in rows if range_name in item and (up_to is None or item[range_name] <= up_to)]
            rows.sort(key=lambda item: item[range_name], reverse=descending)
        offset = int(start["offset"]) if start else 0
        rest = offset + limit < len(rows)
        return Page(rows[offset : offset + limit], {"offset": offset + limit} if rest else None)

    async def check(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to close."""

    def _one(self, write: Write) -> Written:
        checked = self._checked(write)
        if checked.fate is Fate.WRITTEN:
            self._apply(write)
        return checked

    def _checked(self, write: Write) -> Written:
        current = self.items.get(write.ref)
        if not holds(write.condition, current):
            return Written(Fate.CONFLICT, current)
        if write.after is not None and len(orjson.dumps(write.after, default=lambda value: "x" * len(value))) > LARGEST_ITEM:
            return Written(Fate.INVALID, detail="item above 400 KB")
        return Written(Fate.WRITTEN)

    def _apply(self, write: Write) -> None:
        if write.after is None:
            self.items.pop(write.ref, None)
        else:
            self.items[write.ref] = {**_primary_key(write.ref), **write.after}


def holds(condition: Absent | VersionIs | AttributeIs, current: Item | None) -> bool:
    match condition:
        case Absent():
            return current is None
        case VersionIs(version):
            return current is not None and current.get(VERSION) == version
        case AttributeIs(name, value):
            return current is not None and current.get(name) == value


def _keys(table: str, index: str | None) -> tuple[str, str | None]:
    declaration = declared(table)
    if index is None:
        return declaration.key.hash.name, declaration.key.range.name if declaration.key.range else None
    found = next(each for each in declaration.indexes if each.name == index)
    return found.hash.name, found.range.name if found.range else None


def _primary_key(ref: ItemRef) -> dict[str, Any]:
    declaration = declared(ref.table)
    key: dict[str, Any] = {declaration.key.hash.name: ref.key}
    if declaration.key.range and ref.range is not None:
        key[declaration.key.range.name] = ref.range
    return key
