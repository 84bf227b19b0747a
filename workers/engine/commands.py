"""The commands role: a conveyor of dirty roots (design.md 3).

Records wait in lanes. As soon as a request slot is free, up to 25 idle lanes are loaded, folded and written together; while a lane is
in a cycle its new records wait and fold into the next change. Events are published in the background, in the order of the writes; a
record is settled when its outcome is acknowledged. Where a crash may fall: design.md 3.2.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

from contracts.catalogue import InvalidRecord, decode
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.topics import events_topic
from contracts.types import CommandId
from workers.engine.decision import Claim, Command
from workers.engine.fold import Folded, Waiting
from workers.engine.lane import Entry, Lane, Shard
from workers.engine.outcome import Outcome
from workers.engine.planning import Conveyor, Plan, Planner
from workers.engine.ports import Clock, Fate, Log, Metrics, Store, StoreUnavailable, Transacted, Write, Written
from workers.engine.publisher import Handover, Publisher
from workers.engine.quarantine import Quarantine
from workers.engine.record import Partition, Record
from workers.engine.retry import TRANSIENT
from workers.engine.role import Owned
from workers.engine.service import Service
from workers.engine.tracing import NoTracer, Tracer


class CommandFault(Exception):
    """A decision raised: a bug, not a refusal. The role stops before this record; everything before it is written, nothing is lost."""

    def __init__(self, waiting: Waiting, cause: Exception) -> None:
        kind, at = waiting.command.data.kind(), f"{waiting.origin}/{waiting.offset}"
        super().__init__(f"{kind} of {waiting.command.key} at {at} raised {type(cause).__name__}: {cause}. {self.__doc__}")


class RejectedWrite(Exception):
    """The store will never take a write (too large or malformed): a bug of the state's shape. The role stops; nothing is lost."""


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
        self._tracer = tracer or NoTracer()
        self._planner = Planner(service.name, store, self._settings.folded)
        self._source = f"/mindlinks/{service.name}/commands"
        self._shards: dict[Partition, Shard] = {}
        self._dirty: dict[Lane, None] = {}
        self._slots = self._settings.requests
        self._tasks: set[asyncio.Task[None]] = set()
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
        publisher = Publisher(target, self._source, lambda: owned.committed, self._log, self._clock, self._metrics, self._random)
        publisher.on_failure(self.fail)
        self._shards[owned.partition] = Shard(owned, publisher)
        return None

    def recall(self, owned: Owned, record: Record) -> None:
        raise AssertionError("a commands role recalls nothing: the root's own books remember")

    def metadata(self, owned: Owned) -> str:
        return ""

    def received(self, owned: Owned, records: Sequence[Record]) -> None:
        shard = self._shards[owned.partition]
        for record in records:
            try:
                self._enqueue(shard, record)
            except InvalidRecord as invalid:
                self._spawn(self._put_aside(owned, record, invalid))
        self._kick()

    async def drained(self, owned: Owned) -> None:
        shard = self._shards[owned.partition]
        for lane in shard.lanes.values():
            self._dirty.pop(lane, None)
        async with self._quiet:
            await self._quiet.wait_for(lambda: not shard.busy)
        await shard.publisher.idle()

    def closed(self, owned: Owned) -> None:
        shard = self._shards.pop(owned.partition)
        shard.publisher.abandon()
        for lane in shard.lanes.values():
            self._dirty.pop(lane, None)

    # --- records to lanes ------------------------------------------------------------------------------------------

    def _enqueue(self, shard: Shard, record: Record) -> None:
        decoded = decode(record.key, record.value, record.headers, record.timestamp)
        envelope, data = decoded.envelope, decoded.data
        handler = self._service.handler_of.get(envelope.kind)
        if handler is None or not isinstance(data, CommandData):
            raise InvalidRecord("not_a_command", f"{self._service.name} has no command {envelope.kind}")
        ref = handler.aggregate.root(envelope.subject)
        lane = shard.lanes.pop(ref, None) or Lane(shard, ref, envelope.subject)
        shard.lanes[ref] = lane
        command = Command(CommandId(envelope.id), envelope.subject, envelope.actor, data)
        lane.waiting.append(
            Waiting(
                origin=shard.owned.origin,
                offset=record.offset,
                at=from_milliseconds(record.timestamp),
                appended=record.timestamp,
                command=command,
                handler=handler,
                correlation=envelope.correlation_id,
                traceparent=envelope.traceparent,
                receipt=replace(envelope.receipt, kind=envelope.kind) if envelope.receipt else None,
            )
        )
        if not lane.busy:
            self._dirty[lane] = None

    async def _put_aside(self, owned: Owned, record: Record, invalid: InvalidRecord) -> None:
        await self._quarantine.put(f"{self._service.name}-commands", owned.origin, record, invalid)
        if owned.live:
            owned.settle(record.offset)

    # --- the conveyor ----------------------------------------------------------------------------------------------

    def _kick(self) -> None:
        while self._slots and not self._faulted and (lanes := self._take()):
            self._slots -= 1
            self._spawn(self._cycle(lanes))

    def _take(self) -> list[Lane]:
        lanes: list[Lane] = []
        for lane in self._dirty:
            if lane.unpublished < self._settings.unpublished:
                lanes.append(lane)
                if len(lanes) == self._settings.roots:
                    break
        for lane in lanes:
            del self._dirty[lane]
            lane.busy = True
            lane.shard.busy += 1
        return lanes

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._noticed)

    def _noticed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.fail(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    async def _cycle(self, lanes: Sequence[Lane]) -> None:
        attempts = max(lane.attempts for lane in lanes)
        again: list[Lane] = []
        try:
            again = await self._turn(lanes)
        except StoreUnavailable:
            self._metrics.count("store_retries", role=f"{self._service.name}-commands", why="unavailable")
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
            if lane.waiting and lane.shard.owned.live:
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
        await self._planner.load([lane for lane in lanes if lane.entry is None], self._publish_owed)
        plans = await self._planner.plan(lanes)
        singles = [plan for plan in plans if len(plan.writes) == 1]
        spanning = [plan for plan in plans if len(plan.writes) > 1]
        for plan in plans:
            if not plan.writes:
                self._judged(plan)
        groups = [singles, *([plan] for plan in spanning)]
        retried = await asyncio.gather(*(self._written(group) for group in groups if group))
        return [lane for group in retried for lane in group]

    # --- write -----------------------------------------------------------------------------------------------------

    async def _written(self, plans: Sequence[Plan]) -> list[Lane]:
        """Writes one request's plans; returns the lanes that must try again. What the others of the turn do is not its business."""
        try:
            if len(plans[0].writes) == 1:
                return await self._write_singles(plans)
            return await self._write_spanning(plans[0])
        except StoreUnavailable:
            self._metrics.count("store_retries", role=f"{self._service.name}-commands", why="unavailable")
            return [plan.lane for plan in plans]

    async def _write_singles(self, plans: Sequence[Plan]) -> list[Lane]:
        self._metrics.observe("batch_size", len(plans), role=f"{self._service.name}-commands")
        results = await self._store.write([plan.writes[0] for plan in plans])
        return [plan.lane for plan, result in zip(plans, results, strict=True) if not self._ended(plan, result)]

    def _ended(self, plan: Plan, result: Written) -> bool:
        """True when the plan's records are done with; otherwise its lane tries again from what is there."""
        if result.fate is Fate.WRITTEN:
            self._judged(plan)
            return True
        if result.fate is Fate.INVALID:
            raise RejectedWrite(f"{plan.lane.ref}: {result.detail}. {RejectedWrite.__doc__}")
        if result.fate is Fate.CONFLICT:
            self._metrics.count("write_conflicts", role=f"{self._service.name}-commands")
        if result.fate is not Fate.BUSY:
            plan.lane.entry = None
        return False

    async def _write_spanning(self, plan: Plan) -> list[Lane]:
        answer = await self._store.transact(plan.writes, _token(plan.writes))
        if answer.fate is Fate.CONFLICT:
            self._overrule(plan, answer)
        return [] if self._ended(plan, Written(answer.fate, detail=str(answer.parts))) else [plan.lane]

    def _overrule(self, plan: Plan, answer: Transacted) -> None:
        """Reads a cancelled transaction reason by reason: a lost claim refuses its command; of a fold of several, one by one."""
        if len(plan.records) > 1:
            plan.lane.singly = len(plan.records)
            return
        refusals = {claim.ref: claim.refusal for claim in plan.folded.claims if isinstance(claim, Claim)}
        for write, part in zip(plan.writes, answer.parts, strict=False):
            if part.fate is Fate.CONFLICT and (refusal := refusals.get(write.ref)):
                plan.lane.overruled[plan.records[0].offset] = refusal

    # --- publish and settle ------------------------------------------------------------------------------------------

    def _judged(self, plan: Plan) -> None:
        lane, folded = plan.lane, plan.folded
        if plan.writes:
            lane.written(folded, plan.writes)
        else:
            lane.riding += folded.outcomes
        taken = [lane.waiting.popleft() for _ in range(folded.taken)]
        lane.singly = max(0, lane.singly - folded.taken)
        for record in taken:
            lane.overruled.pop(record.offset, None)
        self._count(folded)
        self._publish(lane, [self._traced(outcome) for outcome in folded.outcomes], taken)
        if folded.fault:
            self.fail(CommandFault(plan.records[folded.taken], folded.fault))

    def _publish_owed(self, lane: Lane, entry: Entry) -> None:
        """Whoever loads a root publishes what it still owes, before anything of its own."""
        owned = lane.shard.owned
        published = lane.in_air | lane.acknowledged
        owed = [o for o in entry.root.owed(owned.origin, owned.committed) if (o.origin, o.offset) not in published]
        if owed:
            self._publish(lane, owed, ())

    def _traced(self, outcome: Outcome) -> Outcome:
        name = f"{self._service.name}.command"
        span = self._tracer.record(name, outcome.traceparent, outcome.received, self._clock.now(), command=outcome.command)
        return outcome if span == outcome.traceparent else replace(outcome, traceparent=span)

    def _count(self, folded: Folded) -> None:
        for verdict in folded.verdicts:
            if verdict.reason == "recognised":
                self._metrics.count("recognised", role=f"{self._service.name}-commands")
            else:
                kind = type(verdict.waiting.command.data).__name__
                self._metrics.count("outcomes", service=self._service.name, kind=kind, reason=verdict.reason)

    def _publish(self, lane: Lane, outcomes: Sequence[Outcome], taken: Sequence[Waiting]) -> None:
        size = sum(len(said.value) + 300 for outcome in outcomes for said in outcome.said)
        places = {(outcome.origin, outcome.offset) for outcome in outcomes}
        lane.in_air |= places
        lane.unpublished += size
        owned = lane.shard.owned

        def acknowledged() -> None:
            lane.in_air -= places
            lane.acknowledged |= places
            lane.riding = [outcome for outcome in lane.riding if (outcome.origin, outcome.offset) not in places]
            lane.unpublished -= size
            for record in taken:
                owned.settle(record.offset)
            for outcome in outcomes:
                if outcome.received:
                    seconds = (self._clock.now() - outcome.received) / 1000
                    self._metrics.observe("command_to_event_seconds", seconds, service=self._service.name)
            if lane in self._dirty:
                self._kick()

        lane.shard.publisher.hand_over(Handover(lane.key, outcomes, acknowledged))


def _token(writes: Sequence[Write]) -> str:
    """The same content, the same transaction: a repeat within ten minutes is answered, not done again."""
    return hashlib.sha256(repr(writes).encode()).hexdigest()[:36]
