"""The head row: which events of a partition are parked, and so which keys are held, in the roles without roots of their own
(docs/decisions/0007-one-head-row-per-partition.md).

It is a set that everybody may add to and from which an offset is taken only by one who knows it applied. So a stale owner's additions cost
a look and its removals are true; nobody has to claim the row, and an owner that never saw one creates it like any other addition.
"""

import asyncio
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from contracts.position import Origin
from workers.engine.decision import Item, ItemRef
from workers.engine.parking import PARKED, ParkingFull
from workers.engine.ports import Absent, Clock, Fate, Store, StoreUnavailable, VersionIs, Write, Written
from workers.engine.record import Partition
from workers.engine.retry import TRANSIENT
from workers.engine.root import VERSION

HEAD = "HEAD"


class Holds:
    """One partition's head row. What is added holds at once, here; ``keep`` returns when it is durable. Waits out a store that is away."""

    def __init__(self, group: str, partition: Partition, origin: Origin, store: Store, clock: Clock, random: Random) -> None:
        self.ref = ItemRef(PARKED, f"{group}@{partition.topic}/{partition.number}", HEAD)
        self._origin, self._store, self._clock, self._random = origin, store, clock, random
        self._row: Item | None = None
        self._loaded = False
        self._of: dict[str, set[int]] = {}
        self._added: set[tuple[str, int]] = set()
        self._removed: set[tuple[str, int]] = set()
        self._writing = asyncio.Lock()
        self.offsets: set[int] = set()

    async def load(self) -> None:
        self._row = await self._read()
        for key, offsets in _listed(self._row, self._origin).items():
            self._of[key] = set(offsets)
            self.offsets |= self._of[key]
        self._loaded = True

    def __contains__(self, key: str) -> bool:
        return key in self._of

    @property
    def counts(self) -> Mapping[str, int]:
        """Held keys, and how many events of each are parked."""
        return {key: len(offsets) for key, offsets in self._of.items()}

    def of(self, key: str) -> frozenset[int]:
        return frozenset(self._of.get(key, ()))

    def add(self, key: str, offset: int) -> None:
        self._of.setdefault(key, set()).add(offset)
        self.offsets.add(offset)
        self._added.add((key, offset))

    def remove(self, key: str, offsets: Iterable[int]) -> None:
        """Only what is known to be applied, by whomever, or quarantined for good."""
        gone = self.of(key) & set(offsets)
        self._removed |= {(key, offset) for offset in gone}
        self.offsets -= gone
        if left := self.of(key) - gone:
            self._of[key] = set(left)
        else:
            self._of.pop(key, None)

    async def tidy(self, committed: int) -> None:
        """Takes out what a stale owner's late write has added since the row was loaded. Whatever is parked below ``committed`` and not
        applied is known here, once it was loaded."""
        if not self._loaded:
            return
        async with self._writing:
            self._row = await self._read()
            for key, offsets in _listed(self._row, self._origin).items():
                self._removed |= {(key, offset) for offset in offsets if offset < committed and offset not in self.of(key)}
        await self.keep()

    async def keep(self) -> None:
        async with self._writing:
            attempt = 0
            while self._added or self._removed:
                added, removed = set(self._added), set(self._removed)
                result = await self._write(self._merged(added, removed))
                if result.fate is Fate.WRITTEN:
                    self._added -= added
                    self._removed -= removed
                    continue
                if result.fate is Fate.INVALID:
                    raise ParkingFull(f"{self.ref}: {result.detail}. {ParkingFull.__doc__}")
                if result.fate is not Fate.CONFLICT:
                    attempt = await self._pause(attempt)
                self._row = await self._read()

    def _merged(self, added: set[tuple[str, int]], removed: set[tuple[str, int]]) -> dict[str, Any]:
        listed = {(key, offset) for key, offsets in _listed(self._row, self._origin).items() for offset in offsets}
        holds: dict[str, list[int]] = {}
        for key, offset in sorted((listed | added) - removed):
            holds.setdefault(key, []).append(offset)
        version: int = self._row[VERSION] if self._row else 0
        return {"origin": self._origin, "holds": holds, VERSION: version + 1}

    async def _write(self, after: dict[str, Any]) -> Written:
        condition = VersionIs(self._row[VERSION]) if self._row else Absent()
        try:
            (result,) = await self._store.write([Write(self.ref, self._row, after, condition)])
        except StoreUnavailable:
            return Written(Fate.BUSY)
        if result.fate is Fate.WRITTEN:
            self._row = after
        return result

    async def _read(self) -> Item | None:
        attempt = 0
        while True:
            try:
                return (await self._store.get([self.ref])).get(self.ref)
            except StoreUnavailable:
                attempt = await self._pause(attempt)

    async def _pause(self, attempt: int) -> int:
        await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
        return attempt + 1


def _listed(row: Item | None, origin: Origin) -> Mapping[str, list[int]]:
    """Of a topic made anew nothing is parked yet."""
    return row["holds"] if row and row["origin"] == origin else {}
