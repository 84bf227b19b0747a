"""Brings every data key under the present wrapping key, shard by shard, while the system runs.

A data key does not change by it, so nothing that is sealed does, and processes that hold it go on. A checkpoint after each shard lets a
run that was ended go on; what it had done of the shard it was in is recognised.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.sealed import KeysUnavailable
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import WrappedKey
from workers.adapters.subject_keys import SHARDS, KeyRow, KeyState, Listed
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import ItemRef
from workers.engine.ports import Absent, Fate, Store, VersionIs, Write
from workers.engine.root import VERSION

AT_ONCE: Final = 16
BATCH: Final = 200
ATTEMPTS: Final = 5
CHECKPOINT: Final = "CHECKPOINT#keys-rewrap"


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How far a run is: shards below ``shard`` are done. ``under``: the wrapping key it brings all keys under."""

    under: str
    again: bool = False
    shard: int = 0
    rewrapped: int = 0
    already: int = 0
    destroyed: int = 0
    version: int = 0


class Rewrapping:
    """Two runs at once do each other no harm, and nothing is won by them."""

    def __init__(self, ring: KeyRing, store: Store) -> None:
        self._ring, self._store = ring, store

    async def begun(self, *, again: bool = False) -> Rewrapped:
        """Where the last run to the same wrapping key stopped, or the beginning. Raises KeysUnavailable."""
        under = await self._ring.wrappings[0].present()
        kept = (await self._store.get([_ref(under)])).get(_ref(under))
        fresh = Rewrapped(under, again)
        if kept is None:
            return fresh
        if kept["shard"] >= SHARDS or kept["again"] != again:
            return replace(fresh, version=kept[VERSION])
        return Rewrapped(under, again, kept["shard"], kept["rewrapped"], kept["already"], kept["destroyed"], kept[VERSION])

    async def run(self, at: Rewrapped, advance: Callable[[int], None]) -> Rewrapped:
        """To the end. Raises KeysUnavailable where a key can't be had; run again, it goes on there."""
        while at.shard < SHARDS:
            at = await self._kept(await self._shard(at))
            advance(at.shard)
        return at

    async def _shard(self, at: Rewrapped) -> Rewrapped:
        batch: list[Listed] = []
        async for row in self._ring.keys.listed(at.shard):
            if row.state is KeyState.DESTROYED:
                at = replace(at, destroyed=at.destroyed + 1)
            elif row.wrapped_under == at.under and not at.again:
                at = replace(at, already=at.already + 1)
            else:
                batch.append(row)
            if len(batch) == BATCH:
                at, batch = await self._batch(at, batch), []
        return replace(await self._batch(at, batch), shard=at.shard + 1)

    async def _batch(self, at: Rewrapped, rows: Sequence[Listed]) -> Rewrapped:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(row: Listed) -> bool:
            async with slots:
                return await self._one(row, at)

        done = await asyncio.gather(*map(one, rows))
        return replace(at, rewrapped=at.rewrapped + sum(done), destroyed=at.destroyed + len(rows) - sum(done))

    async def _one(self, listed: Listed, at: Rewrapped) -> bool:
        """False when it was destroyed meanwhile."""
        for _ in range(ATTEMPTS):
            row = await self._ring.keys.at(listed.owner, listed.generation)
            if row is None or row.wrapped is None:
                return False
            if row.wrapped.wrapped_under == at.under and not at.again:
                return True
            if await self._ring.keys.replace_wrapping(row, await self._rewrapped(row, row.wrapped)):
                return True
        raise KeysUnavailable(f"the row of {listed.owner} changed again and again; run again")

    async def _rewrapped(self, row: KeyRow, wrapped: WrappedKey) -> WrappedKey:
        present = self._ring.wrappings[0]
        if present.unwraps(wrapped.wrapped_under):
            return await present.rewrap(row.owner, wrapped)
        return await present.wrap(row.owner, await self._ring.unwrapped(row))

    async def _kept(self, at: Rewrapped) -> Rewrapped:
        """A checkpoint that another run wrote meanwhile is left alone: this one goes on without."""
        row = {
            "shard": at.shard,
            "again": at.again,
            "rewrapped": at.rewrapped,
            "already": at.already,
            "destroyed": at.destroyed,
            VERSION: at.version + 1,
        }
        condition = VersionIs(at.version) if at.version else Absent()
        before = {VERSION: at.version} if at.version else None
        (written,) = await self._store.write([Write(_ref(at.under), before, row, condition)])
        return replace(at, version=at.version + 1) if written.fate is Fate.WRITTEN else at


def _ref(under: str) -> ItemRef:
    return ItemRef(AUDIT, CHECKPOINT, under)
