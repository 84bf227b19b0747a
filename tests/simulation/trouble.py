"""What happens to processes in the middle of a run: they die, freeze, are thrown out, restart, and their groups are rewound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.faults import MOMENTS, Fault
from tests.simulation.group import SESSION
from workers.engine.ports import Offset

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation
    from tests.simulation.workforce import Worker

WORKER, BROKER = 1_500, 1_000
"""Milliseconds by which a worker's clock may be wrong, and the brokers'."""


class Trouble:
    """Strikes a worker of ``run`` at moments that follow from its seed."""

    def __init__(self, run: Simulation) -> None:
        self._run = run

    def schedule(self, seconds: float) -> None:
        for kind in MOMENTS:
            rate = self._run.faults.rates.get(kind)
            if rate is None:
                continue
            moments = Random(f"{self._run.plan.seed}/{kind}/moments")
            for _ in range(sum(moments.random() < rate for _ in range(8))):
                self._run.network.later(moments.random() * seconds, partial(self._strike, kind, moments.random()))

    def _strike(self, kind: Fault, which: float) -> None:
        if not self._run.faults.active:
            return
        awake = [each for each in self._run.workers if each.awake]
        if not awake:
            return
        worker = awake[int(which * len(awake))]
        self._run.tell("fault", kind, worker.process.name)
        self._run.faults.struck[kind] = self._run.faults.struck.get(kind, 0) + 1
        actions: Mapping[Fault, Callable[[Worker], None]] = {
            Fault.CRASH: self._crash,
            Fault.FREEZE: self._freeze,
            Fault.EXPEL: self._expel,
            Fault.REBALANCE: self._join_another,
            Fault.RESTART: self._restart,
            Fault.REWIND: self._rewind,
            Fault.CLOCK: self._jump,
        }
        actions[kind](worker)

    def _crash(self, worker: Worker) -> None:
        worker.process.alive = False
        self.silent(worker)
        self._run.network.later(self._run.network.spread(0.5), self._run.spawn)

    def silent(self, worker: Worker) -> None:
        """Its groups will miss it."""
        for consumer in worker.consumers():
            self._run.network.later(SESSION, partial(consumer.group.drop_if_silent, consumer))

    def _freeze(self, worker: Worker) -> None:
        worker.process.frozen = True
        self.silent(worker)
        self._run.network.later(self._run.network.spread(1.5), lambda: self._run.loop.thaw(worker.process))
        if len([each for each in self._run.workers if each.process.alive]) == 1:
            self._run.spawn()

    def _expel(self, worker: Worker) -> None:
        consumers = worker.consumers()
        if consumers:
            consumer = consumers[int(self._run.network.spread(len(consumers)))]
            consumer.group.drop(consumer)
            if len([each for each in self._run.workers if each.process.alive]) == 1:
                self._run.spawn()

    def _join_another(self, worker: Worker) -> None:
        alive = len([each for each in self._run.workers if each.process.alive])
        if alive < 3:
            self._run.spawn()
        for consumer in worker.consumers():
            consumer.group.rebalance()

    def _restart(self, worker: Worker) -> None:
        worker.stop()
        self._run.network.later(self._run.network.spread(0.5), self._run.spawn)

    def _rewind(self, worker: Worker) -> None:
        """As ops would: everybody is down, the groups are told to begin earlier, and the roles that this is meant. What the
        commits said beside may be lost."""
        for each in self._run.workers:
            each.process.alive = False
        for group in self._run.log.groups.values():
            group.members.clear()
            group.generation += 1
            for partition, offset in sorted(group.committed.items()):
                self._run.accept_offset(group.name, partition)
                earlier = max(self._run.log.floors.get(partition, 0), self._run.network.chance().randrange(offset.offset + 1))
                group.committed[partition] = Offset(earlier, self._run.network.chance().choice((offset.metadata, "")))
        self._run.spawn()

    def _jump(self, worker: Worker) -> None:
        clocks = self._run.profile.clocks
        worker.process.clock_offset = int(clocks * (self._run.network.spread(2 * WORKER) - WORKER))
        self._run.log.clock_offset = int(clocks * (self._run.network.spread(2 * BROKER) - BROKER))
