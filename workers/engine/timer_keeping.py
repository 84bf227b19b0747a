"""Reading and writing ``platform-timers``, patiently: each call returns when the store has answered for every row."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random

from workers.engine.decision import ItemRef
from workers.engine.ports import Clock, Fate, Metrics, Store, StoreUnavailable, Write, Written
from workers.engine.retry import TRANSIENT
from workers.engine.timer_rows import DUE_INDEX, TIMERS, Cursor, Place, TimerRow, TimerState, Word, after, change, hour_of, refiled

ROWS_A_WRITE = 25
ENTRIES_A_PAGE = 500
SETTLED = frozenset({Fate.WRITTEN})


class RejectedTimer(Exception):
    """The store will never take a timer's row (too large or malformed). The role stops; its word is read again after the repair."""


class TimerKeeper:
    """Rows of one service. Whatever is read, changed and refused is read and changed again from what is there, so a write of unknown
    fate needs no thought: what it wrote is recognised by its sequence or its version."""

    def __init__(self, store: Store, clock: Clock, metrics: Metrics, random: Random, role: str) -> None:
        self._store, self._clock, self._metrics, self._random, self._role = store, clock, metrics, random, role

    # --- rows --------------------------------------------------------------------------------------------------------

    async def apply(self, words: Sequence[Word], place: Place, cursor: Callable[[], int]) -> list[TimerRow]:
        """Returns the rows as they rest once all words are known; none waits behind the cursor."""
        by_ref: dict[ItemRef, list[Word]] = {}
        for word in words:
            by_ref.setdefault(ItemRef(TIMERS, word.timer), []).append(word)

        def changed(ref: ItemRef, row: TimerRow | None) -> TimerRow | None:
            now, passed = self._clock.now(), cursor()
            floor = max(hour_of(now), passed)
            for word in by_ref[ref]:
                row = after(row, word, place, now, floor)
            return row and refiled(row, passed, floor)

        return await self._change(list(by_ref), changed)

    async def end_fired(self, rows: Sequence[TimerRow]) -> None:
        """A row that has been moved or cancelled since it was read stays as it is."""
        by_ref = {row.ref: row for row in rows}

        def changed(ref: ItemRef, row: TimerRow | None) -> TimerRow | None:
            same = row is not None and row.version == by_ref[ref].version
            return by_ref[ref].ended(TimerState.FIRED, self._clock.now()) if same else row

        await self._change(list(by_ref), changed)

    async def read(self, timers: Sequence[str]) -> list[TimerRow]:
        attempt = 0
        while True:
            try:
                found = await self._store.get([ItemRef(TIMERS, timer) for timer in timers])
                return [TimerRow.of(item) for item in found.values()]
            except StoreUnavailable:
                attempt = await self._pause(attempt)

    # --- the due index and the cursor --------------------------------------------------------------------------------

    async def entries(self, place: Place, hour: int, up_to: str, most: int) -> list[tuple[str, str]]:
        """(due time, timer id) in order of due time, as the index shows them; it may lag. Raises StoreUnavailable."""
        found: list[tuple[str, str]] = []
        start = None
        while len(found) < most:
            limit = min(ENTRIES_A_PAGE, most - len(found))
            page = await self._store.query(TIMERS, DUE_INDEX, place.bucket(hour), up_to=up_to, start=start, limit=limit)
            found += [(item["dueAt"], item["timerId"]) for item in page.items]
            start = page.next
            if start is None:
                break
        return found

    async def cursor(self, place: Place) -> Cursor | None:
        """None: no timer of this place was ever kept."""
        attempt = 0
        while True:
            try:
                found = (await self._store.get([place.cursor])).get(place.cursor)
                return Cursor.of(found) if found else None
            except StoreUnavailable:
                attempt = await self._pause(attempt)

    async def begin(self, place: Place) -> Cursor:
        """The cursor, put at the current hour if there is none: before any row, so that a row without a cursor cannot be."""
        attempt = 0
        while True:
            first = Cursor(place, hour_of(self._clock.now()))
            (result,) = await self._write([first.write(None)])
            if result.fate is Fate.WRITTEN:
                return first
            if found := await self.cursor(place):
                return found
            attempt = await self._pause(attempt)

    async def advance(self, cursor: Cursor, hour: int) -> Cursor:
        """One try; what is not moved now is moved at the next look. Another owner's cursor is taken over as it is."""
        moved = Cursor(cursor.place, hour, cursor.version + 1)
        (result,) = await self._write([moved.write(cursor)])
        if result.fate is Fate.WRITTEN:
            return moved
        return await self.cursor(cursor.place) or cursor

    # --- writing -----------------------------------------------------------------------------------------------------

    async def _change(self, refs: Sequence[ItemRef], changed: Callable[[ItemRef, TimerRow | None], TimerRow | None]) -> list[TimerRow]:
        rest: dict[ItemRef, TimerRow] = {}
        todo = list(refs)
        attempt = 0
        while todo:
            rows = {row.ref: row for row in await self.read([ref.key for ref in todo])}
            wanted = {ref: changed(ref, rows.get(ref)) for ref in todo}
            writes = {ref: change(rows.get(ref), row) for ref, row in wanted.items() if row is not None and row != rows.get(ref)}
            results = dict(zip(writes, await self._write(list(writes.values())), strict=True))
            done = [ref for ref in todo if ref not in results or results[ref].fate in SETTLED]
            rest |= {ref: row for ref in done if (row := wanted[ref]) is not None}
            todo = [ref for ref in todo if ref not in done]
            attempt = await self._before_again(results, attempt)
        return list(rest.values())

    async def _before_again(self, results: Mapping[ItemRef, Written], attempt: int) -> int:
        """A conflict is read again at once; anything else waits."""
        for ref, result in results.items():
            if result.fate is Fate.INVALID:
                raise RejectedTimer(f"{ref}: {result.detail}. {RejectedTimer.__doc__}")
        if conflicts := sum(result.fate is Fate.CONFLICT for result in results.values()):
            self._metrics.count("write_conflicts", conflicts, role=self._role)
        if any(result.fate in (Fate.BUSY, Fate.UNKNOWN) for result in results.values()):
            return await self._pause(attempt)
        return attempt

    async def _write(self, writes: Sequence[Write]) -> list[Written]:
        chunks = [writes[start : start + ROWS_A_WRITE] for start in range(0, len(writes), ROWS_A_WRITE)]
        return [result for part in await asyncio.gather(*map(self._try, chunks)) for result in part]

    async def _try(self, writes: Sequence[Write]) -> Sequence[Written]:
        try:
            return await self._store.write(writes)
        except StoreUnavailable:
            return [Written(Fate.BUSY)] * len(writes)

    async def _pause(self, attempt: int) -> int:
        self._metrics.count("store_retries", role=self._role, why="unavailable")
        await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
        return attempt + 1
