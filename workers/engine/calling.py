"""One effect's call and what follows from its answer, up to the published result. Knows the ledger, not the log's partitions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from contracts.catalogue import model_of
from contracts.envelope import Envelope
from contracts.ids import effect_result_id
from contracts.message import CommandData, EventData
from contracts.sealed import KeysUnavailable
from contracts.topics import commands_topic
from contracts.types import EventId
from workers.engine.decision import Item, ItemRef
from workers.engine.fuse import Fuse, FuseLimits, FuseTripped
from workers.engine.gate import Gate
from workers.engine.leased_row import LeasedRow
from workers.engine.ledger import LEASE, EffectState, LedgerRow, Stored, stored
from workers.engine.ledger_keeping import LedgerKeeper, RejectedRow
from workers.engine.parking import ATTEMPTS, RETRY, Failure
from workers.engine.ports import Clock, Log, Metrics, Store, StoreUnavailable
from workers.engine.reactions import append_patiently
from workers.engine.record import Outgoing
from workers.engine.retry import PROVIDER, TRANSIENT
from workers.engine.service import Call, Done, Effect, Event, Failed, Result, Retryable, Service, Unknown
from workers.engine.tracing import Tracer

T = TypeVar("T")
TRIES_A_CLAIM = 8
AGAIN_AFTER = 600_000
"""Milliseconds until an effect is taken up again after a claim's tries are used up (domain.md 0.5)."""


class EffectRaised(Exception):
    """An effect's own code raised, which is never an answer. ``called``: its call may have happened before that."""

    def __init__(self, cause: Exception, called: bool) -> None:
        super().__init__(str(cause))
        self.cause, self.called = cause, called


