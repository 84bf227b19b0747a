"""A bad deploy: for a while every decision raises, then a version that works comes, or the cause goes away and people say so."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.loop import OWNER, Process
from workers.engine.fuse import Fuse, FuseTripped
from workers.engine.ports import StoreUnavailable
from workers.engine.resuming import NotResumed, Resumes

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation
    from tests.simulation.workforce import Worker

ASK_AGAIN = 0.3
"""Seconds after which people say it again to a role that still stands."""


class Unfit(Exception):
    """What every decision of a bad deploy raises."""


class WatchedFuse(Fuse):
    """Tells what it is told and what it answers; numbered within its process."""

    def __init__(self, limits: object) -> None:
        super().__init__(limits)  # type: ignore[arg-type]  # as the engine makes it
        process = OWNER.get()
        assert process is not None
        process.fuses += 1
        self._process, self._number = process, process.fuses

    def failed(self, fingerprint: str, key: str, now: int) -> bool:
        tripped = super().failed(fingerprint, key, now)
        self._process.tell("fuse", self._number, fingerprint, key, now, self._opened, self._judged, tripped)
        return tripped


class Deploy:
    """Comes and goes at moments of ``run`` that follow from its seed. ``fresh``: it ends by a version that works, in new processes;
    otherwise by its cause, and the stopped roles go on where they stand."""

    def __init__(self, run: Simulation) -> None:
        self._run = run
        self._chance = Random(f"{run.plan.seed}/deploy")
        self.fresh = self._chance.random() < 0.5
        self.under_way = False
        self.pending = run.profile.deploys
        self.standing: list[str] = []
        """Roles whose fuse had tripped and that went on all the same."""

    def schedule(self) -> None:
        if not self.pending:
            return
        begins = self._chance.choice((0.0, self._chance.random() * 0.5))
        self._run.network.later(begins, self._begin)
        self._run.network.later(begins + 0.6 + self._chance.random() * 0.9, self._mend)

    def _begin(self) -> None:
        self.under_way = True
        self._run.tell("fault", "deploy", "fresh" if self.fresh else "resumed")
        for worker in list(self._run.workers):
            if self.fresh:
                self._replace(worker)
            else:
                worker.unfit = True

    def _mend(self) -> None:
        self.under_way = self.pending = False
        self.standing = [
            f"{worker.process.name} goes on after its fuse tripped"
            for worker in self._run.workers
            if worker.awake and not self._stands_still(worker)
        ]
        self._run.tell("mended")
        for worker in list(self._run.workers):
            if self.fresh:
                self._replace(worker)
            else:
                worker.unfit = False
        operator = Process("operator", self._run.tell)
        context = copy_context()
        context.run(OWNER.set, operator)
        self._run.loop.call_soon(lambda: asyncio.ensure_future(self._resume(operator)), context=context)

    def _replace(self, worker: Worker) -> None:
        """One for one; a frozen one is taken away by force."""
        if not worker.process.alive or worker.stopping:
            return
        if worker.process.frozen or self._chance.random() < 0.5:
            worker.process.alive = False
            self._run.trouble.silent(worker)
        else:
            worker.stop()
        self._run.spawn()

    def _stands_still(self, worker: Worker) -> bool:
        """A role stands still once the fuse it has now tripped."""
        answers = {
            entry.details[0]: entry.details[-1] for entry in self._run.journal if entry.what == "fuse" and entry.by == worker.process.name
        }
        stopped = any(isinstance(each.role.failure, FuseTripped) for each in worker.roles)
        return stopped or not answers.get(worker.process.fuses, False)

    async def _resume(self, operator: Process) -> None:
        """Word for every stopped role, again and again: one that a fast clock takes for older than the stop is not heard, and poison may
        trip a fuse that is whole."""
        from tests.simulation.workforce import SimulatedClock

        resumes = Resumes(self._run.store, SimulatedClock(self._run.loop, operator))
        while True:
            for group in sorted(self.stopped()):
                try:
                    await resumes.ask(group, "people", "it works again")
                except (StoreUnavailable, NotResumed):
                    continue
            await asyncio.sleep(ASK_AGAIN)

    def stopped(self) -> set[str]:
        alive = [worker for worker in self._run.workers if worker.process.alive and not worker.stopping]
        return {each.role.name for worker in alive for each in worker.roles if isinstance(each.role.failure, FuseTripped)}
