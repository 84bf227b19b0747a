"""The projections role: events become rows that count or summarise. The same fold as the commands role, over events: each row has one
writer (its key names the source partition) and keeps the highest position it has folded, so its sums are exact.

A row's highest position never passes an event that is parked, or whose fold raised, without a note in its books. So whoever brings such an
event later, as often as he likes, folds it exactly once: it is folded if it lies above the highest position or is noted."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from workers.engine.arrivals import Arrival, Line, Prepared, Refusal
from workers.engine.decision import Item, ItemRef
from workers.engine.folding import Step, folded, target
from workers.engine.ports import Absent, Clock, Fate, Metrics, Store, StoreUnavailable, VersionIs, Write, Written
from workers.engine.receipts import RECEIPTS, receipt_change
from workers.engine.retry import TRANSIENT
from workers.engine.role import Owned
from workers.engine.root import VERSION
from workers.engine.service import Projection, Service

ROWS_A_WRITE = 25
Steps = list[tuple[ItemRef, Step, float]]
"""Rows, what an event does to them, and for how many seconds they may wait for more."""


class RejectedProjection(Exception):
    """The store will never take a projection's row (too large or malformed): a bug of its fold, or a row that grows for ever. The role
    stops; nothing is lost: its events wait in the log. Mend the fold and deploy; neither a restart nor ``mindlinks resume`` helps."""


@dataclass(slots=True, eq=False)
class _Row:
    ref: ItemRef
    steps: list[Step] = field(default_factory=list)
    due: int = 0


@dataclass(slots=True, eq=False)
class _Board:
    """What is pending for one partition. ``open``: steps not yet written, per event."""

    line: Line
    rows: dict[ItemRef, _Row] = field(default_factory=dict)
    open: dict[Arrival, int] = field(default_factory=dict)
    flusher: asyncio.Task[None] | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    empty: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: bool = False


class ProjectionsSink:
    """``interval``: seconds a row folds before it is written, so that a day's hot row is not hammered; receipts are written at once."""

    def __init__(self, service: Service, store: Store, clock: Clock, metrics: Metrics, random: Random, interval: float = 1.0) -> None:
        self._service, self._store, self._clock = service, store, clock
        self._metrics, self._random, self._interval = metrics, random, interval
        self._by_kind: dict[str, list[Projection[Any]]] = {}
        for projection in service.projections:
            self._by_kind.setdefault(projection.event.kind(), []).append(projection)
        self._boards: dict[object, _Board] = {}
        self.on_fault: Callable[[Exception], None] = lambda _: None

    def wants(self, kind: str) -> bool:
        return kind in self._by_kind

    async def opened(self, owned: Owned, line: Line) -> None:
        board = self._boards[owned] = _Board(line)
        board.empty.set()
        board.flusher = asyncio.create_task(self._run(owned, board))

    async def prepare(self, owned: Owned, arrival: Arrival) -> Steps:
        steps = self._steps(owned, arrival)
        return [each for each in steps if target(each[0]) == arrival.only] if arrival.only else steps

    async def apply(self, owned: Owned, prepared: Sequence[Prepared[Steps]]) -> Sequence[Refusal]:
        board = self._boards[owned]
        for each in prepared:
            if not each.work:
                each.arrival.settle()
                continue
            board.open[each.arrival] = len(each.work)
            board.empty.clear()
            for ref, step, delay in each.work:
                row = board.rows.setdefault(ref, _Row(ref, due=self._clock.now() + int(delay * 1000)))
                row.due = min(row.due, self._clock.now() + int(delay * 1000))
                row.steps.append(step)
        board.woken.set()
        return ()

    async def drained(self, owned: Owned) -> None:
        board = self._boards.get(owned)
        if board is None:
            # Revoked before the pump's first step.
            return
        board.hurry = True
        board.woken.set()
        await board.empty.wait()

    def closed(self, owned: Owned) -> None:
        board = self._boards.pop(owned, None)
        if board and board.flusher:
            board.flusher.cancel()

    # --- events to steps -------------------------------------------------------------------------------------------

    def _steps(self, owned: Owned, arrival: Arrival) -> Steps:
        shard = f"{owned.partition.topic}/{owned.partition.number}"
        interval = 0.0 if arrival.parked else self._interval
        steps: Steps = []
        for projection in self._by_kind.get(arrival.envelope.kind, ()):
            changes = projection.project(arrival.event)
            steps += [(ItemRef(projection.table, each.key(shard)), Step(arrival, each), interval) for each in changes]
        if arrival.envelope.receipt and arrival.event.service == self._service.name:
            change = receipt_change(arrival.envelope, arrival.event)
            steps.append((ItemRef(RECEIPTS, change.key(shard)), Step(arrival, change), 0.0))
        return steps

    # --- rows to the store -----------------------------------------------------------------------------------------

    async def _run(self, owned: Owned, board: _Board) -> None:
        try:
            while True:
                rows = self._due(board)
                if rows:
                    await self._flush(owned, board, rows)
                elif board.rows and not board.hurry:
                    wait = max(0.0, (min(row.due for row in board.rows.values()) - self._clock.now()) / 1000)
                    await self._either(board, wait)
                else:
                    await board.woken.wait()
                    board.woken.clear()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # the role stops, the events are read again
            self.on_fault(error)

    async def _either(self, board: _Board, seconds: float) -> None:
        """Until a row falls due, or a row that is due at once arrives."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        waking = asyncio.ensure_future(board.woken.wait())
        await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
        board.woken.clear()
        sleeping.cancel()
        waking.cancel()

    def _due(self, board: _Board) -> list[_Row]:
        now = self._clock.now()
        due = [row for row in board.rows.values() if board.hurry or row.due <= now][:ROWS_A_WRITE]
        for row in due:
            del board.rows[row.ref]
        return due

    async def _flush(self, owned: Owned, board: _Board, rows: Sequence[_Row]) -> None:
        attempt = 0
        todo = list(rows)
        while todo:
            todo = await self._try(owned, board, todo)
            if todo:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1

    async def _try(self, owned: Owned, board: _Board, rows: Sequence[_Row]) -> list[_Row]:
        """Reads and writes once; returns the rows that must be folded again from what is there."""
        try:
            found = await self._store.get([row.ref for row in rows])
            writes = {row.ref: await self._fold(owned, board, row, found.get(row.ref)) for row in rows}
            sent = [write for write in writes.values() if write]
            results = dict(zip([w.ref for w in sent], await self._store.write(sent) if sent else [], strict=True))
        except StoreUnavailable:
            return list(rows)
        again: list[_Row] = []
        for row in rows:
            if _over(row, results.get(row.ref)):
                self._written(board, row)
            else:
                again.append(row)
        return again

    async def _fold(self, owned: Owned, board: _Board, row: _Row, found: Item | None) -> Write | None:
        """None when every step is in the row already. What cannot be folded is safe in the line before the row is written without it."""
        shard = f"{owned.partition.topic}/{owned.partition.number}"
        change = folded(row.steps, found, shard, owned.origin, board.line)
        for arrival, error in change.raised:
            await board.line.skip(arrival, target(row.ref), error)
        if change.item is None:
            return None
        return Write(row.ref, found, change.item, VersionIs(found[VERSION]) if found else Absent())

    def _written(self, board: _Board, row: _Row) -> None:
        for step in row.steps:
            board.open[step.arrival] -= 1
            if not board.open[step.arrival]:
                del board.open[step.arrival]
                step.arrival.settle()
        if not board.open:
            board.empty.set()


def _over(row: _Row, result: Written | None) -> bool:
    if result is not None and result.fate is Fate.INVALID:
        raise RejectedProjection(f"{row.ref}: {result.detail}. {RejectedProjection.__doc__}")
    return result is None or result.fate is Fate.WRITTEN
