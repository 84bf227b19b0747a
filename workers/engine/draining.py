"""A parked line, applied in its order once its first command decides again (docs/architecture.md, rule 7).

Runs in the key's own lane. In chunks, each in two phases: what is owed is published first, then parked commands at or below the hold are
applied (still held) and published. When none is left the hold is lifted by a write of its own; rows are deleted last, for a row at or
below ``_seen`` of a root that is not held is only a leftover.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from itertools import takewhile

from contracts.catalogue import InvalidRecord
from contracts.position import Position
from contracts.types import CommandId
from workers.engine.decision import ItemRef
from workers.engine.fold import Folded, Waiting
from workers.engine.intake import waiting_of
from workers.engine.lane import Lane
from workers.engine.parking import SAFETY, Failure, ParkedRow, ParkingLot
from workers.engine.planning import Plan, Planner
from workers.engine.quarantine import Quarantine
from workers.engine.role import Owned
from workers.engine.root import Root
from workers.engine.service import Service
from workers.engine.settling import Settler
from workers.engine.writing import Writer

CHUNK = 25
SOON = 5_000
"""Milliseconds."""


class Drained(Enum):
    """WHOLE: there is nothing to do now; the line is gone, or its first command must wait. PARTLY: the next chunk may follow at once.
    NOT: somebody else wrote, or nobody answered; try again after a pause."""

    WHOLE = auto()
    PARTLY = auto()
    NOT = auto()


class Drainer:
    """Dying anywhere leaves the root held and its rows in place, or the rows as leftovers; the next owner's drain goes on from there."""

    def __init__(
        self, service: Service, planner: Planner, writer: Writer, settler: Settler, lot: ParkingLot, quarantine: Quarantine
    ) -> None:
        self._service, self._planner, self._writer = service, planner, writer
        self._settler, self._lot, self._quarantine = settler, lot, quarantine

    async def root_of(self, key: str) -> ItemRef | None:
        """The root whose line is parked under ``key``; None when the line is gone, or when this version can read nothing of it."""
        line = await self._lot.line(key)
        for row in line:
            try:
                return waiting_of(self._service, row.origin, row.record)[0]
            except InvalidRecord as invalid:
                unread = invalid
        if line:
            await self._unreadable(line[0], unread)
            await self._push_back([row for row in line[1:] if self._lot.is_due(row)])
        return None

    async def drain(self, lane: Lane) -> Drained:
        await self._load(lane)
        line = await self._lot.line(lane.key)
        if lane.entry is None:
            return Drained.NOT
        if lane.entry.root.hold is None:
            await self._clear(lane, lane.entry.root, line)
            return Drained.WHOLE
        covered = [row for row in line if _covered(lane.entry.root, row)]
        await self._push_back([row for row in line if row not in covered])
        if not covered:
            return await self._lift(lane, [])
        if covered[0].skipped:
            return await self._skip(lane, covered[0], covered[1:])
        if covered[0].quarantined or not self._lot.is_due(covered[0]):
            if covered[0].quarantined:
                # Whoever gave it up may have died before people were told.
                await self._put_aside(covered[0])
            await self._push_back([row for row in covered if self._lot.is_due(row)])
            return Drained.WHOLE
        return await self._apply(lane, covered)

    async def _load(self, lane: Lane) -> None:
        """As the root is now: a stale owner may have held it since it was read. Nothing of the lane is in the air meanwhile."""
        await self._settler.published(lane)
        lane.entry = None
        await self._planner.load([lane], self._settler.publish_owed)
        await self._settler.published(lane)

    async def _apply(self, lane: Lane, covered: Sequence[ParkedRow]) -> Drained:
        chunk = list(takewhile(lambda row: not row.skipped, covered[:CHUNK]))
        waiting: list[Waiting] = []
        for row in chunk:
            try:
                waiting.append(waiting_of(self._service, row.origin, row.record)[1])
            except InvalidRecord as invalid:
                if not waiting:
                    await self._unreadable(row, invalid)
                    return Drained.WHOLE
                break
        (plan,) = await self._planner.plan([lane], waiting)
        if plan.writes and not await self._written(plan):
            return Drained.NOT
        done = chunk[: plan.folded.taken]
        rest = covered[len(done) :]
        if plan.folded.fault:
            return await self._failed(lane, plan, done, rest)
        if rest:
            await self._lot.keep(rest[0], self._lot.postponed(rest[0], 0))
            await self._lot.remove(done)
            return Drained.PARTLY
        return await self._lift(lane, done)

    async def _written(self, plan: Plan) -> bool:
        (written,) = await self._writer.write([plan])
        if written:
            plan.lane.written(plan.folded, plan.writes)
            plan.lane.singly = max(0, plan.lane.singly - plan.folded.taken)
            self._settler.count(plan.folded)
            self._settler.publish(plan.lane, plan.folded.outcomes, ())
            await self._settler.published(plan.lane)
        return written

    async def _lift(self, lane: Lane, done: Sequence[ParkedRow]) -> Drained:
        """A write of its own: nothing else happens to the root in it."""
        if lane.entry is None:
            return Drained.NOT
        root = replace(lane.entry.root, hold=None, version=lane.entry.root.version + 1)
        lifted = lane.with_books(Folded(root, {}, (), (), (), 0, write=True))
        if not await self._written(Plan(lane, (), lifted, lane.writes(lifted))):
            return Drained.NOT
        await self._lot.remove(done)
        return Drained.WHOLE

    async def _failed(self, lane: Lane, plan: Plan, done: Sequence[ParkedRow], rest: Sequence[ParkedRow]) -> Drained:
        """The line's new first row is tried again later; after its last attempt people must look, and it still holds its key unless
        its kind lets the rest pass."""
        assert plan.folded.fault is not None
        row, waiting = rest[0], plan.records[plan.folded.taken]
        # Asked again, the store may answer differently.
        lane.rejected.pop(row.record.offset, None)
        tried = await self._tried(row, Failure.of(plan.folded.fault, waiting.command.data.kind()))
        if tried.quarantined and not waiting.handler.ordered:
            return await self._pass(lane, waiting.place, waiting.command.id, [*done, tried], rest[1:])
        await self._lot.remove(done)
        return Drained.WHOLE

    async def _tried(self, row: ParkedRow, failure: Failure) -> ParkedRow:
        """The row first: were it open to people before, their word could meet a row that is tried once more."""
        tried = self._lot.tried(row, failure)
        await self._lot.keep(row, tried)
        if tried.quarantined:
            await self._put_aside(tried)
        return tried

    async def _unreadable(self, row: ParkedRow, invalid: InvalidRecord) -> None:
        """Another version parked it, and may be back: tried like one that raises, it holds its key."""
        if row.quarantined:
            await self._put_aside(row)
            await self._push_back([row])
        elif self._lot.is_due(row):
            await self._tried(row, Failure(invalid.code, invalid.detail, ""))

    async def _skip(self, lane: Lane, row: ParkedRow, rest: Sequence[ParkedRow]) -> Drained:
        try:
            waiting = waiting_of(self._service, row.origin, row.record)[1]
        except InvalidRecord:
            return await self._pass(lane, row.position, None, [row], rest)
        return await self._pass(lane, waiting.place, waiting.command.id, [row], rest)

    async def _pass(
        self, lane: Lane, place: Position, command: CommandId | None, done: Sequence[ParkedRow], rest: Sequence[ParkedRow]
    ) -> Drained:
        """Notes the record as seen without a verdict; its retry is then a new command."""
        if lane.entry is None:
            return Drained.NOT
        root = lane.entry.root.noted(place.origin, place.offset, command)
        passed = lane.with_books(Folded(replace(root, version=root.version + 1), {}, (), (), (), 0, write=True))
        if not await self._written(Plan(lane, (), passed, lane.writes(passed))):
            return Drained.NOT
        if rest:
            await self._lot.keep(rest[0], self._lot.postponed(rest[0], 0))
        await self._lot.remove(done)
        return Drained.PARTLY

    async def _put_aside(self, row: ParkedRow) -> None:
        assert row.failure is not None
        invalid = InvalidRecord(row.failure.fingerprint, row.failure.error)
        await self._quarantine.put(
            self._lot.group,
            row.origin,
            row.record,
            invalid,
            attempts=row.attempts,
            trace=row.failure.trace,
            first_at=row.first_at,
            last_at=row.last_at,
        )

    async def _clear(self, lane: Lane, root: Root, line: Sequence[ParkedRow]) -> None:
        """A stale owner's rows that are not applied yet reach the rightful owner from the log; later they are leftovers too. One refused
        without a trace is known by the watermark only, once no write of the stale owner can still come."""
        owned = lane.shard.owned
        leftovers = [
            row
            for row in line
            if root.has_seen(row.origin, row.record.offset)
            or (row.origin == owned.origin and row.record.offset < owned.committed and self._lot.is_old(row))
        ]
        await self._lot.remove(leftovers)
        await self._wait_for_the_log(owned, [row for row in line if row not in leftovers])

    async def _wait_for_the_log(self, owned: Owned, rest: Sequence[ParkedRow]) -> None:
        """Rows whose records the log is yet to deliver are looked at again soon: a role that went on after its fuse would otherwise show
        keys as parked for long after they were applied."""
        comes = bool(rest) and rest[0].origin == owned.origin and rest[0].record.offset >= owned.committed
        if comes:
            await self._lot.keep(rest[0], self._lot.postponed(rest[0], SOON))
        await self._push_back([row for row in rest[int(comes) :] if self._lot.is_due(row)])

    async def _push_back(self, rows: Sequence[ParkedRow]) -> None:
        for row in rows:
            await self._lot.keep(row, self._lot.postponed(row, SAFETY))


def _covered(root: Root, row: ParkedRow) -> bool:
    """Rows beyond the hold belong to a stale owner, or to a parking that has not touched the root yet."""
    assert root.hold is not None
    return row.origin != root.hold.origin or row.record.offset <= root.hold.offset
