"""Bugs of the timers role."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import Any

from contracts.ids import within
from contracts.timestamps import from_milliseconds
from contracts.types import CommandId
from tests.simulation.faults import Fault
from tests.simulation.planted import Patch, planted
from workers.engine import timer_keeping, timer_rows, timers
from workers.engine.timer_keeping import TimerKeeper
from workers.engine.timer_rows import TimerState
from workers.engine.timers import TimersSink

DIARY = "diary+timers"
STALE = (Fault.FREEZE, Fault.EXPEL, Fault.CRASH)


@planted("a timer fires by a worker's clock, whatever the broker's says", 200, DIARY, [Fault.CLOCK])
def timer_fires_early(patch: Patch) -> None:
    patch(TimersSink, "_ripe", lambda self: from_milliseconds(self._clock.now()))


@planted("a word that comes again after a later one moves the timer back", 200, DIARY, [Fault.REWIND])
def older_word_moves_timer(patch: Patch) -> None:
    after = timer_rows.after
    patch(timer_keeping, "after", lambda row, word, *rest: after(row and replace(row, sequence="", position=None), word, *rest))


@planted("a row is filed under its due hour, over or not", 400, DIARY)
def timer_row_behind_cursor(patch: Patch) -> None:
    after = timer_rows.after
    patch(timer_keeping, "after", lambda row, word, place, now, floor: after(row, word, place, now, 0))
    patch(timer_keeping, "refiled", lambda row, cursor, floor: row)


@planted("the cursor passes an hour as soon as it is over and looks empty", 600, DIARY, [Fault.STALE_INDEX, Fault.CLOCK])
def cursor_passes_at_once(patch: Patch) -> None:
    load = TimersSink._load
    patch(TimersSink, "_load", lambda self, desk, first, until, over: load(self, desk, first, until, timer_rows.hour_of(self._clock.now())))


@planted("what memory says fires, though its row has been moved or cancelled since", 200, DIARY)
def fires_by_memory(patch: Patch) -> None:
    expect, fire = TimersSink._expect, TimersSink._fire
    remembered: dict[Any, dict[str, Any]] = defaultdict(dict)

    def remembering(self: Any, desk: Any, rows: Any) -> None:
        expect(self, desk, rows)
        for row in rows:
            if row.id in desk.near:
                remembered[desk].setdefault(row.id, row)

    async def trusting(self: Any, desk: Any, due: Any) -> None:
        known = [row for timer in due if (row := remembered[desk].pop(timer, None)) and row.sending]
        await self._publish(known)
        await fire(self, desk, due)

    patch(TimersSink, "_expect", remembering)
    patch(TimersSink, "_fire", trusting)


@planted("a timer's row is ended before its command is published", 400, DIARY)
def ended_before_published(patch: Patch) -> None:
    publish, end = TimersSink._publish, TimerKeeper.end_fired

    async def late(self: Any, rows: Any) -> None:
        await end(self._keeper, rows)
        await publish(self, rows)

    patch(TimersSink, "_publish", late)


@planted("a firing ends the row although it has been moved meanwhile", 400, DIARY)
def firing_ends_what_was_moved(patch: Patch) -> None:
    async def heedless(self: Any, rows: Any) -> None:
        by_ref = {row.ref: row for row in rows}
        await self._change(list(by_ref), lambda ref, row: row and row.sending and row.ended(TimerState.FIRED, self._clock.now()))

    patch(TimerKeeper, "end_fired", heedless)


@planted("each firing has an id of its own", 200, DIARY, STALE)
def fired_id_by_chance(patch: Patch) -> None:
    fired, count = timer_rows.fired, iter(range(10**9))

    def by_chance(row: Any, traceparent: Any) -> Any:
        sent = fired(row, traceparent)
        name = CommandId(within(row.id, str(next(count)))).encode()
        return replace(sent, headers=tuple((key, name if key == "ce_id" else value) for key, value in sent.headers))

    patch(timers, "fired", by_chance)


@planted("timers in memory are not looked for in the table by the next owner", 200, DIARY)
def next_owner_does_not_look(patch: Patch) -> None:
    async def nothing(self: Any, desk: Any, cursor: Any) -> Any:
        desk.look_at, desk.more = self._clock.now() + 10**9, False
        return cursor

    patch(TimersSink, "_look", nothing)


@planted("a word settles before its row is written", 400, DIARY)
def word_settles_first(patch: Patch) -> None:
    apply = TimerKeeper.apply

    async def later(self: Any, *words: Any) -> Any:
        async def behind() -> None:
            await asyncio.sleep(0.2)
            await apply(self, *words)

        asyncio.ensure_future(behind())  # noqa: RUF006  # the loop keeps its tasks
        return []

    patch(TimerKeeper, "apply", later)
