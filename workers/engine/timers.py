"""The timers role: keeps what its own service's decisions schedule and cancel, and sends the command when it is due (docs/architecture.md).

A word's offset settles when its row is durable. A due timer's command is published, then its row is ended; a crash in between sends it
again under the same id. Timers of the near future are held in memory and fire without a look at the table; the others rest in the due
index and cost nothing until their hour comes. Late after an outage, never early, never lost.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from contracts.message import EventData
from contracts.platform import TimerCancelled, TimerScheduled
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.types import Timestamp
from workers.engine.arrivals import Arrival, Line, Prepared, Refusal, one_by_one
from workers.engine.ports import Clock, Log, Metrics, Store, StoreUnavailable
from workers.engine.reactions import append_patiently
from workers.engine.record import Outgoing
from workers.engine.role import Owned
from workers.engine.service import Service
from workers.engine.timer_keeping import RejectedTimer, TimerKeeper
from workers.engine.timer_rows import TRAIL, Cursor, Place, TimerRow, Word, cancelled, fired, hour_of, scheduled
from workers.engine.tracing import NoTracer, Tracer

AGAIN = 1000
"""Milliseconds until a look that failed is repeated."""


@dataclass(frozen=True, slots=True)
class TimersPace:
    """Times in seconds. ``margin``: by how much a timer fires past its due time. Decisions judge by the broker's clock, and one that finds
    its timer early does nothing: the margin must exceed what this machine's clock may run ahead of the broker's. ``look``: between looks
    into the due index, which find what another owner filed; ``near``: how far such a look sees ahead; ``held``: timers of a partition in
    memory at most; ``at_once``: timers fired together."""

    margin: float = 0.5
    look: float = 30.0
    near: float = 90.0
    held: int = 20_000
    at_once: int = 100


@dataclass(slots=True, eq=False)
class _Desk:
    """One partition's timers of the near future. ``near``: timer id -> due time; an entry of the heap that differs is void. ``more``: the
    last look had no room for all there is; the next one follows when the memory is empty."""

    owned: Owned
    place: Place
    cursor: Cursor | None = None
    near: dict[str, Timestamp] = field(default_factory=dict)
    heap: list[tuple[Timestamp, str]] = field(default_factory=list)
    look_at: int = 0
    more: bool = False
    closing: bool = False
    firing: asyncio.Lock = field(default_factory=asyncio.Lock)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.Task[None] | None = None

    def expect(self, timer: str, due: Timestamp) -> None:
        """The earliest known due time counts: an index that lags can only make a timer looked at too soon, which its row corrects."""
        if timer not in self.near or due < self.near[timer]:
            self.near[timer] = due
            heapq.heappush(self.heap, (due, timer))

    def next_due(self) -> Timestamp | None:
        while self.heap and self.near.get(self.heap[0][1]) != self.heap[0][0]:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else None

    def take(self, up_to: Timestamp, most: int) -> list[str]:
        taken: list[str] = []
        while len(taken) < most and (due := self.next_due()) and due <= up_to:
            timer = heapq.heappop(self.heap)[1]
            del self.near[timer]
            taken.append(timer)
        return taken


class TimersSink:
    """One loop per partition. A timer of another partition, or of a row that has changed since, is left alone."""

    def __init__(
        self,
        service: Service,
        log: Log,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        random: Random,
        pace: TimersPace | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._service, self._log, self._clock = service, log, clock
        self._metrics, self._random, self._tracer = metrics, random, tracer or NoTracer()
        self._pace, self._role = pace or TimersPace(), f"{service.name}-timers"
        self._keeper = TimerKeeper(store, clock, metrics, random, self._role)
        self._kinds = {model.kind(service.name) for model in (TimerScheduled, TimerCancelled)}
        self._desks: dict[Owned, _Desk] = {}
        self.on_fault: Callable[[Exception], None] = lambda _: None

    # --- the pump's calls ------------------------------------------------------------------------------------------

    def wants(self, kind: str) -> bool:
        return kind in self._kinds

    async def opened(self, owned: Owned, line: Line) -> None:
        desk = self._desks[owned] = _Desk(owned, Place(self._service.name, owned.partition.number))
        desk.cursor = await self._keeper.cursor(desk.place)
        desk.loop = asyncio.create_task(self._run(desk))

    async def prepare(self, owned: Owned, arrival: Arrival) -> Word | None:
        return _word(arrival)

    async def apply(self, owned: Owned, prepared: Sequence[Prepared[Word | None]]) -> Sequence[Refusal]:
        desk = self._desks[owned]
        try:
            await self._keep(desk, prepared)
        except RejectedTimer:
            return await one_by_one(prepared, lambda each: self._keep(desk, [each]), RejectedTimer)
        for each in prepared:
            each.arrival.settle()
        return ()

    async def drained(self, owned: Owned) -> None:
        if desk := self._desks.get(owned):
            desk.closing = True
            async with desk.firing:
                pass  # what was being fired is ended now, and nothing else begins

    def closed(self, owned: Owned) -> None:
        desk = self._desks.pop(owned, None)
        if desk and desk.loop:
            desk.loop.cancel()

    # --- words -----------------------------------------------------------------------------------------------------

    async def _keep(self, desk: _Desk, prepared: Sequence[Prepared[Word | None]]) -> None:
        words = [each.work for each in prepared if each.work]
        if not words:
            return
        cursor = desk.cursor = desk.cursor or await self._keeper.begin(desk.place)
        self._expect(desk, await self._keeper.apply(words, desk.place, lambda: (desk.cursor or cursor).hour))
        desk.woken.set()

    def _expect(self, desk: _Desk, rows: Sequence[TimerRow]) -> None:
        """What is farther away, or finds no room, is found by a look."""
        horizon = from_milliseconds(self._clock.now() + int(self._pace.near * 1000))
        for row in rows:
            if row.sending and row.due_at and row.due_at <= horizon and len(desk.near) < 2 * self._pace.held:
                desk.expect(row.id, row.due_at)

    # --- the loop --------------------------------------------------------------------------------------------------

    async def _run(self, desk: _Desk) -> None:
        try:
            while True:
                if desk.cursor and (desk.look_at <= self._clock.now() or (desk.more and not desk.near)):
                    desk.cursor = await self._look(desk, desk.cursor)
                if due := desk.take(self._ripe(), self._pace.at_once):
                    await self._fire(desk, due)
                else:
                    await self._rest(desk)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # the role stops rather than leave timers unfired in silence
            self.on_fault(error)

    def _ripe(self) -> Timestamp:
        """The latest due time that may fire now."""
        return from_milliseconds(self._clock.now() - int(self._pace.margin * 1000))

    async def _rest(self, desk: _Desk) -> None:
        """Until the next due time, the next look, or a word."""
        moments = [desk.look_at] if desk.cursor else []
        if due := desk.next_due():
            moments.append(to_milliseconds(due) + int(self._pace.margin * 1000))
        waits = [asyncio.create_task(desk.woken.wait(), name="word")]
        waits += [asyncio.create_task(self._until(min(moments)), name="moment")] if moments else []
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        desk.woken.clear()

    async def _until(self, moment: int) -> Literal[True]:
        await self._clock.sleep(max(0.0, (moment - self._clock.now()) / 1000))
        return True

    # --- the due index -----------------------------------------------------------------------------------------------

    async def _look(self, desk: _Desk, cursor: Cursor) -> Cursor:
        """Takes in what is due soon or overdue, hour by hour from the cursor, and moves the cursor over hours that are over and empty."""
        now = self._clock.now()
        until = now + int(self._pace.near * 1000)
        desk.look_at, desk.more = now + int(self._pace.look * 1000), False
        try:
            passed = await self._load(desk, cursor.hour, until, hour_of(now - TRAIL))
            return await self._keeper.advance(cursor, passed) if passed > cursor.hour else cursor
        except StoreUnavailable:
            self._metrics.count("store_retries", role=self._role, why="look")
            desk.look_at = self._clock.now() + AGAIN
            return cursor

    async def _load(self, desk: _Desk, first: int, until: int, over: int) -> int:
        """Answers the first hour that is not known to be empty; hours from ``over`` on may still be filed into."""
        passed = first
        for hour in range(first, max(first, hour_of(until)) + 1):
            room = max(1, self._pace.held - len(desk.near))
            entries = await self._keeper.entries(desk.place, hour, from_milliseconds(until), room)
            for due, timer in entries:
                desk.expect(timer, Timestamp(due))
            if len(entries) >= room:
                desk.more = True
                break
            if hour == passed and hour < over and not entries:
                passed += 1
        return passed

    # --- firing ------------------------------------------------------------------------------------------------------

    async def _fire(self, desk: _Desk, timers: Sequence[str]) -> None:
        """The rows are read again: what the index or the memory says may be old."""
        async with desk.firing:
            if desk.closing:
                return
            ripe = self._ripe()
            rows = [row for row in await self._keeper.read(timers) if row.sending and row.place == desk.place]
            due = sorted((row for row in rows if _due(row) <= ripe), key=lambda row: (_due(row), row.id))
            self._expect(desk, [row for row in rows if _due(row) > ripe])
            await self._publish(due)
            self._measure(due)
            await self._keeper.end_fired(due)

    def _measure(self, rows: Sequence[TimerRow]) -> None:
        now = self._clock.now()
        for row in rows:
            self._metrics.count("timers_fired", service=self._service.name, timer=row.name)
            self._metrics.observe("timer_late_seconds", (now - to_milliseconds(_due(row))) / 1000, service=self._service.name)

    async def _publish(self, rows: Sequence[TimerRow]) -> None:
        outgoing: dict[str, list[Outgoing]] = {}
        for row in rows:
            assert row.sending is not None
            outgoing.setdefault(row.sending.topic, []).append(fired(row, self._span(row)))
        for topic, records in outgoing.items():
            await append_patiently(self._log, self._clock, self._random, topic, records)
            self._metrics.count("published", len(records), topic=topic)

    def _span(self, row: TimerRow) -> str | None:
        assert row.sending is not None
        now = self._clock.now()
        return self._tracer.record(f"{self._service.name}.timer", row.sending.traceparent, now, now, timer=row.name)


def _due(row: TimerRow) -> Timestamp:
    assert row.due_at is not None
    return row.due_at


def _word(arrival: Arrival) -> Word | None:
    data: EventData = arrival.event.data
    if isinstance(data, TimerScheduled):
        return scheduled(data, arrival.envelope)
    if isinstance(data, TimerCancelled):
        return cancelled(data, arrival.envelope)
    return None
