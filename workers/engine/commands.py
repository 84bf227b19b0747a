"""The commands role: a conveyor of dirty roots (docs/architecture.md).

Records wait in lanes. As soon as a request slot is free, up to 25 idle lanes are loaded, folded and written together; while a lane is
in a cycle its new records wait and fold into the next change. Events are published in the background, in the order of the writes; a
record is settled when its outcome is acknowledged. A command whose decision raises parks its key; the others go on.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from contracts.catalogue import InvalidRecord
from contracts.topics import events_topic
from workers.engine.draining import Drained, Drainer
from workers.engine.fuse import Fuse, FuseTripped
from workers.engine.intake import ByPeople, waiting_of
from workers.engine.lane import Lane, Shard
from workers.engine.parked_keys import ParkedKeys
from workers.engine.parking import Failure, ParkedRow, ParkingFull, ParkingLot
from workers.engine.planning import Conveyor, Plan, Planner
from workers.engine.ports import Clock, Log, Metrics, Store, StoreUnavailable
from workers.engine.publisher import Publisher
from workers.engine.quarantine import Quarantine
from workers.engine.record import Partition, Record
from workers.engine.retry import TRANSIENT
from workers.engine.role import Owned
from workers.engine.service import Service
from workers.engine.settling import Settler
from workers.engine.tracing import NoTracer, Tracer
from workers.engine.writing import Writer


class _Unsettled(NamedTuple):
    """A parked record whose settling waits for the fuse's window."""

    owned: Owned
    offset: int
    window: int


