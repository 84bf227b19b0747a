"""Whose offsets these are: what a role committed, under which topic id, and when.

A topic made anew has another id, so offsets committed for the old one are not taken for its own. An offset moved forward by somebody
else would skip records in silence: it is noticed against the last watermark kept here, and the role stops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson

from contracts.position import Origin
from contracts.timestamps import from_milliseconds
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, Assigned, Clock, Store, StoreUnavailable, VersionIs, Write
from workers.engine.record import Partition
from workers.engine.root import VERSION

AUDIT = "platform-audit"
KEEP_EVERY = 10_000
"""Milliseconds between two keepings of a role's watermarks."""
ROWS_A_WRITE = 25


class LogShortened(Exception):
    """A committed offset lies beyond the partition's end: the log lost records or the topic was truncated. The role stops, for going
    on would skip whatever is written there next. Restore the log, or rewind the group after checking what is missing."""


class OffsetMoved(Exception):
    """Somebody moved the group's offset forward past what the role had settled; the records in between would never be applied. The role
    stops. Move the offset back, or say ``mindlinks resume`` if they are to be skipped."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A commit's metadata: the origin and offset it was made for, and what the processor wants back."""

    origin: Origin
    offset: int
    inner: str = ""

    def pack(self) -> str:
        return orjson.dumps([self.origin, self.offset, self.inner]).decode()

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for anything no role wrote."""
        try:
            origin, offset, inner = orjson.loads(text)
            return cls(Origin(str(origin)), int(offset), str(inner))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Kept:
    """The last watermark a role is known to have settled. ``accepted``: people said that going on from anywhere is fine."""

    origin: Origin
    offset: int
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Where a role begins, and the metadata its processor gave with that commit."""

    offset: int
    inner: str = ""


def start_of(assigned: Assigned, kept: Kept | None) -> Start:
    """Raises LogShortened, OffsetMoved. Offsets that vanished or belong to another log cost time, never records."""
    mark = Bookmark.parse(assigned.metadata) if assigned.metadata else None
    if assigned.committed is None or (mark and mark.origin != assigned.origin):
        return Start(0)
    if assigned.committed > assigned.end:
        raise LogShortened(f"{assigned.partition}: {LogShortened.__doc__}")
    if mark and mark.offset == assigned.committed:
        return Start(assigned.committed, mark.inner)
    if mark and mark.offset > assigned.committed:
        return Start(assigned.committed)
    if kept and kept.origin == assigned.origin and assigned.committed > kept.offset and not kept.accepted:
        raise OffsetMoved(f"{assigned.partition}, {kept.offset} to {assigned.committed}: {OffsetMoved.__doc__}")
    return Start(assigned.committed)


class Bookmarks:
    """One role's rows. Losing a keeping loses nothing: the next one writes the same or more."""

    def __init__(self, group: str, store: Store, clock: Clock) -> None:
        self._group, self._store, self._clock = group, store, clock
        self._rows: dict[Partition, Item] = {}
        self._kept_at = 0

    async def kept(self, partitions: Sequence[Partition]) -> Mapping[Partition, Kept]:
        """Raises StoreUnavailable."""
        refs = {self._ref(partition): partition for partition in partitions}
        found = await self._store.get(list(refs))
        self._rows = {refs[ref]: item for ref, item in found.items()}
        return {p: Kept(Origin(item["origin"]), item["offset"], item.get("accepted", False)) for p, item in self._rows.items()}

    async def keep(self, watermarks: Mapping[Partition, tuple[Origin, int]], *, at_once: bool = False) -> None:
        """At most every ten seconds unless ``at_once``. A store that is away is tried again next time."""
        now = self._clock.now()
        if not at_once and now - self._kept_at < KEEP_EVERY:
            return
        self._kept_at = now
        writes = [self._write(p, origin, offset, now) for p, (origin, offset) in watermarks.items() if self._is_news(p, origin, offset)]
        for start in range(0, len(writes), ROWS_A_WRITE):
            try:
                await self._store.write(writes[start : start + ROWS_A_WRITE])
            except StoreUnavailable:
                return

    def _is_news(self, partition: Partition, origin: Origin, offset: int) -> bool:
        row = self._rows.get(partition)
        return row is None or row["origin"] != origin or row["offset"] != offset

    def _write(self, partition: Partition, origin: Origin, offset: int, now: int) -> Write:
        before = self._rows.get(partition)
        version: int = before[VERSION] if before else 0
        after: dict[str, Any] = {
            "group": self._group,
            "origin": origin,
            "offset": offset,
            "at": from_milliseconds(now),
            VERSION: version + 1,
        }
        self._rows[partition] = after
        return Write(self._ref(partition), before, after, VersionIs(version) if before else Absent())

    def _ref(self, partition: Partition) -> ItemRef:
        return watermark_ref(self._group, partition)


def watermark_ref(group: str, partition: Partition) -> ItemRef:
    return ItemRef(AUDIT, f"WATERMARK#{group}", f"{partition.topic}/{partition.number:05d}")


def watermark_partition(group: str, entry: str) -> ItemRef:
    """The same row by its sort key."""
    return ItemRef(AUDIT, f"WATERMARK#{group}", entry)


def resume_ref(group: str) -> ItemRef:
    return ItemRef(AUDIT, "RESUME", group)
