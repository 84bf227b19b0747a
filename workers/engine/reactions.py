"""The reactions role: events become commands of other services, or of one's own. Their ids follow from the event, so that a second
sending is recognised."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from contracts.envelope import Envelope
from contracts.ids import reaction_command_id
from contracts.message import CommandData
from contracts.topics import commands_topic
from workers.engine.arrivals import Arrival, Line, Prepared, Refusal, one_by_one
from workers.engine.decision import Item
from workers.engine.ports import Clock, Log, LogUnavailable, Metrics, RejectedRecord, Store, StoreUnavailable
from workers.engine.record import Outgoing
from workers.engine.retry import TRANSIENT
from workers.engine.role import Owned
from workers.engine.service import Query, Reaction, Send, Service
from workers.engine.tracing import NoTracer, Tracer

Commands = Mapping[str, Sequence[Outgoing]]
"""By topic."""


class ReactionsSink:
    """One batch of one partition at a time: react, publish, wait, settle. A crash in between sends the same commands again. An event whose
    command no log takes is refused."""

    def __init__(
        self, service: Service, log: Log, store: Store, clock: Clock, metrics: Metrics, random: Random, tracer: Tracer | None = None
    ) -> None:
        self._service, self._log, self._store = service, log, store
        self._clock, self._metrics, self._random = clock, metrics, random
        self._tracer = tracer or NoTracer()
        self._by_kind: dict[str, list[Reaction[Any]]] = {}
        for reaction in service.reactions:
            self._by_kind.setdefault(reaction.event.kind(), []).append(reaction)

    def wants(self, kind: str) -> bool:
        return kind in self._by_kind

    async def opened(self, owned: Owned, line: Line) -> None:
        """Nothing to fetch."""

    async def prepare(self, owned: Owned, arrival: Arrival) -> Commands:
        return await self.commands_of(arrival)

    async def commands_of(self, arrival: Arrival) -> Commands:
        """What follows from an event, sent nowhere; for a rehearsal, too."""
        outgoing: dict[str, list[Outgoing]] = {}
        for reaction in self._by_kind.get(arrival.envelope.kind, ()):
            rows = await self._rows(reaction.query(arrival.event)) if reaction.query else ()
            for send in reaction.react(arrival.event, rows):
                record = command_record(self._service.name, "reactions", send, arrival, self._span(arrival))
                outgoing.setdefault(commands_topic(send.command.service), []).append(record)
        return outgoing

    async def apply(self, owned: Owned, prepared: Sequence[Prepared[Commands]]) -> Sequence[Refusal]:
        try:
            await self._publish(prepared)
        except RejectedRecord:
            # What was appended before is appended again, under the same ids.
            return await one_by_one(prepared, lambda each: self._publish([each]), RejectedRecord)
        for each in prepared:
            each.arrival.settle()
        return ()

    async def drained(self, owned: Owned) -> None:
        """``apply`` returns only when everything is published."""

    def closed(self, owned: Owned) -> None:
        """Nothing is kept."""

    def _span(self, arrival: Arrival) -> str | None:
        name, begun = f"{self._service.name}.reaction", arrival.record.timestamp
        return self._tracer.record(name, arrival.envelope.traceparent, begun, self._clock.now(), event=arrival.event.id)

    async def _rows(self, query: Query) -> list[Item]:
        rows: list[Item] = []
        start: Mapping[str, Any] | None = None
        attempt = 0
        while True:
            try:
                page = await self._store.query(query.table, query.index, query.value, start=start)
            except StoreUnavailable:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
                continue
            rows += page.items
            start = page.next
            if start is None:
                return rows

    async def _publish(self, prepared: Sequence[Prepared[Commands]]) -> None:
        outgoing: dict[str, list[Outgoing]] = {}
        for each in prepared:
            for topic, records in each.work.items():
                outgoing.setdefault(topic, []).extend(records)
        for topic, records in outgoing.items():
            await append_patiently(self._log, self._clock, self._random, topic, records)
            self._metrics.count("published", len(records), topic=topic)


def command_record(service: str, role: str, send: Send, cause: Arrival, traceparent: str | None) -> Outgoing:
    command: CommandData = send.command
    name = type(command).__name__
    envelope = Envelope(
        id=reaction_command_id(cause.event.id, name, send.target or command.key),
        kind=command.kind(),
        source=f"/mindlinks/{service}/{role}",
        subject=command.key,
        time=cause.event.at,
        correlation_id=cause.envelope.correlation_id,
        causation_id=cause.event.id,
        actor=f"system:{service}",
        traceparent=traceparent,
        replay=cause.envelope.replay.onward if cause.envelope.replay else None,
    )
    return Outgoing(command.key.encode(), command.to_json(), envelope.headers())


async def append_patiently(log: Log, clock: Clock, random: Random, topic: str, records: Sequence[Outgoing]) -> None:
    """Until it is acknowledged; an unanswered append is made again under the same ids."""
    attempt = 0
    while True:
        try:
            await log.append_keyed(topic, records)
        except LogUnavailable:
            await clock.sleep(TRANSIENT.delay(attempt, random.random()))
            attempt += 1
        else:
            return
