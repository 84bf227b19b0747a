"""One effect's call and what follows from its answer, up to the published result. Knows the ledger, not the log's partitions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from contracts.catalogue import model_of
from contracts.envelope import Envelope
from contracts.ids import effect_result_id
from contracts.message import CommandData, EventData
from contracts.topics import commands_topic
from contracts.types import EventId
from workers.engine.decision import Item, ItemRef
from workers.engine.ledger import LEASE, EffectState, LedgerRow, Stored, stored
from workers.engine.ledger_keeping import LedgerKeeper
from workers.engine.ports import Clock, Log, Metrics, Store, StoreUnavailable
from workers.engine.reactions import append_patiently
from workers.engine.record import Outgoing
from workers.engine.retry import PROVIDER, TRANSIENT
from workers.engine.service import Call, Done, Effect, Event, Failed, Result, Retryable, Service, Unknown
from workers.engine.tracing import Tracer

TRIES_A_CLAIM = 8
AGAIN_AFTER = 600_000
"""Milliseconds until an effect is taken up again after a claim's tries are used up (domain.md 0.5)."""


class Caller:
    """Runs claimed rows to their end. ``calls``: at once per provider. A crash anywhere leaves the row for the sweep."""

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
        calls: int,
        tracer: Tracer,
    ) -> None:
        self._service, self._ports, self._environment = service, ports, environment
        self._log, self._store, self._clock, self._metrics, self._random = log, store, clock, metrics, random
        self._ledger, self._tracer = LedgerKeeper(store, clock, random), tracer
        self._by_name: dict[str, Effect[Any]] = {effect.name: effect for effect in service.effects}
        self._slots = {effect.provider: asyncio.Semaphore(calls) for effect in service.effects}

    async def run(self, row: LedgerRow) -> None:
        """Calls until there is an answer or the claim's tries are used up. Raises LostClaim."""
        effect, event = self._by_name[row.name], event_of(row)
        for attempt in range(TRIES_A_CLAIM):
            result = await self._call(effect, event, row)
            if not self._repeats(effect, result):
                await self._end(row, effect, event, result)
                return
            row = await self._renewed(row, result)
            await self._clock.sleep(self._pause(result, attempt))
        due = self._clock.now() + AGAIN_AFTER
        await self._ledger.keep(row, replace(row, state=EffectState.PLANNED, due_at=due, version=row.version + 1))

    async def report_unknown(self, row: LedgerRow, reason: str) -> None:
        """For a call that may have happened and must not be made again."""
        effect, event = self._by_name[row.name], event_of(row)
        await self._end(row, effect, event, Unknown(reason))

    async def publish(self, row: LedgerRow) -> None:
        """The results stand on the row already; after this it is closed."""
        attempt = self._by_name[row.name].attempt(event_of(row))
        for each in row.results:
            topic = commands_topic(model_of(each.kind).service)
            record = _result_record(self._service.name, row, each, attempt)
            await append_patiently(self._log, self._clock, self._random, topic, [record])
            self._metrics.count("published", topic=topic)
        await self._ledger.keep(row, replace(row, open=False, version=row.version + 1))

    @staticmethod
    def _repeats(effect: Effect[Any], result: Result) -> bool:
        return isinstance(result, Retryable) or (isinstance(result, Unknown) and effect.repeatable)

    def _pause(self, result: Result, attempt: int) -> float:
        wished = result.after if isinstance(result, Retryable) else None
        return wished if wished is not None else PROVIDER.delay(attempt, self._random.random())

    async def _call(self, effect: Effect[Any], event: Event[EventData], row: LedgerRow) -> Result:
        rows = await self._rows(effect, event)
        started = self._clock.now()
        async with self._slots[effect.provider]:
            try:
                async with asyncio.timeout(effect.timeout):
                    result: Result = await effect.run(self._as_call(effect, event, row), rows, self._ports[effect.provider])
            except TimeoutError:
                result = Unknown("timeout")
        self._tracer.record(f"effect {effect.name}", row.envelope.traceparent, started, self._clock.now(), effect=row.effect)
        self._metrics.count("provider_calls", provider=effect.provider, effect=effect.name, result=type(result).__name__.lower())
        self._metrics.observe("provider_seconds", (self._clock.now() - started) / 1000, provider=effect.provider, effect=effect.name)
        return result

    def _as_call(self, effect: Effect[Any], event: Event[EventData], row: LedgerRow) -> Call[EventData]:
        stale = self._clock.now() - row.first_try_at > effect.key_lifetime.total_seconds() * 1000
        return Call(row.effect, event, self._environment, row.tries, stale)

    async def _rows(self, effect: Effect[Any], event: Event[EventData]) -> Mapping[ItemRef, Item]:
        found: dict[ItemRef, Item] = {}
        asked: set[ItemRef] = set()
        attempt = 0
        while wanted := [ref for ref in effect.reads(event, found) if ref not in asked]:
            try:
                found |= await self._store.get(wanted)
            except StoreUnavailable:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
            else:
                asked.update(wanted)
        return found

    async def _renewed(self, row: LedgerRow, result: Result) -> LedgerRow:
        reason = result.reason if isinstance(result, Retryable | Unknown) else ""
        due = self._clock.now() + LEASE
        return await self._ledger.keep(row, replace(row, tries=row.tries + 1, due_at=due, reason=reason, version=row.version + 1))

    async def _end(self, row: LedgerRow, effect: Effect[Any], event: Event[EventData], result: Result) -> None:
        """The result is on the row before it is published, and the row stays open until it is."""
        state, commands, reason, reference = self._verdict(row, effect, event, result)
        results = stored(commands)
        ended = replace(
            row,
            state=state,
            tries=row.tries + 1,
            reason=reason,
            reference=reference,
            results=results,
            due_at=self._clock.now() + LEASE,
            open=bool(results),
            version=row.version + 1,
        )
        await self._ledger.keep(row, ended)
        if results:
            await self.publish(ended)

    def _verdict(
        self, row: LedgerRow, effect: Effect[Any], event: Event[EventData], result: Result
    ) -> tuple[EffectState, Sequence[CommandData], str, str]:
        match result:
            case Done(commands, reference):
                return EffectState.CONFIRMED, commands, "", reference or ""
            case Failed(reason):
                return EffectState.FAILED, (), reason, ""
            case Retryable(reason) | Unknown(reason):
                return EffectState.UNKNOWN, effect.unknown(self._as_call(effect, event, row)), reason, ""


def event_of(row: LedgerRow) -> Event[EventData]:
    data = model_of(row.envelope.kind).model_validate_json(row.value)
    assert isinstance(data, EventData)
    service = row.envelope.kind.split(".")[1]
    return Event(EventId(row.envelope.id), service, row.envelope.subject, row.envelope.time, row.envelope.actor, data)


def _result_record(service: str, row: LedgerRow, result: Stored, attempt: int) -> Outgoing:
    envelope = Envelope(
        id=effect_result_id(row.effect, result.name, attempt),
        kind=result.kind,
        source=f"/mindlinks/{service}/effects",
        subject=result.key,
        time=row.envelope.time,
        correlation_id=row.envelope.correlation_id,
        causation_id=row.envelope.id,
        actor=f"system:{service}",
        traceparent=row.envelope.traceparent,
    )
    return Outgoing(result.key.encode(), result.value.encode(), envelope.headers())
