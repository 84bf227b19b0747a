"""A selection counted before anything happens."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from contracts.ids import digest
from contracts.timestamps import from_milliseconds
from contracts.types import Timestamp
from workers.engine.reading import LogReader
from workers.engine.record import Record
from workers.ops.replay.reading import Spans, selected
from workers.ops.replay.selection import Selection

MOST_KEYS = 200_000
"""Keys counted exactly; more are said to be more, for the memory of a count must not grow with the log."""
TELL_EVERY = 1_000


@dataclass(slots=True)
class Census:
    """``bytes``: of keys and values."""

    records: int = 0
    bytes: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None
    _keys: set[int] = field(default_factory=set)

    def add(self, record: Record) -> None:
        self.records += 1
        self.bytes += len(record.key or b"") + len(record.value or b"")
        self.topics[record.partition.topic] += 1
        self.kinds[next(((value or b"").decode(errors="replace") for name, value in record.headers if name == "ce_type"), "-")] += 1
        self.first = record.timestamp if self.first is None else min(self.first, record.timestamp)
        self.last = record.timestamp if self.last is None else max(self.last, record.timestamp)
        if len(self._keys) < MOST_KEYS:
            self._keys.add(int.from_bytes(digest((record.key or b"").decode(errors="replace"))))

    @property
    def keys(self) -> int:
        return len(self._keys)

    @property
    def more_keys(self) -> bool:
        return len(self._keys) >= MOST_KEYS

    @property
    def span(self) -> tuple[Timestamp, Timestamp] | None:
        return (from_milliseconds(self.first), from_milliseconds(self.last)) if self.first is not None and self.last is not None else None

    def seconds(self, rate: float) -> float:
        """What sending at ``rate`` records a second takes; reading is faster than any rate that spares the workers."""
        return self.records / rate

    def told(self, rate: float) -> dict[str, Any]:
        return {
            "records": self.records,
            "keys": self.keys,
            "moreKeys": self.more_keys,
            "bytes": self.bytes,
            "kinds": dict(self.kinds.most_common()),
            "topics": dict(self.topics.most_common()),
            "from": self.span[0] if self.span else None,
            "to": self.span[1] if self.span else None,
            "seconds": round(self.seconds(rate), 1),
        }


async def counted(reader: LogReader, selection: Selection, spans: Spans, on_progress: Callable[[int], None] = lambda _: None) -> Census:
    """Reads what a replay would read. Raises LogUnavailable."""
    census = Census()
    async for record in selected(reader, selection, spans):
        census.add(record)
        if census.records % TELL_EVERY == 0:
            on_progress(census.records)
    return census
