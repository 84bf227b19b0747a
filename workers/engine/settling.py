"""Publishing what was judged, and settling its records when the log has it."""

import asyncio
from collections.abc import Callable, Sequence

from contracts.platform import TimerScheduled
from workers.engine.fold import Folded, Waiting
from workers.engine.lane import Entry, Lane
from workers.engine.outcome import Outcome
from workers.engine.ports import Clock, Metrics
from workers.engine.publisher import Handover
from workers.engine.service import Service
from workers.engine.tracing import Tracer


class TimersNotKept(Exception):
    """A decision scheduled a timer, but the service is declared without timers, so nobody would fire it. Correct its declaration."""


class Settler:
    """``on_room`` is told of a lane whose outcomes were acknowledged: it may go on if it waited for that."""

    def __init__(self, service: Service, clock: Clock, metrics: Metrics, tracer: Tracer, on_room: Callable[[Lane], None]) -> None:
        self._service, self._clock, self._metrics, self._tracer, self._on_room = service, clock, metrics, tracer, on_room

    def publish(self, lane: Lane, outcomes: Sequence[Outcome], taken: Sequence[Waiting]) -> None:
        """Settles ``taken`` once ``outcomes``, and everything handed over before them, are acknowledged."""
        self._require_timers(outcomes)
        traced = [self._traced(outcome) for outcome in outcomes]
        size = sum(len(said.value) + 300 for outcome in traced for said in outcome.said)
        places = {(outcome.origin, outcome.offset) for outcome in traced}
        lane.in_air |= places
        lane.unpublished += size

        def acknowledged() -> None:
            lane.in_air -= places
            lane.remember_acknowledged(places)
            lane.riding = [outcome for outcome in lane.riding if (outcome.origin, outcome.offset) not in places]
            lane.unpublished -= size
            for record in taken:
                lane.shard.owned.settle(record.offset)
            self._observe(traced)
            self._on_room(lane)

        lane.shard.publisher.hand_over(Handover(lane.key, traced, acknowledged))

    def publish_owed(self, lane: Lane, entry: Entry) -> None:
        """Whoever loads a root publishes what it still owes, before anything of its own."""
        owned = lane.shard.owned
        published = lane.in_air | lane.acknowledged
        owed = [o for o in entry.root.owed(owned.origin, owned.committed) if (o.origin, o.offset) not in published]
        if owed:
            self.publish(lane, owed, ())

    async def published(self, lane: Lane) -> None:
        """Returns when everything handed over for the lane's partition so far is acknowledged."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.shard.publisher.hand_over(Handover(lane.key, (), lambda: reached.set_result(None)))
        await reached

    def _require_timers(self, outcomes: Sequence[Outcome]) -> None:
        if not self._service.timers and any(said.name == TimerScheduled.__name__ for outcome in outcomes for said in outcome.said):
            raise TimersNotKept(f"{self._service.name}: {TimersNotKept.__doc__}")

    def count(self, folded: Folded) -> None:
        for verdict in folded.verdicts:
            if verdict.reason == "recognised":
                self._metrics.count("recognised", role=f"{self._service.name}-commands")
            else:
                kind = type(verdict.waiting.command.data).__name__
                self._metrics.count("outcomes", service=self._service.name, kind=kind, reason=verdict.reason)

    def _traced(self, outcome: Outcome) -> Outcome:
        if outcome.traceparent is None or not outcome.received:
            return outcome
        name = f"{self._service.name}.command"
        span = self._tracer.record(name, outcome.traceparent, outcome.received, self._clock.now(), command=outcome.command)
        return outcome if span == outcome.traceparent else outcome._replace(traceparent=span)

    def _observe(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.received:
                seconds = (self._clock.now() - outcome.received) / 1000
                self._metrics.observe("command_to_event_seconds", seconds, service=self._service.name)