class Unworkable(Exception):
    """A row's event cannot be read, or the effect's own code raised where no other try helps: naming its attempt, reporting an unknown."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Caller:
    """Runs claimed rows to their end; ``gates`` by provider. A crash anywhere leaves the row for the sweep."""

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
        gates: Mapping[str, Gate],
        fuse: FuseLimits,
        tracer: Tracer,
    ) -> None:
        self._service, self._ports, self._environment = service, ports, environment
        self._log, self._store, self._clock, self._metrics, self._random = log, store, clock, metrics, random
        self._ledger, self._tracer = LedgerKeeper(store, clock, random), tracer
        self._by_name: dict[str, list[Effect[Any]]] = {}
        for effect in service.effects:
            self._by_name.setdefault(effect.name, []).append(effect)
        self._gates, self._fuse = gates, Fuse(fuse)

    async def run(self, held: LeasedRow) -> None:
        """Calls until there is an answer or the claim's tries are used up; what the ledger cannot hold of it fails the effect, so that no
        lease brings the same call again. Raises LostClaim, PartitionLeft, FuseTripped."""
        await self._or_given_up(held, self._run(held))

    async def report_unknown(self, held: LeasedRow) -> None:
        """For a call that may have happened and must not be made again. Raises LostClaim, FuseTripped."""
        await self._or_given_up(held, self._report_unknown(held))

    async def publish(self, held: LeasedRow) -> None:
        """The results stand on the row already; after this it is closed. Raises LostClaim, FuseTripped."""
        await self._or_given_up(held, self._publish(held))

    async def _or_given_up(self, held: LeasedRow, work: Awaitable[None]) -> None:
        try:
            await work
        except (Unworkable, RejectedRow) as given_up:
            failure = Failure.of(given_up.cause if isinstance(given_up, Unworkable) else given_up, held.row.name)
            await held.keep(replace(_blamed(held.row, failure), state=EffectState.FAILED, open=False, unanswered=held.unanswered))
            self._alarm(held.row)
            self._judge(failure, held.row)

    async def _run(self, held: LeasedRow) -> None:
        effect, event = self._effect_of(held.row), _own(lambda: event_of(held.row))
        for attempt in range(TRIES_A_CLAIM):
            try:
                result = await self._call(effect, event, held)
            except EffectRaised as raised:
                await self._raised(held, effect, event, raised)
                return
            self._fuse.judged(1)
            if not self._repeats(effect, result):
                await self._end(held, effect, event, result)
                return
            await self._rest(held, result, self._pause(result, attempt))
        await held.keep(replace(held.row, state=EffectState.PLANNED, due_at=self._clock.now() + AGAIN_AFTER))

    async def _report_unknown(self, held: LeasedRow) -> None:
        effect, event = self._effect_of(held.row), _own(lambda: event_of(held.row))
        await self._end(held, effect, event, Unknown("lease_over"))

    async def _publish(self, held: LeasedRow) -> None:
        row, effect = held.row, self._effect_of(held.row)
        attempt = _own(lambda: effect.attempt(event_of(row)))
        for each in row.results:
            topic = commands_topic(model_of(each.kind).service)
            record = _result_record(self._service.name, row, each, attempt)
            await append_patiently(self._log, self._clock, self._random, topic, [record])
            self._metrics.count("published", topic=topic)
        await held.keep(replace(row, open=False))

    def _effect_of(self, row: LedgerRow) -> Effect[Any]:
        """One effect may have several providers, each with a declaration of its own."""
        named = self._by_name[row.name]
        return next((effect for effect in named if effect.provider == row.provider), named[-1])

    @staticmethod
    def _repeats(effect: Effect[Any], result: Result) -> bool:
        return isinstance(result, Retryable) or (isinstance(result, Unknown) and effect.repeatable)

    def _pause(self, result: Result, attempt: int) -> float:
        wished = result.after if isinstance(result, Retryable) else None
        return wished if wished is not None else PROVIDER.delay(attempt, self._random.random())

    async def _call(self, effect: Effect[Any], event: Event[EventData], held: LeasedRow) -> Result:
        async with self._gates[effect.provider].passage(held) as passage:
            rows = await self._rows(effect, event)
            await held.claim()
            started = self._clock.now()
            result = await self._answer(effect, event, held.row, rows)
            if not (isinstance(result, EffectRaised) or (isinstance(result, Retryable) and result.ours)):
                passage.failed = isinstance(result, Retryable | Unknown)
        self._observe(effect, held.row, started, "raised" if isinstance(result, EffectRaised) else type(result).__name__.lower())
        if isinstance(result, EffectRaised):
            raise result
        return result

    async def _answer(
        self, effect: Effect[Any], event: Event[EventData], row: LedgerRow, rows: Mapping[ItemRef, Item]
    ) -> Result | EffectRaised:
        call, port = self._as_call(effect, event, row), self._ports[effect.provider]
        try:
            async with asyncio.timeout(effect.timeout):
                result: Result = await effect.run(call, rows, port)
        except TimeoutError:
            return Unknown("timeout")
        except KeysUnavailable as error:
            # Nothing went out: keys are asked for before any call that can't be repeated (``Effect.opens``).
            return Retryable(str(error), ours=True)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a defect of the effect, and this key's alone
            return EffectRaised(error, called=True)
        return result

    def _observe(self, effect: Effect[Any], row: LedgerRow, started: int, result: str) -> None:
        now = self._clock.now()
        self._tracer.record(f"effect {effect.name}", row.envelope.traceparent, started, now, effect=row.effect)
        self._metrics.count("provider_calls", provider=effect.provider, effect=effect.name, result=result)
        self._metrics.observe("provider_seconds", (now - started) / 1000, provider=effect.provider, effect=effect.name)

    def _as_call(self, effect: Effect[Any], event: Event[EventData], row: LedgerRow) -> Call[EventData]:
        stale = self._clock.now() - row.first_try_at > effect.key_lifetime.total_seconds() * 1000
        return Call(row.effect, event, self._environment, row.tries, stale)

    async def _rows(self, effect: Effect[Any], event: Event[EventData]) -> Mapping[ItemRef, Item]:
        found: dict[ItemRef, Item] = {}
        asked: set[ItemRef] = set()
        attempt = 0
        while wanted := [ref for ref in _wanted(effect, event, found) if ref not in asked]:
            try:
                found |= await self._store.get(wanted)
            except StoreUnavailable:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
            else:
                asked.update(wanted)
        return found

    async def _rest(self, held: LeasedRow, result: Result, seconds: float) -> None:
        """Between two tries nobody calls, so the row says planned."""
        reason = result.reason if isinstance(result, Retryable | Unknown) else ""
        now, row = self._clock.now(), held.row
        await held.keep(replace(row, state=EffectState.PLANNED, tries=row.tries + 1, due_at=now + LEASE, reason=reason))
        await held.until(asyncio.ensure_future(self._clock.sleep(seconds)), ready_at=now + int(1000 * seconds))

    async def _raised(self, held: LeasedRow, effect: Effect[Any], event: Event[EventData], raised: EffectRaised) -> None:
        """Tried again later, in the end given up; what may not be called twice is reported unknown. Raises FuseTripped when many keys fail
        the same way."""
        failure, row = Failure.of(raised.cause, effect.name), held.row
        failed = _blamed(row, failure)
        if raised.called and not effect.repeatable:
            await self._end(held, effect, event, Unknown(failure.fingerprint), failed)
        else:
            last = failed.failures >= ATTEMPTS
            pause = int(1000 * RETRY.delay(failed.failures, 0.5 + self._random.random() / 2))
            state = EffectState.FAILED if last else EffectState.PLANNED
            due = self._clock.now() + pause
            await held.keep(replace(failed, state=state, tries=row.tries + raised.called, due_at=due, open=not last))
            self._alarm(held.row)
        self._judge(failure, row)

    def _judge(self, failure: Failure, row: LedgerRow) -> None:
        if self._fuse.failed(failure.fingerprint, row.envelope.subject, self._clock.now()):
            raise FuseTripped(f"{self._service.name}-effects, {failure.fingerprint}: {failure.error}. {FuseTripped.__doc__}")

    def _alarm(self, row: LedgerRow) -> None:
        if row.state is EffectState.FAILED:
            self._metrics.count("effects_failed", service=self._service.name, effect=row.name)

    async def _end(
        self, held: LeasedRow, effect: Effect[Any], event: Event[EventData], result: Result, failed: LedgerRow | None = None
    ) -> None:
        """The result is on the row before it is published, and the row stays open until it is. ``failed``: the row with what raised."""
        row = held.row
        state, commands, reason, reference = self._verdict(row, effect, event, result)
        results = _own(lambda: stored(commands))
        ended = replace(
            failed or row,
            state=state,
            tries=row.tries + 1,
            reason=reason,
            reference=reference,
            results=results,
            due_at=self._clock.now() + LEASE,
            open=bool(results),
        )
        await held.keep(ended)
        self._alarm(held.row)
        if results:
            await self.publish(held)

    def _verdict(
        self, row: LedgerRow, effect: Effect[Any], event: Event[EventData], result: Result
    ) -> tuple[EffectState, Sequence[CommandData], str, str]:
        match result:
            case Done(commands, reference):
                return EffectState.CONFIRMED, commands, "", reference or ""
            case Failed(reason):
                return EffectState.FAILED, (), reason, ""
            case Retryable(reason) | Unknown(reason):
                call = self._as_call(effect, event, row)
                return EffectState.UNKNOWN, _own(lambda: effect.unknown(call)), reason, ""


def _wanted(effect: Effect[Any], event: Event[EventData], found: Mapping[ItemRef, Item]) -> Sequence[ItemRef]:
    try:
        return effect.reads(event, found)
    except Exception as error:  # a defect of the effect, before any call
        raise EffectRaised(error, called=False) from error


def _own(work: Callable[[], T]) -> T:
    """What the service's own code, or what is stored of an event, comes to."""
    try:
        return work()
    except Exception as error:
        raise Unworkable(error) from error


def _blamed(row: LedgerRow, failure: Failure) -> LedgerRow:
    return replace(row, failures=row.failures + 1, fingerprint=failure.fingerprint, error=failure.error)


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
        replay=row.envelope.replay.onward if row.envelope.replay else None,
    )
    return Outgoing(result.key.encode(), result.value.encode(), envelope.headers())
