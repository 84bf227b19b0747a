"""Rows of ``platform-subject-keys``: one per (subject, purpose) and generation. The only place that writes them.

A row's data key never changes: rewrapping changes what it is wrapped under, destruction removes it and leaves a tombstone for good.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self
from zlib import crc32

from contracts.sealed import KeysUnavailable, is_lead
from contracts.timestamps import from_milliseconds
from contracts.types import Purpose, Timestamp
from schemas.platform import SUBJECT_KEYS
from workers.adapters.key_wrapping import KeyOwner, WrappedKey
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, Clock, Fate, Store, StoreUnavailable, VersionIs, Write, Written
from workers.engine.root import VERSION

FIRST: Final = 1
SHARDS: Final = 64
"""Partitions of the index by which maintenance walks through all keys."""
SHARD_INDEX: Final = "shard-index"
ATTEMPTS: Final = 8


class KeyState(StrEnum):
    ACTIVE = "active"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One generation of one key. ``wrapped`` is gone once it is destroyed."""

    owner: KeyOwner
    generation: int
    created_at: Timestamp
    wrapped: WrappedKey | None
    destroyed_at: Timestamp | None = None
    why: str | None = None
    version: int = 1

    @property
    def state(self) -> KeyState:
        return KeyState.ACTIVE if self.wrapped else KeyState.DESTROYED

    @property
    def ref(self) -> ItemRef:
        return reference(self.owner, self.generation)

    @classmethod
    def of(cls, item: Item) -> Self:
        subject, _, purpose = item["subjectPurpose"].rpartition("#")
        wrapped = WrappedKey(b64decode(item["wrappedKey"]), item["wrappedUnder"]) if "wrappedKey" in item else None
        owner = KeyOwner(subject, Purpose(purpose))
        return cls(owner, item["generation"], item["createdAt"], wrapped, item.get("destroyedAt"), item.get("why"), item[VERSION])

    def item(self) -> Item:
        found: dict[str, Any] = {
            "subjectPurpose": str(self.owner),
            "generation": self.generation,
            "shard": shard(self.owner),
            "state": self.state.value,
            "createdAt": self.created_at,
            "destroyedAt": self.destroyed_at,
            "why": self.why,
            VERSION: self.version,
        }
        if self.wrapped:
            found |= {"wrappedKey": b64encode(self.wrapped.ciphertext).decode(), "wrappedUnder": self.wrapped.wrapped_under}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Listed:
    """What the index tells of one row; it may lag."""

    owner: KeyOwner
    generation: int
    state: KeyState
    wrapped_under: str | None


class SubjectKeys:
    """Every method raises KeysUnavailable when the store is away, after which it may be called again; none holds anything back."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def now(self) -> int:
        return self._clock.now()

    async def at(self, owner: KeyOwner, generation: int) -> KeyRow | None:
        """Consistent."""
        ref = reference(owner, generation)
        try:
            item = (await self._store.get([ref])).get(ref)
        except StoreUnavailable as error:
            raise KeysUnavailable(f"the key table does not answer: {error}") from error
        return KeyRow.of(item) if item else None

    async def latest(self, owner: KeyOwner) -> KeyRow | None:
        """The last generation, consistent. None: the owner never had a key."""
        if not is_lead(owner.subject):
            return await self.at(owner, FIRST)
        rows = [row async for row in self._pages(None, str(owner), 1, descending=True)]
        return KeyRow.of(rows[0]) if rows else None

    async def generations(self, owner: KeyOwner) -> list[KeyRow]:
        """All there ever were, in order."""
        return [KeyRow.of(item) async for item in self._pages(None, str(owner), 100)]

    async def listed(self, number: int) -> AsyncIterator[Listed]:
        """Every row of one shard, tombstones too."""
        async for item in self._pages(SHARD_INDEX, f"{number:02x}", 1000):
            subject, _, purpose = item["subjectPurpose"].rpartition("#")
            yield Listed(KeyOwner(subject, Purpose(purpose)), item["generation"], KeyState(item["state"]), item.get("wrappedUnder"))

    async def create(self, owner: KeyOwner, generation: int, wrapped: WrappedKey) -> KeyRow:
        """The row that stands afterwards: this one, or that of whoever was first."""
        row = KeyRow(owner, generation, from_milliseconds(self.now()), wrapped)
        written = await self._written(Write(row.ref, None, row.item(), Absent()))
        if written.fate is Fate.WRITTEN:
            return row
        # Also when the write's answer was lost: what stands there counts, whoever wrote it.
        if found := await self.at(owner, generation):
            return found
        raise KeysUnavailable(f"the key table did not take a new key: {written.fate}")

    async def destroy(self, owner: KeyOwner, why: str) -> list[int]:
        """Removes the key of every generation, and answers which had one. Idempotent; an owner that never had a key gets a tombstone, so
        that no late message makes one. Copies in point-in-time backups outlive it by the recovery window."""
        destroyed: list[int] = []
        rows: Mapping[int, KeyRow | None] = {row.generation: row for row in await self.generations(owner)} or {FIRST: None}
        for generation, row in rows.items():
            if await self._destroy(owner, generation, row, why):
                destroyed.append(generation)
        return destroyed

    async def _destroy(self, owner: KeyOwner, generation: int, row: KeyRow | None, why: str) -> bool:
        """False when nothing was left to destroy."""
        for _ in range(ATTEMPTS):
            if row and row.state is KeyState.DESTROYED:
                return False
            at = from_milliseconds(self.now())
            before = row or KeyRow(owner, generation, at, None, version=0)
            tombstone = replace(before, wrapped=None, destroyed_at=at, why=why, version=before.version + 1)
            condition = VersionIs(row.version) if row else Absent()
            written = await self._written(Write(tombstone.ref, row.item() if row else None, tombstone.item(), condition))
            if written.fate is Fate.WRITTEN:
                return row is not None
            row = await self.at(owner, generation)
        raise KeysUnavailable("the key's row changed again and again; nothing was destroyed yet, try again")

    async def replace_wrapping(self, row: KeyRow, wrapped: WrappedKey) -> bool:
        """False when the row was changed meanwhile; a destroyed key never comes back this way."""
        after = replace(row, wrapped=wrapped, version=row.version + 1)
        written = await self._written(Write(row.ref, row.item(), after.item(), VersionIs(row.version)))
        if written.fate in (Fate.BUSY, Fate.UNKNOWN):
            raise KeysUnavailable(f"the key table did not take a rewrapped key: {written.fate}")
        return written.fate is Fate.WRITTEN

    async def _written(self, write: Write) -> Written:
        try:
            (written,) = await self._store.write([write])
        except StoreUnavailable as error:
            raise KeysUnavailable(f"the key table does not answer: {error}") from error
        return written

    async def _pages(self, index: str | None, value: str, limit: int, *, descending: bool = False) -> AsyncIterator[Item]:
        """All rows of one hash key, page by page; with ``descending`` the first page alone."""
        start: Mapping[str, Any] | None = None
        while True:
            try:
                page = await self._store.query(SUBJECT_KEYS.name, index, value, start=start, limit=limit, descending=descending)
            except StoreUnavailable as error:
                raise KeysUnavailable(f"the key table does not answer: {error}") from error
            for item in page.items:
                yield item
            start = page.next
            if start is None or descending:
                return


def reference(owner: KeyOwner, generation: int) -> ItemRef:
    return ItemRef(SUBJECT_KEYS.name, str(owner), str(generation))


def shard(owner: KeyOwner) -> str:
    return f"{crc32(str(owner).encode()) % SHARDS:02x}"
