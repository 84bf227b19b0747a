"""The selected records, in the order of their append."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import Envelope
from contracts.position import Position
from contracts.timestamps import to_milliseconds
from workers.engine.once import Novelty, Window
from workers.engine.partitioner import partition_of
from workers.engine.reading import LogReader, Span, merged
from workers.engine.record import Partition, Record
from workers.ops.replay.selection import Selection, is_events

Spans = Mapping[Partition, Span]
FORGET_EVERY = 1_000
"""Records of a partition after which its window forgets what it needs no more."""


async def spans_of(reader: LogReader, selection: Selection) -> dict[Partition, Span]:
    """What must be read, as the log stands now: records appended later are not selected. Empty spans are left out. Raises LogUnavailable,
    UnknownTopic."""
    partitions = [each for topic in selection.topics for each in await _partitions(reader, selection, topic)]
    bounds = await reader.bounds(partitions)
    since = await reader.first_at(to_milliseconds(selection.since), partitions) if selection.since else {}
    until = await reader.first_at(to_milliseconds(selection.until), partitions) if selection.until else {}
    spans: dict[Partition, Span] = {}
    for each, bound in bounds.items():
        first = max(bound.begin, since.get(each, bound.begin), selection.first or 0)
        end = min(bound.end, until.get(each, bound.end), bound.end if selection.last is None else selection.last + 1)
        span = _around(selection.places, Span(bound.origin, first, end)) if selection.places else Span(bound.origin, first, end)
        if span.offsets:
            spans[each] = span
    return spans


def _around(places: Collection[str], span: Span) -> Span:
    """From the first to the last of the places in it."""
    found = [place.offset for place in map(Position.parse, places) if place.origin == span.origin]
    within = [offset for offset in found if span.first <= offset < span.end]
    return replace(span, first=min(within), end=max(within) + 1) if within else replace(span, end=span.first)


async def _partitions(reader: LogReader, selection: Selection, topic: str) -> list[Partition]:
    found = await reader.partitions(topic)
    if selection.partition is not None:
        return [each for each in found if each.number == selection.partition]
    if selection.keys:
        numbers = {partition_of(key.encode(), len(found)) for key in selection.keys}
        return [each for each in found if each.number in numbers]
    return found


async def selected(reader: LogReader, selection: Selection, spans: Spans) -> AsyncIterator[Record]:
    """Events that were published twice are selected once: what tells them apart stands in front of a span, so their partitions are read
    from the beginning. Memory: one batch a partition. Raises LogUnavailable."""
    windows: dict[Partition, Window] = {each: Window() for each in spans if is_events(each.topic)}
    reach = {each: Span(span.origin, 0 if each in windows else span.first, span.end) for each, span in spans.items()}
    if windows:
        bounds = await reader.bounds(list(windows))
        reach |= {each: Span(spans[each].origin, bounds[each].begin, spans[each].end) for each in windows}
    async for record in merged(reader, reach):
        partition = record.partition
        if partition in windows and _known(windows[partition], record):
            continue
        span = spans[partition]
        if record.offset >= span.first and selection.takes(record, Position(span.origin, record.offset)):
            yield record


def _known(window: Window, record: Record) -> bool:
    try:
        envelope: Envelope = decode(record.key, record.value, record.headers, record.timestamp).envelope
    except InvalidRecord:
        return False
    if envelope.replay and envelope.replay.is_handed_over:
        return False
    novelty = window.judge(envelope, record.offset)
    if record.offset % FORGET_EVERY == 0:
        window.metadata(record.offset + 1)
    return novelty is Novelty.KNOWN
