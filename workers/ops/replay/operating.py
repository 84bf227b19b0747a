"""A replay from its selection to its end: what the command line calls, and a console would."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from contracts.topics import TOPICS, events_topic
from workers.engine.ports import Clock, Log, Store
from workers.engine.reading import LogReader, Span
from workers.engine.record import Partition, Record
from workers.engine.retry import TRANSIENT
from workers.engine.service import Service
from workers.ops.audit import Audit
from workers.ops.replay.census import Census, counted
from workers.ops.replay.checkpoint import Checkpoint, Checkpoints, State, TakenOver
from workers.ops.replay.plan import PlanError, ReplayPlan
from workers.ops.replay.reading import selected, spans_of
from workers.ops.replay.rehearsal import Rehearsal
from workers.ops.replay.running import Progress, Running
from workers.ops.replay.tally import Aftermath, Tally, outcome_of

TAKEN_AT_ONCE: Final = 250
ATTEMPTS: Final = 5
PATIENCE: Final = 60.0
"""Seconds without a step of the consumer until nobody waits for it any more."""
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan that was counted: what it selects stays fixed, whatever is appended later."""

    plan: ReplayPlan
    spans: Mapping[Partition, Span]
    census: Census


@dataclass(frozen=True, slots=True)
class Ended:
    """``tally`` is what is known by now; all of it if ``settled``."""

    at: Checkpoint
    tally: Tally
    settled: bool


class Replays:
    """Every call raises LogUnavailable and StoreUnavailable; nothing is lost by that, and ``resume`` goes on."""

    def __init__(self, services: Mapping[str, Service], log: Log, reader: LogReader, store: Store, clock: Clock, random: Random) -> None:
        self._services, self._log, self._reader, self._store = services, log, reader, store
        self._clock, self._random = clock, random
        self.checkpoints = Checkpoints(store, clock, random)
        self._audit, self._aftermath = Audit(store, clock), Aftermath(reader, store, clock)

    async def prepare(self, plan: ReplayPlan, on_progress: Told = lambda _: None) -> Prepared:
        """Counts; changes nothing. Raises UnknownTopic."""
        spans = await spans_of(self._reader, plan.selection)
        return Prepared(plan, spans, await counted(self._reader, plan.selection, spans, on_progress))

    async def rehearse(self, prepared: Prepared, on_progress: Told = lambda _: None) -> Rehearsal:
        """The dry run. Live tables are read while live traffic goes on, so a row may be seen as it was a moment before another."""
        rehearsal = Rehearsal(self._services.values(), self._store, prepared.plan, prepared.spans, self._clock)
        batch: list[Record] = []
        done = 0
        async for record in selected(self._reader, prepared.plan.selection, prepared.spans):
            batch.append(record)
            if len(batch) == TAKEN_AT_ONCE:
                await rehearsal.take(batch)
                done += len(batch)
                on_progress(done)
                batch.clear()
        await rehearsal.take(batch)
        on_progress(done + len(batch))
        return rehearsal

    async def begin(self, prepared: Prepared) -> Checkpoint:
        """On record before the first record is sent. Raises PlanError for one that selects nothing, NotAudited."""
        plan, census = prepared.plan, prepared.census
        if not census.records:
            raise PlanError("nothing is selected, so there is nothing to replay")
        await self._note("replay begun", plan, {"selection": str(plan.selection), "records": census.records, "keys": census.keys})
        ends = await self._reader.bounds(list(prepared.spans))
        owners = sorted({TOPICS[each.topic].owner for each in prepared.spans})
        told = [each for owner in owners for each in await self._reader.partitions(events_topic(owner))]
        events = await self._reader.bounds(told)
        return await self.checkpoints.keep(
            Checkpoint(
                plan=plan,
                spans=prepared.spans,
                ends={each: bound.end for each, bound in ends.items()},
                events={each: bound.end for each, bound in events.items()},
                begun_at=self._clock.now(),
                records=census.records,
            )
        )

    def running(self) -> Running:
        """For one run; ``pause`` on it ends that."""
        return Running(self._log, self._reader, self.checkpoints, self._clock, self._random)

    async def resume(self, replay: str, running: Running, on_progress: Progress = lambda _: None) -> Checkpoint:
        """Goes on where it was left, by whatever. Raises ReplayNotFound, PlanError for one that is over, TakenOver."""
        at = await self.checkpoints.one(replay)
        if at.state.over:
            raise PlanError(f"{replay} is {at.state.value}: nothing is left to send")
        if at.state is State.SENT:
            return at
        return await running.run(await running.resumed(at), on_progress)

    async def finish(self, at: Checkpoint, on_progress: Told = lambda _: None, within: float = PATIENCE) -> Ended:
        """After a run: waits for the consumer, says what became of the records, and closes the replay on record. A paused one is left open;
        of one whose consumer takes no step ``within`` seconds the counts are not final, and ``finish`` may be called again."""
        if at.state is State.PAUSED or at.state.over:
            return Ended(at, await self._aftermath.tally(at), settled=at.state is State.DONE)
        settled = await self._aftermath.settled(at, on_progress, within)
        tally = await self._aftermath.tally(at)
        if settled:
            at = await self._closed(at, State.DONE, tally)
        return Ended(at, tally, settled)

    async def tally(self, at: Checkpoint) -> Tally:
        """What is known by now."""
        return await self._aftermath.tally(at)

    async def stop(self, replay: str) -> Checkpoint:
        """For good; what was sent stays sent. A process that still runs it learns of it by the next second. Raises ReplayNotFound,
        PlanError for one that is over, TakenOver."""
        await self.checkpoints.wish(replay, State.STOPPED)
        for attempt in range(ATTEMPTS):
            at = await self.checkpoints.one(replay)
            if at.state.over:
                raise PlanError(f"{replay} is {at.state.value} already")
            try:
                at = await self.checkpoints.keep(replace(await self.running().caught_up(at), state=State.STOPPED))
            except TakenOver:
                # Its process kept where it stands in the same moment.
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
            else:
                return await self._closed(at, State.STOPPED, await self._aftermath.tally(at))
        raise TakenOver(f"{replay}: {TakenOver.__doc__}")

    async def pause(self, replay: str) -> None:
        """The process that runs it pauses within a second or so. Raises ReplayNotFound, PlanError."""
        at = await self.checkpoints.one(replay)
        if at.state is not State.RUNNING:
            raise PlanError(f"{replay} is {at.state.value}, not running")
        await self.checkpoints.wish(replay, State.PAUSED)

    async def _closed(self, at: Checkpoint, state: State, tally: Tally) -> Checkpoint:
        counts = {name: str(count) for name, count in tally.told().items()}
        about = {"state": state.value, "records": at.records, "sent": at.sent, **counts, "passed": str(dict(at.passed))}
        await self._note("replay ended", at.plan, about)
        return await self.checkpoints.keep(replace(at, state=state, outcome=outcome_of(tally, self._clock.now())))

    async def _note(self, what: str, plan: ReplayPlan, about: Mapping[str, str | int]) -> None:
        said = {"replay": plan.id, "mode": plan.mode.value, "effects": plan.effects, "to": plan.to or "its consumers", **about}
        await self._audit.note(what, plan.who, plan.why, said)
