"""Consumer groups: whether somebody reads, how far behind, and from offsets that can be trusted."""

from collections.abc import Iterator, Mapping, Sequence

from contracts.timestamps import from_milliseconds
from workers.engine.bookmarks import Bookmark, Kept, OffsetMoved, start_of, watermark_ref
from workers.engine.ports import Assigned
from workers.engine.reading import Span
from workers.engine.record import Partition
from workers.ops.doctor.finding import Answer, Finding, Kind, many
from workers.ops.doctor.system import Standing, System


async def members(system: System) -> Answer:
    """One finding a service: most often all its roles are missing together."""
    absent: dict[str, list[str]] = {}
    standings = await system.standings()
    for standing in standings:
        if not standing.members:
            service, _, role = standing.group.partition("-")
            absent.setdefault(service, []).append(role)
    found = [_absent(service, roles, len([each for each in standings if each.group.startswith(f"{service}-")])) for service, roles in
             absent.items()]  # fmt: skip
    return Answer(f"{len(standings)} groups", found)


def _absent(service: str, roles: Sequence[str], of: int) -> Finding:
    wanted = service if len(roles) == of else " ".join(f"{service}:{role}" for role in roles)
    return Finding(
        Kind.NO_MEMBERS,
        service,
        f"{len(roles)} of {of} roles have no member: {', '.join(roles)}.",
        "Their records wait in the log; nothing is lost, nothing is done.",
        f"mindlinks run {wanted}",
    )


async def lag(system: System) -> Answer:
    """Records that wait longer than they may; how many wait is no fault by itself."""
    found: list[Finding] = []
    waiting = 0
    for standing in await system.standings():
        behind = {each.partition: each for each in standing.assigned if _open(each)}
        count = sum(_open(each) for each in behind.values())
        waiting += count
        oldest = await _oldest(system, standing, behind)
        if oldest is not None and oldest < system.late_since:
            found.append(_late(standing, count, oldest, system.clock.now()))
    return Answer(f"{waiting:,} records wait in all groups together", found)


def _open(each: Assigned) -> int:
    return max(0, each.end - _from(each))


def _from(each: Assigned) -> int:
    """Where the group goes on; from the beginning under another topic id."""
    mark = Bookmark.parse(each.metadata) if each.metadata else None
    return 0 if mark and mark.origin != each.origin else each.committed or 0


async def _oldest(system: System, standing: Standing, behind: Mapping[Partition, Assigned]) -> int | None:
    """Append time of the first record nobody has settled."""
    spans: dict[Partition, Span] = {}
    for partition, each in behind.items():
        first = max(_from(each), standing.bounds[partition].begin)
        if first < each.end:
            spans[partition] = Span(each.origin, first, first + 1)
    times: list[int] = []
    if spans:
        async with system.reader.open(spans) as reading:
            for partition in spans:
                times += [record.timestamp for record in await reading.batch(partition)]
    return min(times, default=None)


def _late(standing: Standing, count: int, oldest: int, now: int) -> Finding:
    name, seconds = standing.group, (now - oldest) // 1000
    return Finding(
        Kind.LAG,
        name,
        f"{many(count, 'record')} waiting, the oldest since {from_milliseconds(oldest)} ({seconds:,} s).",
        "Its worker is gone, stopped by a fault, or slower than what comes in." if standing.members else "Nobody reads them.",
        f"Ask its worker's /health/ready why; mindlinks resume {name} --why ... after a fuse; else run more workers (one a partition).",
    )


async def offsets(system: System) -> Answer:
    standings = await system.standings()
    partitions = sum(len(each.assigned) for each in standings)
    return Answer(f"{partitions:,} committed offsets", [found for each in standings for found in _untrustworthy(each)])


def _untrustworthy(standing: Standing) -> Iterator[Finding]:
    behind = [each for each in standing.assigned if _from(each) < standing.bounds[each.partition].begin]
    if behind:
        missing = sum(standing.bounds[each.partition].begin - _from(each) for each in behind)
        yield Finding(
            Kind.BEHIND_RETENTION,
            standing.group,
            f"{many(missing, 'record')} of {_named(behind)} deleted before the group had read them.",
            "They were never applied, and this log cannot bring them back.",
            "Restore the topic from its archive, or ask their senders to send again; mindlinks topics diff shows a changed retention.",
        )
    beyond = [each for each in standing.assigned if (each.committed or 0) > each.end and _from(each)]
    if beyond:
        yield Finding(
            Kind.BEYOND_END,
            standing.group,
            f"Committed offsets lie beyond the end of {_named(beyond)}.",
            "The log lost records or was truncated. The role stops rather than skip what is written there next.",
            "Restore the log; or, knowing what is missing, rewind it to the end (kafka-consumer-groups --reset-offsets --to-latest).",
        )


async def moved(system: System) -> Answer:
    """Against the watermarks that roles keep in ``platform-audit``: as the role itself will judge it at its next assignment."""
    standings = await system.standings()
    found: list[Finding] = []
    for standing in standings:
        refs = {watermark_ref(standing.group, each.partition): each for each in standing.assigned}
        rows = await system.store.get(list(refs))
        kept = {refs[ref].partition: Kept(row["origin"], row["offset"], row.get("accepted", False)) for ref, row in rows.items()}
        skipped = [each for each in standing.assigned if _is_moved(each, kept.get(each.partition))]
        if skipped:
            count = sum((each.committed or 0) - kept[each.partition].offset for each in skipped)
            found.append(_moved(standing.group, skipped, count))
    return Answer(f"kept watermarks of {len(standings)} groups", found)


def _is_moved(each: Assigned, kept: Kept | None) -> bool:
    if each.committed is not None and each.committed > each.end:
        return False
    try:
        start_of(each, kept)
    except OffsetMoved:
        return True
    return False


def _moved(group: str, skipped: Sequence[Assigned], count: int) -> Finding:
    return Finding(
        Kind.MOVED_OFFSETS,
        group,
        f"Somebody moved offsets forward, past {many(count, 'record')} that the role had not settled: {_named(skipped)}.",
        "Those records would never be applied, so the role stops when it gets these partitions.",
        f"Move the offsets back; or mindlinks resume {group} --why ... if they are to be skipped.",
    )


def _named(assigned: Sequence[Assigned]) -> str:
    by_topic: dict[str, list[str]] = {}
    for each in assigned:
        by_topic.setdefault(each.partition.topic, []).append(str(each.partition.number))
    return "; ".join(f"{topic}, partition {', '.join(numbers)}" for topic, numbers in by_topic.items())
