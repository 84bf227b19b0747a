"""The effects role: events that call the outside, each at most once by provider evidence (docs/architecture.md).

An event's offset settles as soon as its effect's row is in the ledger; the call, its retries and the publishing of its result then live
on that row. What a crash leaves behind is found by the sweep when its lease is over: a repeatable effect is called again under the same
id, any other is reported as unknown and never called again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from contracts.timestamps import from_milliseconds
from contracts.types import EffectId
from workers.engine.calling import Caller
from workers.engine.decision import ItemRef
from workers.engine.events import Arrival
from workers.engine.ledger import EFFECTS, LEASE, OPEN_INDEX, EffectState, LedgerRow, claimed
from workers.engine.ledger_keeping import LedgerKeeper, LostClaim
from workers.engine.ports import Clock, Log, Metrics, Store, StoreUnavailable
from workers.engine.role import Owned
from workers.engine.service import Effect, Service
from workers.engine.tracing import NoTracer, Tracer

ROWS_A_SWEEP = 50


@dataclass(frozen=True, slots=True)
class EffectPace:
    """``calls``: at once per provider. ``running``: effects of this process before its partitions wait. ``sweep``: seconds between looks
    for rows that are due."""

    calls: int = 16
    running: int = 400
    sweep: float = 2.0


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
        self._service, self._store, self._clock, self._metrics = service, store, clock, metrics
        self._pace = pace or EffectPace()
        self._caller = Caller(service, ports, environment, log, store, clock, metrics, random, self._pace.calls, tracer or NoTracer())
        self._ledger = LedgerKeeper(store, clock, random)
        self._by_kind: dict[str, list[Effect[Any]]] = {}
        for effect in service.effects:
            self._by_kind.setdefault(effect.event.kind(), []).append(effect)
        self._claimant = f"{random.getrandbits(64):016x}"
        self._repeatable = {effect.name: effect.repeatable for effect in service.effects}
        self._running: dict[EffectId, _Running] = {}
        self._last: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Condition()
        self._sweeps: dict[Owned, asyncio.Task[None]] = {}
        self.on_fault: Callable[[Exception], None] = lambda _: None

    # --- the pump's calls ------------------------------------------------------------------------------------------

    def wants(self, kind: str) -> bool:
        return kind in self._by_kind

    async def opened(self, owned: Owned) -> None:
        self._sweeps[owned] = asyncio.create_task(self._sweep(owned))

    async def handle(self, owned: Owned, arrivals: Sequence[Arrival]) -> None:
        # Events of a parked command may come twice in one batch: no window tells them apart, their effect's id does.
        rows = {row.effect: row for arrival in arrivals for row in self._rows(owned, arrival)}
        for row in await self._ledger.put(list(rows.values())):
            await self._begin(owned, row, self._caller.run(row))
        for arrival in arrivals:
            owned.settle(arrival.record.offset)

    async def drained(self, owned: Owned) -> None:
        if sweep := self._sweeps.get(owned):
            sweep.cancel()
        async with self._room:
            await self._room.wait_for(lambda: all(each.owned is not owned for each in self._running.values()))

    def closed(self, owned: Owned) -> None:
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
            if effect.when(arrival.event)
        ]

    # --- running -----------------------------------------------------------------------------------------------------

    async def _begin(self, owned: Owned, row: LedgerRow, work: Coroutine[Any, Any, None]) -> None:
        async with self._room:
            await self._room.wait_for(lambda: len(self._running) < self._pace.running)
        key = row.envelope.subject
        task = asyncio.create_task(self._guarded(row, self._last.get(key), work))
        self._running[row.effect], self._last[key] = _Running(owned, task), task

    async def _guarded(self, row: LedgerRow, before: asyncio.Task[None] | None, work: Coroutine[Any, Any, None]) -> None:
        try:
            if before is not None:
                await asyncio.wait({before})
            await work
        except LostClaim:
            self._metrics.count("recognised", role=f"{self._service.name}-effects")
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # a bug of the effect: the role stops, the row is swept up when its lease is over
            self.on_fault(error)
        finally:
            work.close()
            self._running.pop(row.effect, None)
            if self._last.get(row.envelope.subject) is asyncio.current_task():
                del self._last[row.envelope.subject]
            async with self._room:
                self._room.notify_all()

    # --- the sweep -----------------------------------------------------------------------------------------------------

    async def _sweep(self, owned: Owned) -> None:
        while True:
            try:
                await self._sweep_once(owned)
            except StoreUnavailable:
                self._metrics.count("store_retries", role=f"{self._service.name}-effects", why="sweep")
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  # the role stops rather than leave rows unswept in silence
                self.on_fault(error)
            await self._clock.sleep(self._pace.sweep)

    async def _sweep_once(self, owned: Owned) -> None:
        now = self._clock.now()
        place = f"{self._service.name}#{owned.partition.number}"
        page = await self._store.query(EFFECTS, OPEN_INDEX, place, up_to=from_milliseconds(now), limit=ROWS_A_SWEEP)
        rows = await self._store.get([ItemRef(EFFECTS, item["effectId"]) for item in page.items])
        for item in rows.values():
            row = LedgerRow.of(item)
            if row.open and row.due_at <= now and row.effect not in self._running:
                await self._take_up(owned, row, now)

    async def _take_up(self, owned: Owned, row: LedgerRow, now: int) -> None:
        """A claimed row whose lease is over may have been called; a planned one was not since; the others wait to be published."""
        crashed = row.state is EffectState.CLAIMED
        ended = row.state in (EffectState.CONFIRMED, EffectState.UNKNOWN)
        state = row.state if ended else EffectState.CLAIMED
        try:
            taken = await self._ledger.keep(
                row,
                replace(row, state=state, tries=row.tries + crashed, due_at=now + LEASE, claimant=self._claimant, version=row.version + 1),
            )
        except LostClaim:
            return
        if ended:
            work = self._caller.publish(taken)
        elif crashed and not self._repeatable[row.name]:
            work = self._caller.report_unknown(taken, "lease_over")
        else:
            work = self._caller.run(taken)
        await self._begin(owned, taken, work)
