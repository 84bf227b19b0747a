"""People who hand records over once more, with what ``mindlinks replay`` is made of, in the middle of a run: processes that die, freeze,
are resumed and taken over like any other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from contracts.ids import derived
from contracts.topics import commands_topic
from tests.simulation.faults import Fault
from tests.simulation.log import SimulatedLog
from tests.simulation.loop import OWNER, Process
from tests.simulation.replay_wishes import wished
from workers.engine.ports import LogUnavailable, StoreUnavailable
from workers.engine.reading import Bounds, Span
from workers.engine.record import Partition, Record
from workers.ops.audit import NotAudited
from workers.ops.replay.checkpoint import Checkpoint, ReplayNotFound, TakenOver
from workers.ops.replay.operating import Replays
from workers.ops.replay.plan import PlanError, ReplayPlan
from workers.ops.replay.reading import selected
from workers.ops.replay.repeating import Passed, Repeater

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

BATCH = 7
AGAIN = 0.05
"""Seconds until an operator whose command failed says it again."""
SOON = 0.4
"""Seconds within which something happens to an operator's process, and a second one follows a first."""


class SimulatedReader:
    """Beside all groups."""

    def __init__(self, log: SimulatedLog) -> None:
        self._log = log

    async def partitions(self, topic: str) -> list[Partition]:
        await self._log.network.hop()
        return [Partition(topic, number) for number in range(self._log.counts[topic])]

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        await self._log.network.hop()
        return {each: Bounds(self._log.origin(each), 0, len(self._log.records[each])) for each in partitions}

    async def first_at(self, moment: int, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        await self._log.network.hop()
        return {each: self._first_at(moment, self._log.records[each]) for each in partitions}

    @staticmethod
    def _first_at(moment: int, records: Sequence[Record]) -> int:
        return next((record.offset for record in records if record.timestamp >= moment), len(records))

    async def committed(self, group: str, partitions: Sequence[Partition]) -> Mapping[Partition, int | None]:
        known = self._log.group(group).committed
        return {each: known[each].offset if each in known else None for each in partitions}

    @asynccontextmanager
    async def open(self, spans: Mapping[Partition, Span]) -> AsyncIterator[SimulatedReading]:
        yield SimulatedReading(self._log, spans)


class SimulatedReading:
    def __init__(self, log: SimulatedLog, spans: Mapping[Partition, Span]) -> None:
        self._log, self._spans = log, spans
        self._next = {partition: span.first for partition, span in spans.items()}

    async def batch(self, partition: Partition) -> Sequence[Record]:
        await self._log.network.hop()
        first = self._next[partition]
        found = self._log.records[partition][first : min(first + BATCH, self._spans[partition].end)]
        self._next[partition] += len(found)
        return found


class Replaying:
    """Strikes at moments of ``run`` that follow from its seed. ``plans``: what was begun, by id; ``open``: of those, what is not sent yet;
    ``selected``: of those that are, which places they had to send."""

    def __init__(self, run: Simulation) -> None:
        self._run = run
        self.plans: dict[str, ReplayPlan] = {}
        self.open: set[str] = set()
        self.selected: dict[str, set[str]] = {}
        self._operators: dict[str, list[Process]] = defaultdict(list)
        self._born = 0

    def schedule(self, seconds: float) -> None:
        rate = self._run.faults.rates.get(Fault.REPLAYED)
        if rate is None:
            return
        chance = Random(f"{self._run.plan.seed}/{Fault.REPLAYED}/moments")
        times = sum(chance.random() < rate for _ in range(8)) + bool(self._run.log.floors)
        for number in range(times):
            self._run.network.later(chance.random() * seconds, partial(self._strike, number))

    def skip_the_first(self, most: int) -> int:
        """How many of the commands stand in the log before there is anybody, and are skipped: what a replay is for."""
        chance = Random(f"{self._run.plan.seed}/{Fault.REPLAYED}/skipped")
        skips = Fault.REPLAYED in self._run.faults.rates and not self._run.profile.deploys and chance.random() < 0.4
        return chance.randint(1, most) if skips and most else 0

    def skip(self) -> None:
        """Everything that stands in the topics of those that judge."""
        for service in self._run.profile.judged:
            for number in range(self._run.log.counts[topic := commands_topic(service.name)]):
                partition = Partition(topic, number)
                self._run.log.skip(f"{service.name}-commands", partition)
                self._run.accept_offset(f"{service.name}-commands", partition)

    def _strike(self, number: int) -> None:
        chance = Random(f"{self._run.plan.seed}/{Fault.REPLAYED}/{number}")
        if not self._run.faults.active or (plan := wished(self._run, chance, derived(f"replay {number}"))) is None:
            return
        self._run.faults.struck[Fault.REPLAYED] = self._run.faults.struck.get(Fault.REPLAYED, 0) + 1
        self._run.tell("fault", Fault.REPLAYED, plan.mode, plan.effects, plan.to, plan.selection)
        self._begin(plan, chance)
        if chance.random() < 0.3:
            again = ReplayPlan(derived(f"replay {number} again"), plan.selection, plan.mode, plan.who, plan.why, plan.effects, plan.to)
            self._run.network.later(chance.random() * SOON, partial(self._begin, again, chance))

    def _begin(self, plan: ReplayPlan, chance: Random) -> None:
        self.plans[plan.id] = plan
        self.open.add(plan.id)
        self._operate(plan, chance)
        happens = chance.choice((None, None, None, self._die, self._freeze))
        if happens:
            self._run.network.later(chance.random() * SOON, partial(happens, plan, chance))
        elif chance.random() < 0.15:
            # Two who go on with the same replay: one of them is taken over.
            self._run.network.later(chance.random() * SOON, partial(self._operate, plan, chance))

    # --- operators -----------------------------------------------------------------------------------------------------

    def _operate(self, plan: ReplayPlan, chance: Random) -> None:
        self._born += 1
        process = Process(f"operator-{self._born}", self._run.tell)
        self._operators[plan.id].append(process)
        context = copy_context()
        context.run(OWNER.set, process)
        self._run.loop.call_soon(lambda: asyncio.ensure_future(self._work(plan, process, chance)), context=context)

    def _die(self, plan: ReplayPlan, chance: Random) -> None:
        for process in self._operators[plan.id]:
            process.alive = False
        self._operators[plan.id].clear()
        if plan.id in self.open:
            self._operate(plan, chance)

    def _freeze(self, plan: ReplayPlan, chance: Random) -> None:
        for process in self._operators[plan.id]:
            process.frozen = True
            self._run.network.later(chance.random() * 2 * SOON, partial(self._run.loop.thaw, process))
        if plan.id in self.open and chance.random() < 0.5:
            self._operate(plan, chance)

    async def _work(self, plan: ReplayPlan, process: Process, chance: Random) -> None:
        from tests.simulation.workforce import SimulatedClock

        services = {service.name: service for service, _ in self._run.profile.all_roles}
        reader, clock = SimulatedReader(self._run.log), SimulatedClock(self._run.loop, process)
        replays = Replays(services, self._run.log, reader, self._run.store, clock, chance)
        while plan.id in self.open:
            try:
                at = await self._sent(replays, plan)
            except PlanError:
                # Nothing was selected.
                self.open.discard(plan.id)
            except (LogUnavailable, StoreUnavailable, NotAudited):
                await asyncio.sleep(AGAIN)
            except TakenOver:
                if any(other.alive for other in self._operators[plan.id] if other is not process):
                    break
            else:
                self.selected[plan.id] = await self._places(reader, at)
                self.open.discard(plan.id)
        self._operators[plan.id].remove(process)

    async def _sent(self, replays: Replays, plan: ReplayPlan) -> Checkpoint:
        try:
            return await replays.resume(plan.id, replays.running())
        except ReplayNotFound:
            return await replays.running().run(await replays.begin(await replays.prepare(plan)))

    @staticmethod
    async def _places(reader: SimulatedReader, at: Checkpoint) -> set[str]:
        repeater = Repeater(at.plan, at.spans)
        found = [record async for record in selected(reader, at.plan.selection, at.spans)]
        sent = [record for record in found if not isinstance(repeater.outgoing(record, 0), Passed)]
        return {f"{at.spans[record.partition].origin}/{record.offset}" for record in sent}
