"""The waiting lines of one partition in a role that reads events (docs/architecture.md, "When it fails").

An arrival that raises goes to its key's line, and so do the key's later ones while the head row lists the key. First the head, then the
rows, then the offset may settle; out of the line: applied and durable, then the row is deleted, then the head forgets the offset. Dying
anywhere leaves an offset listed that is not applied yet, or one that its sink recognises.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Generic, TypeVar

from contracts.catalogue import InvalidRecord
from workers.engine.arrivals import NOT_POISON, Arrival, Prepared, Refusal, Sink, arrival_of
from workers.engine.holds import Holds
from workers.engine.parking import Failure, ParkedRow
from workers.engine.ports import StoreUnavailable
from workers.engine.role import Owned
from workers.engine.shared_parking import SharedParking

W = TypeVar("W")
CHUNK = 25


@dataclass(slots=True)
class _Out(Generic[W]):
    """What of a line's beginning can be applied: ``rows`` with what they became, and the failure that ends them."""

    rows: list[ParkedRow] = field(default_factory=list)
    prepared: list[Prepared[W]] = field(default_factory=list)
    durable: list[asyncio.Event] = field(default_factory=list)
    failure: Failure | None = None


class Lines(Generic[W]):
    """Used by its partition's pump, one call at a time, and by its watch."""

    def __init__(self, owned: Owned, sink: Sink[W], shared: SharedParking) -> None:
        self._owned, self._sink, self._shared, self._lot = owned, sink, shared, shared.lot
        self._holds: Holds = shared.holds(owned)
        self._start = self._reached = owned.committed
        self._early: dict[str, int] = {}
        self._put: set[int] = set()
        self._skipped: dict[int, Exception | None] = {}
        self._unsettled: list[tuple[int, int]] = []
        self._look_at, self._waiting = 0, False
        self._waits: set[str] = set()
        self._released: set[str] = set()
        self.due: dict[str, None] = {}
        self.done: set[int] = set()

    @property
    def offsets(self) -> Collection[int]:
        return self._holds.offsets

    async def opened(self) -> None:
        await self._holds.load()
        await self._sink.opened(self._owned, self)
        # The watch may have looked before the head was read; a line in which nothing has failed is due to nobody's clock. A start may be
        # what mends the cause, and a line at its cap cannot wait for its time: each is tried at once.
        self._released.update(self._holds.counts)
        self.due |= dict.fromkeys(self._holds.counts)

    def settle(self, offset: int) -> None:
        """What left a step of its own in a line waits for the fuse like what is parked whole."""
        if offset in self._skipped:
            self._unsettled.append((offset, self._shared.window))
        else:
            self._owned.settle(offset)

    def reached(self, offset: int) -> None:
        """Whatever stands before it has been taken. Only then a line that another owner left may go on from there: what came before it of
        its key, applied and not durable when that owner died, comes from the log first."""
        self._reached = offset
        for key in [key for key, first in self._early.items() if first < offset]:
            del self._early[key]
            self.due[key] = None

    def again(self, key: str) -> None:
        self._waits.discard(key)
        self._released.add(key)
        self.due[key] = None

    async def look(self) -> None:
        """Settles what was parked once its window of the fuse has closed untripped, and finds keys that are due. Where nothing waits
        it asks seldom."""
        waiting, self._unsettled = self._unsettled, []
        for offset, window in waiting:
            if self._shared.is_over(window):
                self._owned.settle(offset)
            else:
                self._unsettled.append((offset, window))
        number = self._owned.partition.number
        if self._look_at <= self._shared.now():
            await self._holds.tidy(self._owned.committed)
            self._waiting = await self._lot.has_rows(number) or bool(self._holds.counts)
            self._look_at = self._lot.next_look()
            self.due |= dict.fromkeys(self._holds.counts)
        found = await self._lot.due_keys(number) if self._waiting else ()
        # Only now: while it was asked, the pump may have taken the keys known before.
        self.due |= dict.fromkeys(found)

    # --- into the line -----------------------------------------------------------------------------------------------

    async def take(self, batch: Sequence[Arrival]) -> None:
        prepared: list[Prepared[W]] = []
        parked: list[ParkedRow] = []
        for arrival in batch:
            failure = None
            if arrival.key not in self._holds:
                made = await self._prepared(arrival)
                if isinstance(made, Prepared):
                    prepared.append(made)
                    continue
                failure = self._shared.failed(made, arrival.key)
            parked.append(self._behind(arrival, failure))
        await self._park(parked)
        refused = await self._sink.apply(self._owned, prepared) if prepared else ()
        await self._park([self._behind(each.arrival, self._refused(each)) for each in refused])

    def _refused(self, refusal: Refusal) -> Failure | None:
        if refusal.error is None:
            return None
        return self._shared.failed(Failure.of(refusal.error, refusal.arrival.envelope.kind), refusal.arrival.key)

    async def _prepared(self, arrival: Arrival) -> Prepared[W] | Failure:
        try:
            work = await self._sink.prepare(self._owned, arrival)
        except NOT_POISON:
            raise
        except Exception as error:  # noqa: BLE001  # a bug of the service: its key's, nobody else's
            return Failure.of(error, arrival.envelope.kind)
        if not arrival.parked:
            self._shared.judged()
        return Prepared(arrival, work)

    def _behind(self, arrival: Arrival, failure: Failure | None) -> ParkedRow:
        self._holds.add(arrival.key, arrival.offset)
        return self._lot.row(arrival.origin, arrival.record, failure)

    async def _park(self, rows: Sequence[ParkedRow]) -> None:
        if rows:
            self._waiting = True
            self._shared.counted(self._owned.partition, self._holds.counts, len(self._skipped))
            await self._holds.keep()
            await self._shared.patiently(lambda: self._lot.put(rows))
            self._put |= {row.record.offset for row in rows}
            self._unsettled += [(row.record.offset, self._shared.window) for row in rows]

    async def skip(self, arrival: Arrival, target: str, error: Exception) -> None:
        if arrival.only:
            self._skipped[arrival.offset] = error
            return
        failure = Failure.of(error, arrival.envelope.kind)
        if not arrival.parked:
            self._shared.failed(failure, arrival.key)
        self._waiting = True
        self._skipped.setdefault(arrival.offset, None)
        self._shared.counted(self._owned.partition, self._holds.counts, len(self._skipped))
        row = replace(self._lot.row(arrival.origin, arrival.record, failure), only=target)
        await self._shared.patiently(lambda: self._lot.put([row]))

    # --- out of it -----------------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Once through the keys that are due."""
        due, self.due = self.due, {}
        for key in due:
            if self._owned.live:
                try:
                    await self._drain(key)
                except StoreUnavailable:
                    # Its rows are still due, or the head still lists it: the next look finds it.
                    self._shared.retried()

    async def _drain(self, key: str) -> None:
        rows = [row for row in await self._lot.line(key) if row.record.partition == self._owned.partition]
        for row in rows:
            if row.only:
                await self._redo(row)
        line = await self._listed(key, [row for row in rows if not row.only])
        self._waits.discard(key)
        while line and self._owned.live and self._may_go(line[0]):
            line = await self._advance(key, line)
        if line and not self._is_reached(line[0]):
            self._early[key] = line[0].record.offset
        for row in line:
            if self._owned.live and self._is_reached(row) and self._lot.is_due(row):
                await self._push_back(row)
        await self._holds.keep()
        self._shared.measured(self._owned.partition, self._holds.counts, len(self._skipped))

    async def _push_back(self, row: ParkedRow) -> None:
        if row.quarantined and row.failure:
            # Whoever gave it up may have died before people were told.
            await self._put_aside(row, InvalidRecord(row.failure.fingerprint, row.failure.error))
        await self._lot.keep(row, self._lot.pushed_back(row))

    def _is_reached(self, row: ParkedRow) -> bool:
        return row.origin != self._owned.origin or row.record.offset < self._reached

    def _may_go(self, first: ParkedRow) -> bool:
        if not self._is_reached(first):
            return False
        if first.skipped:
            return True
        if first.quarantined or first.key in self._waits:
            return False
        # One that failed before and then waited for its sink was put off meanwhile.
        return not first.attempts or first.key in self._released or self._lot.is_due(first)

    async def _listed(self, key: str, rows: Sequence[ParkedRow]) -> list[ParkedRow]:
        """Without what a stale owner put: below the watermark that is applied, above it the log brings it. Rows of a topic that was made
        anew wait for nobody else's."""
        listed, origin = self._holds.of(key), self._owned.origin
        present = {row.record.offset for row in rows if row.origin == origin}
        # Listed without a row: applied by somebody, or parked by one who died before the row was there, and then the log brings it.
        self._forget(key, {offset for offset in listed - present if offset < self._start or offset in self._put})
        strange = [row for row in rows if row.origin == origin and row.record.offset not in listed]
        await self._lot.remove([row for row in strange if row.record.offset < self._owned.committed])
        for row in strange:
            if row.record.offset >= self._owned.committed and self._lot.is_due(row):
                await self._lot.keep(row, self._lot.pushed_back(row))
        return [row for row in rows if row not in strange]

    async def _advance(self, key: str, line: Sequence[ParkedRow]) -> list[ParkedRow]:
        """Applies the beginning of the line; returns what is left of it."""
        self._released.discard(key)
        out = await self._out(list(takewhile(self._is_reached, line[:CHUNK])))
        refused = await self._sink.apply(self._owned, out.prepared)
        if not self._owned.live:
            # It may be durable or not: the next owner finds it listed, and its sink recognises it.
            return list(line)
        if refused:
            first = refused[0]
            out.failure = Failure.of(first.error, first.arrival.envelope.kind) if first.error else None
            if first.error is None:
                self._waits.add(key)
            out.rows = out.rows[: [row.record.offset for row in out.rows].index(first.arrival.offset)]
        for each, durable in zip(out.prepared, out.durable, strict=True):
            if all(refusal.arrival is not each.arrival for refusal in refused):
                await durable.wait()
        await self._lot.remove(out.rows)
        self._forget(key, {row.record.offset for row in out.rows if row.origin == self._owned.origin})
        await self._holds.keep()
        left = list(line[len(out.rows) :])
        return left if out.failure is None else [await self._tried(left[0], out.failure), *left[1:]]

    async def _out(self, rows: Sequence[ParkedRow]) -> _Out[W]:
        out: _Out[W] = _Out()
        for row in rows:
            durable = asyncio.Event()
            try:
                arrival = None if row.skipped else self._arrival(row, durable)
            except InvalidRecord as invalid:
                await self._put_aside(replace(row, last_at=self._shared.now()), invalid)
                arrival = None
            if arrival is not None:
                made = await self._prepared(arrival)
                if isinstance(made, Failure):
                    out.failure = made
                    break
                out.prepared.append(made)
                out.durable.append(durable)
            out.rows.append(row)
        return out

    async def _redo(self, row: ParkedRow) -> None:
        """A step that one row of a projection skipped. Before its offset is committed nobody knows whether that row has passed it."""
        own = row.origin == self._owned.origin
        if not self._lot.is_due(row) or (own and row.record.offset >= self._owned.committed):
            return
        if row.quarantined:
            await self._push_back(row)
            return
        self._skipped.pop(row.record.offset, None)
        out = await self._out([row])
        failure = out.failure
        if failure is None and out.prepared:
            await self._sink.apply(self._owned, out.prepared)
            await out.durable[0].wait()
            error = self._skipped.get(row.record.offset)
            failure = Failure.of(error, out.prepared[0].arrival.envelope.kind) if error else None
        if failure:
            await self._tried(row, failure)
        else:
            await self._lot.remove([row])

    def _arrival(self, row: ParkedRow, durable: asyncio.Event) -> Arrival | None:
        return arrival_of(row.record, row.origin, durable.set, lambda envelope: envelope.late, parked=True, only=row.only)

    def _forget(self, key: str, offsets: set[int]) -> None:
        self._holds.remove(key, offsets)
        # What left a step in a line of its own is not done in the row that skipped it.
        self.done |= offsets - self._skipped.keys()

    async def _tried(self, row: ParkedRow, failure: Failure) -> ParkedRow:
        """Later again; after the last attempt people must look, and it still holds its key. The row comes first: what people were told
        of is never tried again by itself."""
        if row.attempts and not self._lot.is_due(row):
            # Ahead of its time, so that many starts do not use up its attempts.
            return row
        tried = self._lot.tried(row, failure)
        await self._lot.keep(row, tried)
        if tried.quarantined:
            await self._put_aside(tried, InvalidRecord(failure.fingerprint, failure.error))
        return tried

    async def _put_aside(self, row: ParkedRow, invalid: InvalidRecord) -> None:
        trace = row.failure.trace if row.failure else ""
        attempts, first, last = max(1, row.attempts), row.first_at, row.last_at
        quarantine, group = self._shared.quarantine, self._lot.group
        await quarantine.put(group, row.origin, row.record, invalid, attempts=attempts, trace=trace, first_at=first, last_at=last)
