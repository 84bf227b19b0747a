"""A store in memory: the same conditions, limits and answers as the real one."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from schemas.registry import table as declared
from schemas.table import Attribute, AttributeType, Key
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, AttributeIs, Fate, Page, Transacted, VersionIs, Write, Written
from workers.engine.root import VERSION

LARGEST_ITEM = 400 * 1024
STATEMENTS = 25
ACTIONS = 100
SCANNED = 100


class MemoryStore:
    """Never unavailable, never throttled."""

    def __init__(self) -> None:
        self.items: dict[ItemRef, Item] = {}
        self._tokens: dict[str, tuple[Sequence[Write], Transacted]] = {}

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        return {ref: _copied(self.items[ref]) for ref in refs if ref in self.items}

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        if len(writes) > STATEMENTS or len({write.ref for write in writes}) != len(writes):
            raise ValueError("at most 25 writes, no two of one row")
        for write in writes:
            _copied(write.after or {})
        return [self._one(write) for write in writes]

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        if token in self._tokens:
            known, answer = self._tokens[token]
            return answer if known == writes else Transacted(Fate.CONFLICT)
        if len(writes) > ACTIONS or len({write.ref for write in writes}) != len(writes):
            raise ValueError("at most 100 writes, no two of one row")
        parts = [self._checked(write) for write in writes]
        if any(part.fate is not Fate.WRITTEN for part in parts):
            invalid = any(part.fate is Fate.INVALID for part in parts)
            return Transacted(Fate.INVALID if invalid else Fate.CONFLICT, parts)
        for write in writes:
            self._apply(write)
        answer = Transacted(Fate.WRITTEN, parts)
        self._tokens[token] = (writes, answer)
        return answer

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
        key, shown = _view(table, index)
        rows = [item for ref, item in self.items.items() if ref.table == table and item.get(key.hash.name) == value]
        if key.range:
            name, last = key.range.name, _key_value(key.range, up_to) if up_to is not None else None
            rows = [item for item in rows if name in item and (last is None or item[name] <= last)]
            rows.sort(key=lambda item: item[name], reverse=descending)
        offset = int(start["offset"]) if start else 0
        rest = offset + limit < len(rows)
        page = [
            _copied(item if shown is None else {name: item[name] for name in item if name in shown})
            for item in rows[offset : offset + limit]
        ]
        return Page(page, {"offset": offset + limit} if rest else None)

    async def scan(self, table: str, *, start: Mapping[str, Any] | None = None) -> Page:
        """A page of the whole table; for ops."""
        rows = [item for ref, item in self.items.items() if ref.table == table]
        offset = int(start["offset"]) if start else 0
        page = [_copied(item) for item in rows[offset : offset + SCANNED]]
        return Page(page, {"offset": offset + SCANNED} if offset + SCANNED < len(rows) else None)

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
        if write.after is None and current is None:
            return Written(Fate.WRITTEN)
        if not holds(write.condition, current):
            # As DynamoDB: a refused INSERT does not bring the row back.
            return Written(Fate.CONFLICT, None if isinstance(write.condition, Absent) else current)
        if write.after is not None and (malformed := _malformed(write.ref.table, write.after)):
            return Written(Fate.INVALID, detail=malformed)
        if write.after is not None and len(orjson.dumps(write.after, default=lambda value: "x" * len(value))) > LARGEST_ITEM:
            return Written(Fate.INVALID, detail="item above 400 KB")
        return Written(Fate.WRITTEN)

    def _apply(self, write: Write) -> None:
        if write.after is None:
            self.items.pop(write.ref, None)
        else:
            self.items[write.ref] = _copied({**_primary_key(write.ref), **write.after})


def holds(condition: Absent | VersionIs | AttributeIs, current: Item | None) -> bool:
    match condition:
        case Absent():
            return current is None
        case VersionIs(version):
            return current is not None and current.get(VERSION) == version
        case AttributeIs(name, value):
            return current is not None and current.get(name) == value


def _view(table: str, index: str | None) -> tuple[Key, frozenset[str] | None]:
    """The key to query by, and the attributes that are shown; None: all of them."""
    declaration = declared(table)
    if index is None:
        return declaration.key, None
    found = declaration.index(index)
    keys = [attribute.name for attribute in (*declaration.key.attributes, *found.key.attributes)]
    return found.key, frozenset((*keys, *found.included))


def _primary_key(ref: ItemRef) -> dict[str, Any]:
    declaration = declared(ref.table)
    key: dict[str, Any] = {declaration.key.hash.name: ref.key}
    if declaration.key.range and ref.range is not None:
        key[declaration.key.range.name] = _key_value(declaration.key.range, ref.range)
    return key


def _key_value(attribute: Attribute, text: str) -> str | int:
    return int(text) if attribute.type is AttributeType.NUMBER else text


def _malformed(table: str, row: Item) -> str | None:
    """What DynamoDB refuses although a row may hold it elsewhere."""
    for attribute in declared(table).key_attributes:
        value = row.get(attribute.name)
        wanted = int if attribute.type is AttributeType.NUMBER else bytes if attribute.type is AttributeType.BINARY else str
        if value is not None and (not isinstance(value, wanted) or value == ""):
            return f"{attribute.name} is the key of an index and cannot be {value!r}"
    return "an attribute without a name" if _nameless(row) else None


def _nameless(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "" in value or any(_nameless(each) for each in value.values())
    return isinstance(value, list | tuple) and any(_nameless(each) for each in value)


def _copied(value: Any) -> Any:
    """A row shares nothing with its writer or readers. Raises TypeError for a value no item may hold."""
    if isinstance(value, Mapping):
        return {name: _copied(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(each) for each in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | bytes):
        return value
    raise TypeError(f"an item cannot hold {value!r}")
