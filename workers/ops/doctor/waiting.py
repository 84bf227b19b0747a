"""What waits for people or longer than it may: parked keys, quarantine, effects, timers."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from contracts.timestamps import from_milliseconds
from workers.engine.decision import Item, ItemRef
from workers.engine.ledger import EFFECTS, LEASE, OPEN_INDEX, EffectState, LedgerRow
from workers.engine.parking import DUE_INDEX, PARKED
from workers.engine.ports import Store
from workers.engine.quarantine import FAILURES
from workers.ops.doctor.finding import Answer, Finding, Kind, LeftOut, many
from workers.ops.doctor.system import AT_ONCE, System, topics_of
from workers.ops.quarantined import FailureLine, Index
from workers.ops.scanning import pages
from workers.ops.timers import WaitingTimer, waiting

INGRESS = "ingress"
MOST_TIMERS = 100
GIVEN_UP = "quarantined"
ROWS_A_PAGE = 500
MEANING = {
    EffectState.CLAIMED: "Whoever called died or hangs, and nobody took over since: the call may have happened.",
    EffectState.PLANNED: "They are due, and nobody calls.",
    EffectState.CONFIRMED: "The provider did it; the service was not told yet.",
    EffectState.UNKNOWN: "Nobody knows whether the provider did it, and the service was not told so yet.",
    EffectState.FAILED: "A defect, or a thing for people: nobody calls again, and the service waits for an answer.",
}
GIVEN_UP_EFFECTS = LeftOut(
    "effects that were given up",
    "They are closed, so no index of the ledger finds them: only a look at every row does, and nothing is ever deleted from it.",
    "mindlinks doctor --only effects --deep (reads the whole ledger); the alert EffectsGivenUp tells of each when it happens",
)


async def parked(system: System) -> Answer:
    """One finding a group and fingerprint: keys, records, and since when."""
    groups = topics_of(system.services)
    numbers = {group: await _partitions(system, topics) for group, topics in groups.items()}
    slots = asyncio.Semaphore(AT_ONCE)

    async def rows(group: str, number: int) -> list[Item]:
        async with slots:
            return [item async for item in _all(system.store, PARKED, DUE_INDEX, f"{group}#{number}")]

    found: list[Finding] = []
    for group, count in numbers.items():
        listed = [item for part in await asyncio.gather(*(rows(group, number) for number in range(count))) for item in part]
        found += await _lines(system, group, listed)
    return Answer(f"lines of {len(groups)} groups", found)


async def _lines(system: System, group: str, listed: Sequence[Item]) -> list[Finding]:
    lengths: dict[str, int] = {}
    first: dict[str, str] = {}
    for item in listed:
        name, position = item["groupKey"], item["position"]
        lengths[name] = lengths.get(name, 0) + 1
        first[name] = min(first.get(name, position), position)
    rows = await system.store.get([ItemRef(PARKED, name, position) for name, position in first.items()])
    by_cause: dict[tuple[str, bool], list[Item]] = {}
    for row in rows.values():
        cause = row.get("fingerprint", "waits for an effect that rests")
        by_cause.setdefault((cause, row["state"] == GIVEN_UP), []).append(row)
    return [_held(group, *why, held, sum(lengths[f"{group}#{row['key']}"] for row in held)) for why, held in by_cause.items()]


def _held(group: str, cause: str, given_up: bool, rows: Sequence[Item], records: int) -> Finding:
    oldest = min(rows, key=lambda row: row["firstAt"])
    what = f"{many(len(rows), 'key')} parked with {many(records, 'record')} since {oldest['firstAt']}: {cause}"
    means, advice = (
        ("The first record of each was tried for the last time and is in quarantine: its line waits for a person.",
         f"mindlinks story {oldest['key']}; mend the cause, then mindlinks failures retry --fingerprint '{cause}' --why ...")
        if given_up
        else ("What is parked waits in order and is tried again by itself; all other keys go on.",
              f"mindlinks story {oldest['key']}; mend the cause and deploy: the line drains by itself.")
    )  # fmt: skip
    return Finding(Kind.PARKED, group, f"{what}; the oldest is {oldest['key']}.", means, advice)


async def quarantined(system: System) -> Answer:
    """One finding a fingerprint."""
    by_fingerprint: dict[str, list[FailureLine]] = {}
    for service in (*system.services, INGRESS):
        async for item in _all(system.store, FAILURES, Index.SERVICE, service):
            line = FailureLine.of(item)
            if not line.decided:
                by_fingerprint.setdefault(line.fingerprint, []).append(line)
    found = [_aside(fingerprint, lines) for fingerprint, lines in by_fingerprint.items()]
    return Answer("all of platform-failures, by service", found)


def _aside(fingerprint: str, lines: Sequence[FailureLine]) -> Finding:
    keys, since = len({line.key for line in lines}), min(line.first_at for line in lines)
    return Finding(
        Kind.QUARANTINED,
        ", ".join(sorted({line.role for line in lines})),
        f"{many(len(lines), 'record')} of {many(keys, 'key')} in quarantine as {fingerprint} since {since}.",
        "They were not applied and wait for a person; where a key has order, its later records wait behind them.",
        f"mindlinks failures list --fingerprint '{fingerprint}' (then show ID); mended: mindlinks failures retry, edit, skip or discard",
    )


async def effects(system: System) -> Answer:
    """Open rows of the ledger that are due for longer than a lease; failed ones, which no index finds, with ``--deep`` alone."""
    until = from_milliseconds(system.clock.now() - LEASE)
    services = [service.name for service in system.services.values() if service.effects]
    stuck: list[LedgerRow] = []
    for service in services:
        topics = topics_of(system.services)[f"{service}-effects"]
        for number in range(await _partitions(system, topics)):
            due = [
                ItemRef(EFFECTS, each["effectId"]) async for each in _all(system.store, EFFECTS, OPEN_INDEX, f"{service}#{number}", until)
            ]
            stuck += [LedgerRow.of(item) for item in (await system.store.get(due)).values() if "openPartition" in item]
    if system.depth.sample is None:
        stuck += [LedgerRow.of(item) async for page in pages(system.store, EFFECTS) for item in page if item["state"] == EffectState.FAILED]
    by_name: dict[tuple[str, str, EffectState], list[LedgerRow]] = {}
    for row in stuck:
        by_name.setdefault((row.service, row.name, row.state), []).append(row)
    found = [_stuck(*name, rows) for name, rows in by_name.items()]
    if system.depth.sample is None:
        return Answer("open rows of the ledger and every failed one", found)
    return Answer("open rows of the ledger", found, [GIVEN_UP_EFFECTS])


def _stuck(service: str, name: str, state: EffectState, rows: Sequence[LedgerRow]) -> Finding:
    oldest = min(rows, key=lambda row: row.created_at)
    restart = f"Look whether {service}-effects runs and what its log says of {oldest.effect}"
    retry = f"Mend the cause, then mindlinks effects retry {oldest.effect} --why ... (mindlinks effects list --service {service}: all)"
    return Finding(
        Kind.EFFECT,
        f"{service}-effects",
        f"{many(len(rows), 'effect')} {name} {state} since {from_milliseconds(oldest.created_at)}"
        f"{f': {oldest.fingerprint or oldest.reason}' if oldest.fingerprint or oldest.reason else ''}; the oldest is of key {oldest.key}.",
        MEANING[state],
        f"mindlinks story {oldest.key}. {retry if state is EffectState.FAILED else restart}.",
    )


async def timers(system: System) -> Answer:
    services = [service.name for service in system.services.values() if service.handlers and service.timers]
    late, found = from_milliseconds(system.late_since), []
    for service in services:
        overdue = [each for each in await waiting(system.store, service, system.clock.now(), 0, MOST_TIMERS) if each.due < late]
        if overdue:
            found.append(_overdue(service, overdue))
    return Answer(f"due timers of {len(services)} services", found)


def _overdue(service: str, overdue: Sequence[WaitingTimer]) -> Finding:
    first, more = overdue[0], "at least " if len(overdue) == MOST_TIMERS else ""
    return Finding(
        Kind.TIMER,
        f"{service}-timers",
        f"{more}{many(len(overdue), 'timer')} overdue, the oldest since {first.due}: {first.timer} of {first.key}.",
        "The role that fires them does not run or cannot publish. They are late, not lost.",
        f"mindlinks run {service}:timers; mindlinks timers {service} lists them",
    )


async def _partitions(system: System, topics: Sequence[str]) -> int:
    return max([len(await system.partitions(topic)) for topic in topics], default=0)


async def _all(store: Store, table: str, index: str, value: str, up_to: str | None = None) -> AsyncIterator[Item]:
    start: Mapping[str, Any] | None = None
    while True:
        page = await store.query(table, index, value, up_to=up_to, start=start, limit=ROWS_A_PAGE)
        for item in page.items:
            yield item
        start = page.next
        if start is None:
            return
