"""``mindlinks timers``: what waits, service by service, in order of due time."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Protocol

import typer
from rich.table import Table

from contracts.timestamps import from_milliseconds
from contracts.topics import TOPICS, events_topic
from contracts.types import Timestamp
from workers.engine.decision import ItemRef
from workers.engine.ports import Store
from workers.engine.service import Service
from workers.engine.timer_rows import DUE_INDEX, TIMERS, Cursor, Place, TimerRow, hour_of
from workers.ops.composition import Composition
from workers.ops.terminal import Json, console, run_async
from workers.settings import Settings

HOURS_A_DAY = 24
LARGEST_HORIZON = 366 * HOURS_A_DAY
AT_ONCE = 16


class Context(Protocol):
    """What the command needs of the command line it is part of."""

    @property
    def composition(self) -> Composition: ...

    def settings(self) -> Settings: ...


@dataclass(frozen=True, slots=True)
class WaitingTimer:
    """One line. ``overdue``: its role should have fired it by now."""

    service: str
    due: Timestamp
    timer: str
    key: str
    command: str
    id: str
    partition: int
    overdue: bool


def add(app: typer.Typer, context: Context) -> None:
    @app.command(
        help="List waiting timers by service and due time, overdue ones first. Reads only. Example: mindlinks timers contract --hours 48"
    )
    def timers(
        services: Annotated[list[str] | None, typer.Argument(help="All with decisions when left out.")] = None,
        hours: Annotated[int, typer.Option(min=0, max=LARGEST_HORIZON, help="How far ahead; each is a query a partition.")] = 24,
        limit: Annotated[int, typer.Option(min=1, help="Lines a service at most.")] = 100,
        as_json: Json = False,
    ) -> None:
        found: list[WaitingTimer] = run_async(_listed(context, _wanted(context.composition, services or []), hours, limit), "WARNING")
        if as_json:
            sys.stdout.write(json.dumps([asdict(each) for each in found]) + "\n")
        else:
            _show(found, hours)


def _wanted(composition: Composition, named: Sequence[str]) -> list[Service]:
    if unknown := [name for name in named if name not in composition.services]:
        known = ", ".join(composition.services)
        raise typer.BadParameter(f"there is no service {unknown[0]}; services are {known}")
    return [service for name, service in composition.services.items() if service.handlers and (not named or name in named)]


async def _listed(context: Context, services: Sequence[Service], hours: int, limit: int) -> list[WaitingTimer]:
    async with context.composition.open_backbone(context.settings()) as backbone:
        found: list[WaitingTimer] = []
        for service in sorted(services, key=lambda each: each.name):
            found += await waiting(backbone.store, service.name, backbone.clock.now(), hours, limit)
        return found


async def waiting(store: Store, service: str, now: int, hours: int, limit: int) -> list[WaitingTimer]:
    """In order of due time. An hour is asked for once a partition, from the first that may still hold a timer; nothing is scanned."""
    places = [Place(service, number) for number in range(TOPICS[events_topic(service)].partitions)]
    kept = await store.get([place.cursor for place in places])
    cursors = [Cursor.of(item) for item in kept.values()]
    found: list[WaitingTimer] = []
    async for timers in _hours(store, cursors, hour_of(now) + hours, from_milliseconds(now + hours * 3_600_000), limit):
        rows = [TimerRow.of(item) for item in (await store.get([ItemRef(TIMERS, each) for each in timers])).values()]
        found += [_line(row, now) for row in rows if row.sending]
        if len(found) >= limit:
            break
    return sorted(found, key=lambda each: (each.due, each.id))[:limit]


async def _hours(store: Store, cursors: Sequence[Cursor], last: int, until: str, limit: int) -> AsyncIterator[list[str]]:
    """Timer ids, a day of hours at a time."""
    if not cursors:
        return
    hours = [cursor.hour for cursor in cursors]
    slots = asyncio.Semaphore(AT_ONCE)

    async def bucket(cursor: Cursor, hour: int) -> list[str]:
        async with slots:
            return await _bucket(store, cursor.place.bucket(hour), until, limit)

    for start in range(min(hours), max(last, *hours) + 1, HOURS_A_DAY):
        stretch = range(start, min(start + HOURS_A_DAY, max(last, *hours) + 1))
        parts = await asyncio.gather(*(bucket(cursor, hour) for hour in stretch for cursor in cursors if cursor.hour <= hour))
        yield [timer for part in parts for timer in part]


async def _bucket(store: Store, bucket: str, until: str, limit: int) -> list[str]:
    found: list[str] = []
    start: Mapping[str, Any] | None = None
    while len(found) < limit:
        page = await store.query(TIMERS, DUE_INDEX, bucket, up_to=until, start=start, limit=limit - len(found))
        found += [item["timerId"] for item in page.items]
        start = page.next
        if start is None:
            break
    return found


def _line(row: TimerRow, now: int) -> WaitingTimer:
    assert row.sending is not None
    assert row.due_at is not None
    name = row.sending.kind.split(".")[2]
    return WaitingTimer(
        row.place.service, row.due_at, row.name, row.sending.key, name, row.id, row.place.partition, row.due_at < from_milliseconds(now)
    )


def _show(found: Sequence[WaitingTimer], hours: int) -> None:
    if not found:
        console.print(f"no timer is due within {hours} h; --hours looks further ahead")
        return
    table = Table("service", "due", "timer", "sends", "to", box=None)
    for each in found:
        table.add_row(each.service, f"{each.due} overdue" if each.overdue else each.due, each.timer, each.command, each.key)
    console.print(table)
