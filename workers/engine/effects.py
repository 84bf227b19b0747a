"""The effects role: events that call the outside, each at most once by provider evidence (docs/architecture.md).

An event's offset settles as soon as its effect's row is in the ledger; the call, its retries and the publishing of its result then live
on that row. What a crash leaves behind is found by the sweep when its lease is over, each key's rows in the order of their events: what
waited, and a repeatable effect, is called under the same id; any other is reported as unknown and never called again.

Effects of one key are called in the order of its events in their topic. Once an earlier one was left open (it rests, or is under the
lease of a process that died), later events of the key are refused and wait in its line until it has ended; later rows that are in the
ledger already rest with it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from contracts.types import EffectId
from workers.engine.arrivals import Arrival, Line, Prepared, Refusal
from workers.engine.backlog import Backlog
from workers.engine.breaker import BreakerLimits
from workers.engine.calling import Caller
from workers.engine.fuse import FuseLimits
from workers.engine.gate import Gate
from workers.engine.leased_row import LeasedRow, PartitionLeft
from workers.engine.ledger import LEASE, EffectState, LedgerRow, claimed
from workers.engine.ledger_keeping import ROWS_A_WRITE, LedgerKeeper, LostClaim, RejectedRow
from workers.engine.open_effects import OpenEffects
from workers.engine.ports import Clock, Log, Metrics, Store, StoreUnavailable
from workers.engine.rate_limit import RateLimit
from workers.engine.retry import TRANSIENT
from workers.engine.role import Owned
from workers.engine.service import Effect, Service
from workers.engine.tracing import NoTracer, Tracer

LOOK_FOR_ROOM = 0.05
"""Seconds between looks, while as many effects run as may, whether one has ended."""
SEEN_BY_THEN = 2
"""The sweep after which the open rows are looked for once more."""
TO_CALL = (EffectState.PLANNED, EffectState.CLAIMED)
Work = Callable[[LeasedRow], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class EffectPace:
    """``calls``: at once per provider. ``running``: effects of this process before its partitions wait; those of a provider whose breaker
    is open count too. ``sweep``: seconds between looks for rows that are due. ``limits``: by provider, of this process; none where
    nothing is said. ``fuse``: of effects that raise, over the time their calls take."""

    calls: int = 16
    running: int = 400
    sweep: float = 2.0
    limits: Mapping[str, RateLimit] = field(default_factory=dict)
    breaker: BreakerLimits = field(default_factory=BreakerLimits)
    fuse: FuseLimits = field(default_factory=lambda: FuseLimits(window=60_000))


@dataclass(frozen=True, slots=True)
class _Running:
    owned: Owned
    task: asyncio.Task[None]


class EffectsSink:
    """``ports``: provider name -> the port its effects get. Effects of one key run one after the other, of different keys side by side."""

    def __init__(
        self,
        service: Service,
        ports: Mapping[str, Any],
        environment: str,
        log: Log,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        random: Random,
        pace: EffectPace | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._service, self._random, self._clock, self._metrics = service, random, clock, metrics
        self._pace = pace or EffectPace()
        self._role = f"{service.name}-effects"
        self._gates = {effect.provider: self._gate(effect.provider) for effect in service.effects}
        self._caller = Caller(
            service, ports, environment, log, store, clock, metrics, random, self._gates, self._pace.fuse, tracer or NoTracer()
        )
        self._ledger, self._backlog = LedgerKeeper(store, clock, random), Backlog(service.name, store)
        self._by_kind: dict[str, list[Effect[Any]]] = {}
        for effect in service.effects:
            self._by_kind.setdefault(effect.event.kind(), []).append(effect)
        self._claimant = f"{random.getrandbits(64):016x}"
        self._repeatable = {effect.name: effect.repeatable for effect in service.effects}
        self._running: dict[EffectId, _Running] = {}
        self._last: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Condition()
        self._sweeps: dict[Owned, asyncio.Task[None]] = {}
        self._open: dict[Owned, OpenEffects] = {}
        self.on_fault: Callable[[Exception], None] = lambda _: None

    # --- the pump's calls ------------------------------------------------------------------------------------------

    def wants(self, kind: str) -> bool:
        return kind in self._by_kind

    async def opened(self, owned: Owned, line: Line) -> None:
        """Returns when the open rows are known, waiting out a store that is away. An index that lags may hide a row put just before the
        last owner died: until it is seen (the sweep looks again, and so does whoever meets the row) a later effect of its key may
        pass it. That costs their order, never a second call."""
        self._open[owned] = OpenEffects(line.again)
        attempt = 0
        while owned.live:
            try:
                await self._learn(owned)
                break
            except StoreUnavailable:
                self._metrics.count("store_retries", role=self._role, why="opening")
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
        self._sweeps[owned] = asyncio.create_task(self._sweep(owned))

    async def prepare(self, owned: Owned, arrival: Arrival) -> Sequence[LedgerRow]:
        return self._rows(owned, arrival)

    async def apply(self, owned: Owned, prepared: Sequence[Prepared[Sequence[LedgerRow]]]) -> Sequence[Refusal]:
        """Refuses what the ledger cannot hold, and, without an error, what is behind such a one or must wait for an open row of its key.
        Raises StoreUnavailable for what comes out of a line."""
        if any(each.arrival.parked for each in prepared):
            # A line may have been emptied from the front by another owner, whose rows this one has not seen.
            await self._learn(owned)
        opens = self._open[owned]
        held = {each.arrival.key for each in prepared if each.work and opens.refuses(each.arrival.key, each.arrival.event.id)}
        passed = [each for each in prepared if not each.work or each.arrival.key not in held]
        # Events of a parked command may come twice in one batch: no window tells them apart, their effect's id does.
        rows = {row.effect: row for each in passed for row in each.work}
        rejected = await self._put(owned, list(rows.values()))
        refusals: list[Refusal] = []
        for each in prepared:
            error = next((rejected[row.effect] for row in each.work if row.effect in rejected), None) if rejected else None
            if each.work and (error or each.arrival.key in held):
                refusals.append(Refusal(each.arrival, None if each.arrival.key in held else error))
                held.add(each.arrival.key)
            elif rejected is not None:
                each.arrival.settle()
        return refusals

    async def drained(self, owned: Owned) -> None:
        if sweep := self._sweeps.get(owned):
            sweep.cancel()
        async with self._room:
            await self._room.wait_for(lambda: all(each.owned is not owned for each in self._running.values()))

    def closed(self, owned: Owned) -> None:
        self._open.pop(owned, None)
        if sweep := self._sweeps.pop(owned, None):
            sweep.cancel()
        for each in list(self._running.values()):
            if each.owned is owned:
                each.task.cancel()

    def _rows(self, owned: Owned, arrival: Arrival) -> list[LedgerRow]:
        now, value = self._clock.now(), arrival.record.value or b""
        return [
            claimed(self._service.name, owned.partition.number, effect.provider, effect.name, arrival.envelope, value, now, self._claimant)
            for effect in self._by_kind.get(arrival.envelope.kind, ())
            if effect.when(arrival.event) and self._may(effect, arrival)
        ]

    def _may(self, effect: Effect[Any], arrival: Arrival) -> bool:
        """What a replay causes calls only whom its operator named; nothing is put into the ledger of the others."""
        replay = arrival.envelope.replay
        if replay is None or replay.allows(effect.provider):
            return True
        self._metrics.count("effects_withheld", service=self._service.name, effect=effect.name)
        return False

    def _gate(self, provider: str) -> Gate:
        limit = self._pace.limits.get(provider)
        return Gate(self._role, provider, self._pace.calls, limit, self._pace.breaker, self._clock, self._metrics)

    # --- running -----------------------------------------------------------------------------------------------------

    async def _put(self, owned: Owned, rows: Sequence[LedgerRow]) -> Mapping[EffectId, RejectedRow] | None:
        """Only as many as may begin at once: a claimed row that nobody works on would be swept up as crashed. Answers what the
        ledger cannot hold; None when the partition leaves before all others are in it, and then none of their offsets may settle."""
        todo, rejected = list(rows), dict[EffectId, RejectedRow]()
        while todo:
            if not await self._room_for(owned):
                return None
            room = min(ROWS_A_WRITE, max(1, self._pace.running - len(self._running)))
            now, todo = todo[:room], todo[room:]
            put = await self._ledger.put(now)
            if known := {row.effect for row in now} - {row.effect for row in put.fresh}:
                self._met(owned, await self._ledger.look_up(sorted(known)))
            for row in put.fresh:
                self._begin(owned, row, self._caller.run)
            rejected |= put.rejected
            stuck = {row.key for row in now if row.effect in put.rejected}
            todo = [row for row in todo if row.key not in stuck]
        return rejected

    async def _room_for(self, owned: Owned) -> bool:
        while owned.live and len(self._running) >= self._pace.running:
            await self._clock.sleep(LOOK_FOR_ROOM)
        return owned.live

    def _begin(self, owned: Owned, row: LedgerRow, work: Work) -> None:
        key = row.key
        if opens := self._open.get(owned):
            opens.begun(row)
        held = LeasedRow(row, self._ledger, self._clock, lambda: owned.live, to_call=work == self._caller.run)
        task = asyncio.create_task(self._guarded(owned, held, self._last.get(key), work))
        self._running[row.effect], self._last[key] = _Running(owned, task), task

    async def _guarded(self, owned: Owned, held: LeasedRow, before: asyncio.Task[None] | None, work: Work) -> None:
        row, lost = held.row, False
        try:
            if before is not None:
                await held.until(asyncio.ensure_future(asyncio.wait({before})))
            if (due := self._turn(owned, row) if held.to_call else None) is not None:
                await held.rest(due)
            else:
                await work(held)
        except LostClaim:
            lost = True
            self._metrics.count("recognised", role=self._role)
        except PartitionLeft:
            pass
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # no answer and no defect of one key: the role stops, the sweep finds the row later
            self.on_fault(error)
        finally:
            self._running.pop(row.effect, None)
            if self._last.get(row.key) is asyncio.current_task():
                del self._last[row.key]
            self._keep(owned, held.row, sure=not lost)
            async with self._room:
                self._room.notify_all()

    # --- what is open ------------------------------------------------------------------------------------------------

    def _turn(self, owned: Owned, row: LedgerRow) -> int | None:
        """None: it may be called. Otherwise when to look again, for an earlier effect of its key is open."""
        opens = self._open.get(owned)
        return opens.due_before(row) if opens else None

    def _keep(self, owned: Owned, row: LedgerRow, *, sure: bool) -> None:
        opens = self._open.get(owned)
        running = self._running.get(row.effect)
        # What still runs from an earlier ownership of the partition ends unnoticed by this one.
        if opens is None or (running is not None and running.owned is owned):
            return
        if row.open:
            opens.stands(row, sure=sure)
        else:
            opens.ended(row)

    def _met(self, owned: Owned, rows: Sequence[LedgerRow]) -> None:
        """Rows as the ledger showed them a moment ago; one may have ended here since, so they are looked at again."""
        for row in rows:
            self._keep(owned, row, sure=False)

    async def _learn(self, owned: Owned) -> None:
        known = self._open[owned].known | {effect for effect, each in self._running.items() if each.owned is owned}
        self._met(owned, await self._backlog.standing(owned.partition, known))

    # --- the sweep -----------------------------------------------------------------------------------------------------

    async def _sweep(self, owned: Owned) -> None:
        sweeps = 0
        while True:
            try:
                await self._sweep_once(owned)
                sweeps += 1
                if sweeps == SEEN_BY_THEN:
                    await self._learn(owned)
            except StoreUnavailable:
                self._metrics.count("store_retries", role=self._role, why="sweep")
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  # the role stops rather than leave rows unswept in silence
                self.on_fault(error)
            await self._clock.sleep(self._pace.sweep)

    async def _sweep_once(self, owned: Owned) -> None:
        opens = self._open[owned]
        if unsure := opens.unsure(self._clock.now()):
            found = await self._ledger.look_up(unsure)
            self._met(owned, found)
            opens.vanished(set(unsure) - {row.effect for row in found})
        for row in await self._backlog.due(owned.partition, self._clock.now(), self._running, self._waits):
            if not await self._room_for(owned):
                return
            if row.state in TO_CALL and self._turn(owned, row) is not None:
                continue
            await self._take_up(owned, row)

    def _waits(self, row: LedgerRow) -> bool:
        """To be called, but its provider's breaker is open."""
        return row.state in TO_CALL and self._gates[row.provider].shut

    async def _take_up(self, owned: Owned, row: LedgerRow) -> None:
        """A claimed row whose lease is over may have been called; a planned one was not since; the others wait to be published."""
        crashed = row.state is EffectState.CLAIMED
        ended = row.state in (EffectState.CONFIRMED, EffectState.UNKNOWN)
        state = row.state if ended else EffectState.CLAIMED
        due = self._clock.now() + LEASE
        after = replace(row, state=state, tries=row.tries + crashed, due_at=due, claimant=self._claimant, version=row.version + 1)
        try:
            taken = await self._ledger.keep(row, after)
        except LostClaim:
            return
        if ended:
            self._begin(owned, taken, self._caller.publish)
        elif crashed and not self._repeatable[row.name]:
            self._begin(owned, taken, self._caller.report_unknown)
        else:
            self._begin(owned, taken, self._caller.run)
