"""Clocks: this machine's against the brokers' and the store's, and those of processes that write times into records."""

from collections.abc import AsyncIterator, Iterator

from contracts.catalogue import InvalidRecord, decode
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.topics import commands_topic
from workers.engine.reading import Span
from workers.engine.record import Partition, Record
from workers.ops.doctor.finding import Answer, Finding, Kind
from workers.ops.doctor.system import System

LATEST = 3
"""Records of a partition."""
AHEAD = 500
"""Milliseconds that a clock may run ahead of the brokers': timers fire half a second past their due time for it."""
APART = 2_000
"""Milliseconds from the store's clock, which tells whole seconds and takes a moment to answer."""
STAMPED_BY = ("/mindlinks/ingress/api", "/timers")
"""Sources whose ``ce_time`` must not lie after the append: the ingress stamps its clock, a timer the time it fired after."""
NTP = "Look at the time synchronisation (chronyc tracking, or the container host's)"


async def clocks(system: System) -> Answer:
    """No record is written for it: the brokers' time shows in the latest records, the store's in its answer's date."""
    before = system.clock.now()
    date = await system.store_date()
    found = _of_store(date, (before + system.clock.now()) // 2)
    records = 0
    worst: dict[str, tuple[int, Record]] = {}
    async for record in _latest(system):
        records += 1
        for who, ahead in _ahead(record, system.clock.now()):
            if ahead > AHEAD and ahead > worst.get(who, (0, record))[0]:
                worst[who] = (ahead, record)
    found += [_told(who, ahead, record) for who, (ahead, record) in worst.items()]
    store = "the store's date" if date is not None else "no date of the store, which tells none"
    return Answer(f"{store}, append times of {records} latest commands", found)


def _of_store(date: int | None, now: int) -> list[Finding]:
    # Whole seconds, cut off: the time meant lies half a second later, give or take as much.
    skew = 0 if date is None else now - (date + 500)
    if date is None or abs(skew) <= APART:
        return []
    return [
        Finding(
            Kind.CLOCK,
            "dynamodb",
            f"This machine's clock is {abs(skew) / 1000:.1f} s {'ahead of' if skew > 0 else 'behind'} DynamoDB's.",
            "Leases, timers and the signatures of requests go by it; beyond five minutes DynamoDB refuses every request.",
            f"{NTP} of this machine.",
        )
    ]


async def _latest(system: System) -> AsyncIterator[Record]:
    topics = [commands_topic(name) for name in system.services]
    partitions: list[Partition] = [each for topic in topics for each in await system.partitions(topic)]
    bounds = await system.reader.bounds(partitions)
    spans = {p: Span(b.origin, max(b.begin, b.end - LATEST), b.end) for p, b in bounds.items() if b.end > b.begin}
    if spans:
        async with system.reader.open(spans) as reading:
            for partition in spans:
                for record in await reading.batch(partition):
                    yield record


def _ahead(record: Record, now: int) -> Iterator[tuple[str, int]]:
    """Who is ahead of whom, and by how many milliseconds."""
    yield "brokers", record.timestamp - now
    try:
        envelope = decode(record.key, record.value, record.headers, record.timestamp).envelope
    except InvalidRecord:
        return
    if envelope.time and envelope.source.endswith(STAMPED_BY):
        yield envelope.source, to_milliseconds(envelope.time) - record.timestamp


def _told(who: str, ahead: int, record: Record) -> Finding:
    place = f"{record.partition.topic}, partition {record.partition.number}, offset {record.offset}"
    if who == "brokers":
        appended = from_milliseconds(record.timestamp)
        what = f"The brokers' clock is {ahead / 1000:.1f} s ahead of this machine's: {place} was appended {appended}."
        return Finding(Kind.CLOCK, "brokers", what, "Decisions go by the brokers' clock; leases and timers by the workers'.", f"{NTP}.")
    what = f"A process of {who} stamped a record {ahead / 1000:.1f} s after the broker appended it: {place}."
    means = "Its clock runs ahead of the brokers': timers fire early by the time decisions judge by, and may do nothing."
    return Finding(Kind.CLOCK, who, what, means, f"{NTP} of the machines that run it.")
