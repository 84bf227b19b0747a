"""Finding an id's messages in the log. Topics have no index by correlation: partitions are read, and it is said how many records."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from contracts.topics import TOPICS
from contracts.types import Timestamp
from workers.engine.decision import ItemRef
from workers.engine.ledger import EFFECTS, LedgerRow
from workers.engine.partitioner import partition_of
from workers.engine.ports import Store, UnknownTopic
from workers.engine.reading import LogReader, Span
from workers.engine.receipts import RECEIPTS
from workers.engine.record import Partition, Record
from workers.engine.timer_rows import TIMERS, TimerRow
from workers.ops.replay.reading import spans_of
from workers.ops.replay.selection import Selection
from workers.ops.story.heard import Heard, Place

OPEN_AT_ONCE = 64
"""Partitions: a reader holds a batch of each."""
HEADERS = ("ce_id", "ce_correlationid")
Spans = Mapping[Partition, Span]
Progress = Callable[[int, int], None]
"""Told how many records were read, of how many."""


class As(StrEnum):
    """What the id turned out to be."""

    KEY = "key"
    MESSAGE = "message"
    CORRELATION = "correlation"
    EFFECT = "effect"
    TIMER = "timer"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Narrow:
    """Where to look. ``limit``: stories of a key that are told, the newest ones."""

    topics: tuple[str, ...] = tuple(TOPICS)
    since: Timestamp | None = None
    until: Timestamp | None = None
    limit: int = 20


@dataclass(slots=True)
class Gathered:
    """``messages`` by id. ``left_out``: stories of the key beyond the limit."""

    asked: str
    found_as: As = As.NOTHING
    messages: dict[str, Heard] = field(default_factory=dict)
    records: int = 0
    partitions: int = 0
    left_out: int = 0

    def take(self, record: Record) -> None:
        heard = Heard.of(record)
        if heard is None:
            return
        known = self.messages.setdefault(heard.id, heard)
        place = Place(record.partition, record.offset)
        replay = heard.envelope.replay
        if replay and replay.is_copy:
            known.copies.append(replay.id)
        if place not in known.places and not (replay and replay.is_copy and known.places):
            known.places.append(place)
            known.places.sort(key=lambda each: each.offset)

    def correlations_of(self, heard: Collection[Heard]) -> list[str]:
        """The newest first."""
        newest: dict[str, int] = {}
        for each in heard:
            newest[each.envelope.correlation_id] = max(each.at, newest.get(each.envelope.correlation_id, 0))
        return sorted(newest, key=lambda each: newest[each], reverse=True)


class Gathering:
    """Reads the partitions that a key can be in first, all of them only if the id is no key. Every call raises LogUnavailable,
    StoreUnavailable."""

    def __init__(self, reader: LogReader, store: Store, narrow: Narrow, on_progress: Progress = lambda _, __: None) -> None:
        self._reader, self._store, self._narrow, self._on_progress = reader, store, narrow, on_progress
        self._read: set[Partition] = set()
        self._total = 0
        self._all: Spans | None = None
        self._counts: Mapping[str, int] = {}

    async def gather(self, asked: str) -> Gathered:
        gathered = Gathered(asked)
        wanted, gathered.found_as = await self._of_tables(asked)
        if gathered.found_as is As.NOTHING:
            wanted = await self._of_log(gathered)
        if wanted:
            await self._take(gathered, await self._spans(), frozenset(wanted))
        chosen = set(wanted) or {asked}
        gathered.messages = {name: each for name, each in gathered.messages.items() if each.envelope.correlation_id in chosen}
        gathered.partitions = len(self._read)
        return gathered

    async def _of_tables(self, asked: str) -> tuple[list[str], As]:
        """An effect's or a timer's row names the story it belongs to."""
        effect, timer = ItemRef(EFFECTS, asked), ItemRef(TIMERS, asked)
        rows = await self._store.get([effect, timer])
        if effect in rows:
            return [LedgerRow.of(rows[effect]).envelope.correlation_id], As.EFFECT
        sending = TimerRow.of(rows[timer]).sending if timer in rows else None
        return ([sending.correlation], As.TIMER) if sending else ([], As.NOTHING)

    async def _of_log(self, gathered: Gathered) -> list[str]:
        asked = gathered.asked
        receipt = (await self._store.get([ItemRef(RECEIPTS, asked)])).get(ItemRef(RECEIPTS, asked))
        keys = {asked, str(receipt["key"])} if receipt else {asked}
        await self._take(gathered, await self._spans(keys), frozenset({asked}), by_key=asked)
        of_key = [each for each in gathered.messages.values() if each.key == asked]
        if of_key:
            gathered.found_as = As.KEY
            correlations = gathered.correlations_of(of_key)
            gathered.left_out = max(0, len(correlations) - self._narrow.limit)
            return correlations[: self._narrow.limit]
        if asked not in gathered.messages:
            rest = {partition: span for partition, span in (await self._spans()).items() if partition not in self._read}
            await self._take(gathered, rest, frozenset({asked}))
        if asked in gathered.messages:
            gathered.found_as = As.MESSAGE
            return [gathered.messages[asked].envelope.correlation_id]
        gathered.found_as = As.CORRELATION if gathered.messages else As.NOTHING
        return []

    async def _spans(self, keys: Collection[str] = ()) -> Spans:
        """Of every topic that is there, or of the partitions these keys can be in; as the log stood when it was asked first."""
        if self._all is None:
            counts = dict(zip(self._narrow.topics, await asyncio.gather(*map(self._count, self._narrow.topics)), strict=True))
            self._counts = {topic: count for topic, count in counts.items() if count}
            chosen = Selection(tuple(self._counts), since=self._narrow.since, until=self._narrow.until) if self._counts else None
            self._all = await spans_of(self._reader, chosen) if chosen else {}
        encoded = [key.encode() for key in keys]
        able = {Partition(topic, partition_of(key, count)) for key in encoded for topic, count in self._counts.items()}
        return {each: span for each, span in self._all.items() if not keys or each in able}

    async def _count(self, topic: str) -> int:
        try:
            return len(await self._reader.partitions(topic))
        except UnknownTopic:
            return 0

    async def _take(self, gathered: Gathered, spans: Spans, ids: frozenset[str], by_key: str = "") -> None:
        wanted, key = frozenset(each.encode() for each in ids), by_key.encode() or None
        self._total += sum(span.offsets for span in spans.values())
        for part in _chunks(spans):
            async with self._reader.open(part) as reading:
                for partition in part:
                    while batch := await reading.batch(partition):
                        gathered.records += len(batch)
                        for record in batch:
                            if (key and record.key == key) or any(n in HEADERS and value in wanted for n, value in record.headers):
                                gathered.take(record)
                        self._on_progress(gathered.records, self._total)
        self._read |= set(spans)


def _chunks(spans: Spans) -> Iterator[Spans]:
    left: Iterator[tuple[Partition, Span]] = iter(spans.items())
    while part := dict(islice(left, OPEN_AT_ONCE)):
        yield part


def groups_reading(topics: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Topic -> groups, of group -> topics."""
    found: dict[str, list[str]] = {}
    for group, read in topics.items():
        for topic in read:
            found.setdefault(topic, []).append(group)
    return found
