"""Outcomes that rest on roots and stand in no events topic: the world was never told of a change that was made.

A root keeps its last outcomes until its next write, so resting alone says nothing: each is looked for in the log.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from contracts.ids import event_id
from contracts.position import Origin
from contracts.timestamps import to_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import Timestamp
from schemas.registry import table as declared
from workers.engine.reading import Span
from workers.engine.record import Partition
from workers.engine.root import OUTCOMES, Root
from workers.engine.service import Service
from workers.ops.doctor.finding import Answer, Finding, Kind, LeftOut, many
from workers.ops.doctor.system import System
from workers.ops.scanning import pages

MOST_READ = 200_000
"""Records of a service's events that a sample reads at most."""
MARGIN = 300_000
"""Milliseconds by which a broker's clock may have been set back between a command and its events."""


class Resting(NamedTuple):
    """One command's outcome on its root; small, for ``--deep`` keeps one for every root there is."""

    table: str
    key: str
    origin: Origin
    offset: int
    at: Timestamp

    @property
    def partition(self) -> str:
        return self.origin.rpartition("/")[2]


Owed = dict[str, Resting]
"""By event id."""


@dataclass(slots=True)
class _Looked:
    """How far it went, for people. ``cut``: tables that were not read to their end."""

    rows: int = 0
    outcomes: int = 0
    records: int = 0
    untold: int = 0
    cut: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        left = f"; {self.untold:,} outcomes are older than what was read" if self.untold else ""
        return f"{self.rows:,} rows, {self.outcomes:,} outcomes, {self.records:,} records of events{left}"


async def outcomes(system: System) -> Answer:
    """By a sample of each table unless ``--deep``."""
    found: list[Finding] = []
    looked = _Looked()
    commits = {standing.group: {each.origin: each.committed or 0 for each in standing.assigned} for standing in await system.standings()}
    for service in system.services.values():
        if service.handlers:
            left = await _unheard(system, service, looked)
            found += _told(service.name, left, commits[f"{service.name}-commands"])
    whole = "whole tables" if system.depth.sample is None else f"a sample of {system.depth.sample:,} rows a table (--deep: all)"
    return Answer(f"{whole}: {looked}", found, [] if system.depth.sample is None else [*_left_out(looked)])


def _left_out(looked: _Looked) -> Iterator[LeftOut]:
    deeper = "mindlinks doctor --only outcomes --deep"
    if looked.cut:
        why = "No index tells on which roots an outcome rests: only a look at every row of a table does."
        do = f"{deeper} (reads the tables whole), or a larger --sample"
        yield LeftOut(f"outcomes beyond the sample, of {', '.join(looked.cut)}", why, do)
    if looked.untold:
        why = f"A sample is looked for in the latest {MOST_READ:,} events of a service at most."
        yield LeftOut(f"{looked.untold:,} outcomes that are older than what was read of the events topics", why, deeper)


async def _unheard(system: System, service: Service, looked: _Looked) -> Owed:
    owed: Owed = {}
    for table in sorted({handler.aggregate.table for handler in service.handlers}):
        async for names, resting in _resting(system, table, looked):
            if to_milliseconds(resting.at) < system.late_since:
                owed |= dict.fromkeys(names, resting)
    async for name in _events(system, service, owed, looked):
        owed.pop(name, None)
    return owed


async def _resting(system: System, table: str, looked: _Looked) -> AsyncIterator[tuple[Sequence[str], Resting]]:
    """With the ids of the events it was to become."""
    rows, name = 0, declared(table).key.hash.name
    async for page in pages(system.store, table):
        for item in page:
            rows += 1
            for each in Root.of(item).outcomes if OUTCOMES in item else ():
                looked.outcomes += 1
                ids = [event_id(each.command, said.name, index) for index, said in enumerate(each.said)]
                yield ids, Resting(table, str(item[name]), each.origin, each.offset, each.at)
        looked.rows += len(page)
        if system.depth.sample is not None and rows >= system.depth.sample:
            looked.cut.append(table)
            return


async def _events(system: System, service: Service, owed: Owed, looked: _Looked) -> AsyncIterator[str]:
    """Ids of events, from the oldest outcome on. Forgets what stood before the log begins: nobody can tell any more."""
    numbers = {resting.partition for resting in owed.values()}
    partitions = [each for each in await system.partitions(events_topic(service.name)) if str(each.number) in numbers]
    if not partitions:
        return
    oldest = min(to_milliseconds(resting.at) for resting in owed.values()) - MARGIN
    spans = await _spans(system, partitions, oldest, owed, looked)
    async with system.reader.open(spans) as reading:
        for partition in spans:
            while batch := await reading.batch(partition):
                looked.records += len(batch)
                for record in batch:
                    yield next((value.decode() for name, value in record.headers if name == "ce_id" and value), "")


async def _spans(system: System, partitions: Sequence[Partition], oldest: int, owed: Owed, looked: _Looked) -> dict[Partition, Span]:
    bounds = await system.reader.bounds(partitions)
    firsts = await system.reader.first_at(oldest, partitions)
    most = None if system.depth.sample is None else MOST_READ // len(partitions)
    spans: dict[Partition, Span] = {}
    for each in partitions:
        bound = bounds[each]
        first = max(bound.begin, firsts[each]) if most is None else max(bound.begin, firsts[each], bound.end - most)
        spans[each] = Span(bound.origin, first, bound.end)
        if first > firsts[each] or (bound.begin and first == bound.begin):
            await _forget_before(system, each, spans[each], owed, looked)
    return {each: span for each, span in spans.items() if span.offsets}


async def _forget_before(system: System, partition: Partition, span: Span, owed: Owed, looked: _Looked) -> None:
    """What was judged before the first record that is read may have been published in front of it."""
    begin: int | None = None
    if span.offsets:
        async with system.reader.open({partition: Span(span.origin, span.first, span.first + 1)}) as reading:
            begin = next((record.timestamp for record in await reading.batch(partition)), None)
    for name, resting in list(owed.items()):
        here = resting.partition == str(partition.number)
        if here and (begin is None or to_milliseconds(resting.at) <= begin):
            del owed[name]
            looked.untold += 1


def _told(service: str, left: Owed, commits: Mapping[Origin, int]) -> Iterator[Finding]:
    """A command's events are one change."""
    changes = set(left.values())
    below = {each for each in changes if each.offset < commits.get(each.origin, 0)}
    if below:
        yield Finding(
            Kind.UNPUBLISHED,
            service,
            f"{many(len(below), 'change')} made whose events stand nowhere, though committed; {_first(service, below)}.",
            "The engine takes them for published, so nobody will publish them: other services never hear of these changes.",
            f"Stop {service}-commands, rewind it to the named offset (kafka-consumer-groups --reset-offsets), start it: "
            "what is applied is recognised, and what is owed is published.",
        )
    if above := changes - below:
        yield Finding(
            Kind.UNPUBLISHED,
            service,
            f"{many(len(above), 'change')} made and not published; {_first(service, above)}.",
            "They lie below no commit: whoever loads these roots next publishes them. So far nobody did.",
            f"mindlinks run {service}:commands; if it runs, ask its /health/ready",
        )


def _first(service: str, changes: Collection[Resting]) -> str:
    first = min(changes, key=lambda each: (each.at, each.partition, each.offset))
    place = f"{commands_topic(service)}, partition {first.partition}, offset {first.offset}"
    return f"the oldest is of {first.table} {first.key} at {first.at}, {place}"