class CommandsProcessor:
    """One per service and process. ``on_fault`` is told of a fault that must stop the role."""

    def __init__(
        self,
        service: Service,
        log: Log,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        quarantine: Quarantine,
        random: Random,
        settings: Conveyor | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._service, self._log, self._store, self._clock = service, log, store, clock
        self._metrics, self._quarantine, self._random = metrics, quarantine, random
        self._settings = settings or Conveyor()
        self._role = f"{service.name}-commands"
        self._planner = Planner(service.name, store, self._settings.folded)
        self._settler = Settler(service, clock, metrics, tracer or NoTracer(), self._roomier)
        self._writer = Writer(self._role, store, metrics)
        self._lot = ParkingLot(self._role, store, clock, random)
        self._drainer = Drainer(service, self._planner, self._writer, self._settler, self._lot, quarantine)
        self._fuse = Fuse(self._settings.fuse)
        self._shards: dict[Partition, Shard] = {}
        self._dirty: dict[Lane, None] = {}
        self._slots = self._settings.requests
        self._tasks: set[asyncio.Task[None]] = set()
        self._watches: dict[Owned, asyncio.Task[None]] = {}
        self._unsettled: list[_Unsettled] = []
        self._parked = ParkedKeys(self._role, metrics, self._settings.parked, self._settings.parked_a_key)
        self._quiet = asyncio.Condition()
        self._faulted = False
        self.on_fault: Callable[[Exception], None] = lambda _: None

    def fail(self, error: Exception) -> None:
        """Starts nothing more and tells the role."""
        self._faulted = True
        self.on_fault(error)

    # --- the role's calls ------------------------------------------------------------------------------------------

    def opened(self, owned: Owned, metadata: str) -> int | None:
        target = Partition(events_topic(self._service.name), owned.partition.number)
        source = f"/mindlinks/{self._service.name}/commands"
        publisher = Publisher(target, source, lambda: owned.committed, self._log, self._clock, self._metrics, self._random)
        publisher.on_failure(self.fail)
        shard = self._shards[owned.partition] = Shard(owned, publisher)
        self._watches[owned] = self._spawn(self._watch(shard))
        return None

    def recall(self, owned: Owned, record: Record) -> None:
        """Settled already; the root's own books remember it."""

    def metadata(self, owned: Owned) -> str:
        return ""

    def received(self, owned: Owned, records: Sequence[Record]) -> None:
        shard = self._shards[owned.partition]
        for record in records:
            try:
                self._enqueue(shard, record)
            except ByPeople:
                owned.settle(record.offset)
            except InvalidRecord as invalid:
                self._spawn(self._put_aside(owned, record, invalid))
        self._kick()

    async def drained(self, owned: Owned) -> None:
        shard = self._shards[owned.partition]
        self._watches[owned].cancel()
        for lane in shard.lanes.values():
            self._dirty.pop(lane, None)
        async with self._quiet:
            await self._quiet.wait_for(lambda: not shard.busy)
        await shard.publisher.idle()

    def closed(self, owned: Owned) -> None:
        shard = self._shards.pop(owned.partition)
        self._watches.pop(owned).cancel()
        shard.publisher.abandon()
        for lane in shard.lanes.values():
            self._dirty.pop(lane, None)
        self._unsettled = [each for each in self._unsettled if each.owned is not owned]
        self._parked.closed(owned.partition)

    # --- records to lanes ------------------------------------------------------------------------------------------

    def _enqueue(self, shard: Shard, record: Record) -> None:
        ref, waiting = waiting_of(self._service, shard.owned.origin, record)
        lane = shard.lanes.pop(ref, None) or Lane(shard, ref, waiting.command.key)
        shard.lanes[ref] = lane
        lane.waiting.append(waiting)
        if not lane.busy:
            self._dirty[lane] = None

    async def _put_aside(self, owned: Owned, record: Record, invalid: InvalidRecord) -> None:
        await self._quarantine.put(self._role, owned.origin, record, invalid)
        if owned.live:
            owned.settle(record.offset)

    # --- the conveyor ----------------------------------------------------------------------------------------------

    def _kick(self) -> None:
        while self._slots and not self._faulted and (lanes := self._take()):
            self._slots -= 1
            self._spawn(self._cycle(lanes))

    def _roomier(self, lane: Lane) -> None:
        if lane in self._dirty:
            self._kick()

    def _take(self) -> list[Lane]:
        lanes: list[Lane] = []
        for lane in self._dirty:
            if lane.unpublished < self._settings.unpublished:
                lanes.append(lane)
                if len(lanes) == self._settings.roots:
                    break
        for lane in lanes:
            self._occupy(lane)
        return lanes

    def _occupy(self, lane: Lane) -> None:
        self._dirty.pop(lane, None)
        lane.busy = True
        lane.shard.busy += 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._noticed)
        return task

    def _noticed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.fail(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    async def _cycle(self, lanes: Sequence[Lane]) -> None:
        attempts = max(lane.attempts for lane in lanes)
        again: list[Lane] = []
        try:
            again = await self._turn(lanes)
        except StoreUnavailable:
            self._metrics.count("store_retries", role=self._role, why="unavailable")
            again = list(lanes)
        finally:
            self._slots += 1
            waiting = set(again)
            await self._release([lane for lane in lanes if lane not in waiting])
        if again:
            for lane in again:
                lane.attempts += 1
            self._kick()
            await self._clock.sleep(TRANSIENT.delay(attempts, self._random.random()))
            await self._release(again)

    async def _release(self, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            lane.busy = False
            lane.shard.busy -= 1
            if lane.drain_wanted and lane.shard.owned.live and not self._faulted:
                self._start_drain(lane)
            elif lane.waiting and lane.shard.owned.live:
                self._dirty[lane] = None
            elif not lane.waiting:
                self._evict(lane.shard)
        self._kick()
        async with self._quiet:
            self._quiet.notify_all()

    def _evict(self, shard: Shard) -> None:
        excess = len(shard.lanes) - self._settings.cached
        if excess > 0:
            oldest = list(islice(shard.lanes.items(), 2 * excess))
            for ref in [ref for ref, lane in oldest if not lane.pinned][:excess]:
                del shard.lanes[ref]

    async def _turn(self, lanes: Sequence[Lane]) -> list[Lane]:
        """One load, fold, write of these lanes. Returns those that must try again after a pause."""
        await self._planner.load([lane for lane in lanes if lane.entry is None], self._settler.publish_owed)
        plans = await self._planner.plan(lanes)
        if not await self._park(plans):
            return []
        for plan in plans:
            if not plan.writes:
                self._judged(plan)
        singles = [plan for plan in plans if len(plan.writes) == 1]
        groups = [singles, *([plan] for plan in plans if len(plan.writes) > 1)]
        retried = await asyncio.gather(*(self._written(group) for group in groups if group))
        return [lane for group in retried for lane in group]

    async def _written(self, plans: Sequence[Plan]) -> list[Lane]:
        """What the others of the turn do is not its business. Returns the lanes that must try again."""
        again = []
        for plan, written in zip(plans, await self._writer.write(plans), strict=True):
            if written:
                self._judged(plan)
            else:
                again.append(plan.lane)
        return again

    def _judged(self, plan: Plan) -> None:
        lane, folded = plan.lane, plan.folded
        if plan.writes:
            lane.written(folded, plan.writes)
        else:
            lane.riding += folded.outcomes
        taken = [lane.waiting.popleft() for _ in range(folded.taken)]
        parked = [lane.waiting.popleft() for _ in plan.parked]
        lane.singly = max(0, lane.singly - folded.taken)
        for record in [*taken, *parked]:
            # Asked again, the store may answer differently.
            lane.overruled.pop(record.offset, None)
            lane.rejected.pop(record.offset, None)
        self._fuse.judged(len(taken))
        self._settler.count(folded)
        self._settler.publish(lane, folded.outcomes, taken)
        self._unsettled += [_Unsettled(lane.shard.owned, record.offset, self._fuse.window) for record in parked]

    # --- parking -----------------------------------------------------------------------------------------------------

    async def _park(self, plans: Sequence[Plan]) -> bool:
        """The rows first, then the writes that hold their roots. False when the fuse tripped: nothing is parked or written then."""
        if self._faulted:
            # This turn was under way when it tripped.
            return False
        rows: list[ParkedRow] = []
        for plan in plans:
            failure = self._failure(plan)
            if failure and self._fuse.failed(failure.fingerprint, plan.lane.key, self._clock.now()):
                self.fail(FuseTripped(f"{self._role}, {failure.fingerprint}: {failure.error}. {FuseTripped.__doc__}"))
                return False
            for n, waiting in enumerate(plan.parked):
                rows.append(self._lot.row(waiting.origin, waiting.record, failure if n == 0 else None))
        if rows:
            await self._lot.put(rows)
            try:
                self._parked.parked(rows)
            except ParkingFull as full:
                self.fail(full)
        return not self._faulted

    @staticmethod
    def _failure(plan: Plan) -> Failure | None:
        fault = plan.folded.fault
        return Failure.of(fault, plan.parked[0].command.data.kind()) if fault and plan.parked else None

    async def _watch(self, shard: Shard) -> None:
        """Settles what was parked once its window of the fuse has closed untripped, and starts drains that are due."""
        counted = False
        while not self._faulted:
            self._settle_parked(shard.owned)
            try:
                if not counted:
                    self._parked.found(shard.owned.partition, await self._lot.standing(shard.owned.partition.number))
                    counted = True
                for key in await self._lot.due_keys(shard.owned.partition.number):
                    await self._want_drain(shard, key)
            except StoreUnavailable:
                self._metrics.count("store_retries", role=self._role, why="parking")
            await self._clock.sleep(self._settings.look_for_parked)

    def _settle_parked(self, owned: Owned) -> None:
        now = self._clock.now()
        waiting, self._unsettled = self._unsettled, []
        for each in waiting:
            if each.owned is owned and self._fuse.is_over(each.window, now):
                owned.settle(each.offset)
            else:
                self._unsettled.append(each)

    async def _want_drain(self, shard: Shard, key: str) -> None:
        ref = await self._drainer.root_of(key)
        if ref is None or not shard.owned.live:
            return
        lane = shard.lanes.setdefault(ref, Lane(shard, ref, key))
        lane.drain_wanted = True
        if not lane.busy:
            self._start_drain(lane)

    def _start_drain(self, lane: Lane) -> None:
        lane.drain_wanted = False
        self._occupy(lane)
        self._spawn(self._drain(lane))

    async def _drain(self, lane: Lane) -> None:
        attempt = 0
        try:
            while lane.shard.owned.live and not self._faulted and (drained := await self._drain_once(lane)) is not Drained.WHOLE:
                attempt = attempt + 1 if drained is Drained.NOT else 0
                if attempt:
                    await self._clock.sleep(TRANSIENT.delay(attempt - 1, self._random.random()))
            if lane.entry is not None and lane.entry.root.hold is None:
                self._parked.drained(lane.shard.owned.partition, lane.key)
        finally:
            await self._release([lane])

    async def _drain_once(self, lane: Lane) -> Drained:
        try:
            return await self._drainer.drain(lane)
        except StoreUnavailable:
            self._metrics.count("store_retries", role=self._role, why="parking")
            return Drained.NOT
