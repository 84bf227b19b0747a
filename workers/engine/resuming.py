"""A stopped role goes on when people say so: they leave a word in ``platform-audit``, and its process looks there."""

from dataclasses import dataclass
from typing import Any

from contracts.ids import derived
from contracts.timestamps import day, from_milliseconds
from workers.engine.bookmarks import AUDIT, OffsetMoved, resume_ref, watermark_partition
from workers.engine.decision import Item, ItemRef
from workers.engine.fuse import FuseTripped
from workers.engine.parking import ParkingFull
from workers.engine.ports import Absent, Clock, Fate, Store, StoreUnavailable, VersionIs, Write
from workers.engine.root import VERSION

RESUMABLE = (FuseTripped, OffsetMoved, ParkingFull)
"""Faults that end with their cause; any other needs a new process."""
ATTEMPTS = 5


class NotResumed(Exception):
    """The word could not be left: others wrote the same row again and again, or the store is away. Try again."""


@dataclass(frozen=True, slots=True)
class Word:
    """Who lets which group go on, and why. ``at`` in milliseconds."""

    group: str
    who: str
    why: str
    at: int


class Resumes:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def asked(self, group: str, since: int) -> bool:
        """True when somebody said so after ``since``. A store that is away says nothing."""
        try:
            row = (await self._store.get([resume_ref(group)])).get(resume_ref(group))
        except StoreUnavailable:
            return False
        return row is not None and row["at"] > from_milliseconds(since)

    async def ask(self, group: str, who: str, why: str) -> Word:
        """Leaves the word, lets the group's moved offsets stand, and writes the audit trail. Raises NotResumed."""
        word = Word(group, who, why, self._clock.now())
        said = {"group": group, "who": who, "why": why, "at": from_milliseconds(word.at)}
        await self._put(self._trail(word), {"what": "resume", **said})
        for row in await self._watermarks(group):
            await self._put(watermark_partition(group, row["entry"]), {**row, "accepted": True})
        await self._put(resume_ref(group), said)
        return word

    @staticmethod
    def _trail(word: Word) -> ItemRef:
        at = from_milliseconds(word.at)
        return ItemRef(AUDIT, day(at), f"{at}#{derived(f'resume:{word.group}:{at}')}")

    async def _watermarks(self, group: str) -> list[Item]:
        return list((await self._store.query(AUDIT, None, f"WATERMARK#{group}", limit=1000)).items)

    async def _put(self, ref: ItemRef, row: Item) -> None:
        """Over whatever is there."""
        for _ in range(ATTEMPTS):
            before = (await self._store.get([ref])).get(ref)
            version: int = before[VERSION] if before else 0
            after: dict[str, Any] = {**row, VERSION: version + 1}
            (written,) = await self._store.write([Write(ref, before, after, VersionIs(version) if before else Absent())])
            if written.fate is Fate.WRITTEN:
                return
        raise NotResumed(f"{ref}: {NotResumed.__doc__}")
