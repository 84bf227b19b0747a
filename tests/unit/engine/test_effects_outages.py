"""Providers that answer nobody, refuse one key or set a pace, and effects that raise: who waits, who goes on, who is called again."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from contracts.ids import effect_id
from contracts.message import EventData
from contracts.position import Origin, Position
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import EventId
from tests.support import toy
from tests.support.process import QUICK, Plant, Process, plant
from tests.support.verdict import header
from tests.support.waiting import eventually
from workers.engine.breaker import BreakerLimits
from workers.engine.decision import Item, ItemRef
from workers.engine.effects import EffectPace
from workers.engine.fuse import FuseLimits, FuseTripped
from workers.engine.ledger import EFFECTS, LEASE
from workers.engine.parking import ATTEMPTS
from workers.engine.quarantine import FAILURES
from workers.engine.rate_limit import RateLimit
from workers.engine.runtime import RoleName
from workers.engine.service import Call, Done, Effect, Event, Result, Retryable, Service, Unknown

GROUP, EVENTS, COMMANDS = "notification-effects", events_topic("notification"), commands_topic("notification")
BUSY = Retryable("busy")
PAUSE = 10.0
BREAKER = BreakerLimits(keys=5, pause=int(1000 * PAUSE), longest=int(4000 * PAUSE))
PACE = EffectPace(calls=4, running=30, breaker=BREAKER)


class Provider:
    """Answers, raises or waits as ``script`` says."""

    def __init__(self, script: Callable[[Call[Any]], Result]) -> None:
        self.script = script
        self.calls: list[Call[Any]] = []
        self.rows: list[Mapping[ItemRef, Item]] = []

    async def call(self, call: Call[Any], rows: Mapping[ItemRef, Item]) -> Result:
        self.calls.append(call)
        self.rows.append(rows)
        return self.script(call)

    def of(self, key: str) -> list[EventId]:
        return [call.event.id for call in self.calls if call.event.key == key]


def repeated() -> EventData:
    return toy.delivered_event()


def once() -> EventData:
    return toy.sent_event(str(uuid4()))


async def tell(made: Plant, keys: Sequence[str], make: Callable[[], EventData] = repeated, first: int = 0) -> list[EventId]:
    ids = [EventId(str(uuid4())) for _ in keys]
    at = [Position(Origin("commands/0"), first + n) for n in range(len(keys))]
    await made.send(EVENTS, [toy.event_record(make(), key, at[n], event=ids[n]) for n, key in enumerate(keys)])
    return ids


def keys(count: int) -> list[str]:
    return [str(uuid4()) for _ in range(count)]


def ledger(made: Plant) -> list[Item]:
    return [item for ref, item in made.store.items.items() if ref.table == EFFECTS]


def row(made: Plant, event: EventId, name: str = "toy.repeated") -> Item:
    return made.store.items.get(ItemRef(EFFECTS, effect_id(event, name)), {})


def states(made: Plant) -> set[str]:
    return {item["state"] for item in ledger(made)}


async def turned(process: Process, sweeps: int = 3) -> None:
    """The sweep has looked so often; what was to happen at this time has happened."""
    seen = process.store.calls.count("query")
    partitions = len(process.role._owned)
    await eventually(lambda: process.store.calls.count("query") >= seen + sweeps * partitions)


async def called(provider: Provider, times: int) -> None:
    await eventually(lambda: len(provider.calls) >= times)


@pytest.fixture
async def outage() -> AsyncIterator[tuple[Plant, Process, Provider, list[EventId]]]:
    """A hundred keys before a provider that answers none of them."""
    provider = Provider(lambda _: BUSY)
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=PACE, pace=replace(QUICK, in_flight=6))
        events = await tell(made, keys(100))
        await eventually(lambda: len(provider.calls) >= BREAKER.keys and len(ledger(made)) >= PACE.running)
        await turned(process)
        yield made, process, provider, events


Outage = tuple[Plant, Process, Provider, list[EventId]]


async def test_a_provider_that_answers_nobody_gets_few_calls_and_the_role_waits(outage: Outage) -> None:
    made, process, provider, _ = outage
    begun = len(provider.calls)
    assert begun < BREAKER.keys + PACE.calls
    assert len(ledger(made)) <= PACE.running + 8, "as many as may run, and no more wait for a turn that does not come"
    assert states(made) == {"planned"}
    assert made.open(GROUP, EVENTS) >= 100 - len(ledger(made))
    assert any(owned.paused for owned in process.role._owned.values())
    made.clock.advance(PAUSE - 1)
    await turned(process)
    assert len(provider.calls) == begun


async def test_an_outage_costs_a_probe_a_pause_and_leaves_nothing_behind(outage: Outage) -> None:
    made, process, provider, events = outage
    begun = len(provider.calls)
    for probes, pause in enumerate([PAUSE, 2 * PAUSE, 4 * PAUSE, 4 * PAUSE], start=1):
        made.clock.advance(pause)
        await called(provider, begun + probes)
        await turned(process)
        assert len(provider.calls) == begun + probes
    made.clock.advance(10 * LEASE / 1000)
    provider.script = lambda _: Done()
    await made.until_settled(GROUP, EVENTS)
    await eventually(lambda: states(made) == {"confirmed"})
    assert {item["event"]["headers"]["ce_id"] for item in ledger(made)} == set(events)
    assert [ref for ref in made.store.items if ref.table in (FAILURES, "platform-parked")] == []


async def test_who_waits_for_a_provider_keeps_its_lease_and_is_not_taken_for_crashed() -> None:
    provider = Provider(lambda _: BUSY)
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=replace(PACE, breaker=replace(BREAKER, pause=10**9, longest=10**9)))
        await tell(made, keys(20), once)
        await eventually(lambda: len(ledger(made)) == 20 and states(made) == {"planned"})
        begun = len(provider.calls)
        for _ in range(5):
            made.clock.advance(LEASE / 1000)
            await turned(process)
            await eventually(lambda: all(item["dueAt"] > from_milliseconds(made.clock.now()) for item in ledger(made)))
        assert (len(provider.calls), made.records(COMMANDS)) == (begun, [])


async def test_a_crash_during_an_outage_reports_nobody_unknown_who_was_not_called() -> None:
    provider = Provider(lambda _: BUSY)
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        dying = made.start(RoleName.EFFECTS, effects=PACE)
        events = await tell(made, keys(20), once)
        await eventually(lambda: len(ledger(made)) == 20 and states(made) == {"planned"})
        await dying.stand_still()
        provider.script = lambda _: Done()
        made.start(RoleName.EFFECTS, effects=PACE)
        made.clock.advance(LEASE / 1000 + 1)
        await eventually(lambda: states(made) == {"confirmed"})
        assert {call.event.id for call in provider.calls} == set(events)


async def test_a_process_that_leaves_during_an_outage_hands_over_what_waits_at_once() -> None:
    provider = Provider(lambda _: BUSY)
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        leaving = made.start(RoleName.EFFECTS, effects=PACE, pace=replace(QUICK, drain=30))
        await tell(made, keys(20), once)
        await eventually(lambda: len(ledger(made)) == 20 and states(made) == {"planned"})
        await leaving.stop()
        provider.script = lambda _: Done()
        made.start(RoleName.EFFECTS, effects=PACE)
        made.clock.advance(PAUSE)
        await eventually(lambda: states(made) == {"confirmed"})
        assert made.records(COMMANDS) == []


async def test_one_refused_key_waits_alone() -> None:
    bad = str(uuid4())
    provider = Provider(lambda call: BUSY if call.event.key == bad else Done())
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        made.start(RoleName.EFFECTS, effects=PACE)
        for turn in range(5):
            await tell(made, [bad, *keys(20)], first=100 * turn)
        await made.until_settled(GROUP, EVENTS)
        await eventually(lambda: len([item for item in ledger(made) if item["state"] == "confirmed"]) == 100)
        assert len(provider.of(bad)) > BREAKER.keys


async def test_calls_per_second_are_the_providers() -> None:
    provider = Provider(lambda _: Done())
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=EffectPace(limits={"toy": RateLimit(2, burst=3)}))
        await tell(made, keys(9))
        await made.until_settled(GROUP, EVENTS)
        for wanted in (3, 5, 7, 9):
            await called(provider, wanted)
            await turned(process)
            assert len(provider.calls) == wanted
            made.clock.advance(1)


async def test_what_an_effect_reads_is_as_it_is_when_its_turn_has_come() -> None:
    provider, ref = Provider(lambda _: Done()), ItemRef(toy.TABLE, "ROW#read")
    effect: Effect[Any] = replace(toy.REPEATED, reads=lambda _event, _rows: (ref,))
    service = Service("notification", toy.HANDLERS, effects=(effect,))
    async with plant(service, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=EffectPace(limits={"toy": RateLimit(1)}))
        await tell(made, keys(2))
        await called(provider, 1)
        await turned(process)
        made.store.items[ref] = {"id": ref.key, "count": 7}
        made.clock.advance(1)
        await called(provider, 2)
        assert [rows.get(ref, {}).get("count") for rows in provider.rows] == [None, 7]


@pytest.mark.parametrize("due", [(0, 0, 0), (2, 1, 0)], ids=["due together", "the last due first"])
async def test_a_crash_keeps_the_order_of_a_key(due: tuple[int, int, int]) -> None:
    """``due``: seconds by which each row's lease ends after the earliest."""
    provider, key = Provider(lambda _: BUSY), str(uuid4())
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        dying = made.start(RoleName.EFFECTS, effects=replace(PACE, breaker=replace(BREAKER, keys=1, pause=10**9, longest=10**9)))
        events = await tell(made, [key] * 3)
        await made.until_settled(GROUP, EVENTS)
        await eventually(lambda: len(ledger(made)) == 3 and provider.calls)
        await dying.stand_still()
        over = made.clock.now() + LEASE
        for event, seconds in zip(events, due, strict=True):
            made.store.items[ItemRef(EFFECTS, effect_id(event, "toy.repeated"))] = {
                **row(made, event),
                "dueAt": from_milliseconds(over + 1000 * seconds),
            }
        provider.calls.clear()
        provider.script = lambda _: Done()
        process = made.start(RoleName.EFFECTS, effects=PACE)
        await eventually(lambda: process.role.assigned_once.is_set())
        made.clock.advance(LEASE / 1000)
        await turned(process)
        assert not any(due) or provider.of(key) == []
        made.clock.advance(2)
        await eventually(lambda: states(made) == {"confirmed"})
        assert provider.of(key) == events


# --- effects that raise --------------------------------------------------------------------------------------------


def broken(bad: str) -> Callable[[Call[Any]], Result]:
    def script(call: Call[Any]) -> Result:
        if call.event.key == bad:
            raise ValueError("the effect's bug")
        return Done()

    return script


async def test_an_effect_that_raises_is_tried_again_and_in_the_end_kept_for_people() -> None:
    bad = str(uuid4())
    provider = Provider(broken(bad))
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=PACE)
        event, *_ = await tell(made, [bad, *keys(20)])
        await made.until_settled(GROUP, EVENTS)
        await eventually(lambda: row(made, event).get("failures") == 1)
        kept = row(made, event)
        assert (kept["state"], kept["fingerprint"], kept["error"]) == (
            "planned",
            "ValueError/toy.repeated/script",
            "ValueError: the effect's bug",
        )
        await eventually(lambda: len([item for item in ledger(made) if item["state"] == "confirmed"]) == 20)

        def given_up() -> bool:
            made.clock.advance(60)
            return bool(row(made, event)["state"] == "failed")

        await eventually(given_up)
        assert (len(provider.of(bad)), "openPartition" in row(made, event)) == (ATTEMPTS, False)
        assert process.role.failure is None


async def test_an_effect_that_raises_and_may_not_be_repeated_is_reported_unknown_and_not_called_again() -> None:
    bad = str(uuid4())
    provider = Provider(broken(bad))
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=PACE)
        (event,) = await tell(made, [bad], once)
        await eventually(lambda: made.records(COMMANDS))
        made.clock.advance(10 * LEASE / 1000)
        await turned(process)
        assert [header(record, "ce_type").split(".")[2] for record in made.records(COMMANDS)] == ["RecordNotificationUnknown"]
        assert len(provider.calls) == 1
        kept = row(made, event, "toy.once")
        assert (kept["state"], kept["failures"], kept["reason"]) == ("unknown", 1, "ValueError/toy.once/script")


async def test_what_raises_before_the_call_is_tried_again_even_if_a_call_may_not_be() -> None:
    failures = [ValueError("no rows today")]

    def reads(_event: Event[Any], _rows: Mapping[ItemRef, Item]) -> Sequence[ItemRef]:
        if failures:
            raise failures.pop()
        return ()

    effect: Effect[Any] = replace(toy.ONCE, reads=reads)
    provider = Provider(lambda _: Done())
    async with plant(Service("notification", toy.HANDLERS, effects=(effect,)), ports={"toy": provider}) as made:
        made.start(RoleName.EFFECTS, effects=PACE)
        (event,) = await tell(made, keys(1), once)
        await eventually(lambda: row(made, event, "toy.once").get("state") == "planned")
        assert provider.calls == []
        made.clock.advance(60)
        await eventually(lambda: row(made, event, "toy.once")["state"] == "confirmed")
        assert [call.tries for call in provider.calls] == [0]


async def test_many_keys_that_raise_the_same_way_stop_the_role_and_lose_nothing() -> None:
    provider = Provider(lambda call: broken(call.event.key)(call))
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=replace(PACE, fuse=FuseLimits(keys=10)))
        events = await tell(made, keys(50))
        await eventually(lambda: process.role.failure)
        assert isinstance(process.role.failure, FuseTripped)
        assert "ValueError/toy.repeated/script" in str(process.role.failure)
        with pytest.raises(FuseTripped):
            await process.running
        provider.script = lambda _: Done()
        made.start(RoleName.EFFECTS, effects=PACE)
        await eventually(lambda: len(ledger(made)) == 50)
        made.clock.advance(LEASE / 1000 + 1)
        await eventually(lambda: states(made) == {"confirmed"})
        assert {call.event.id for call in provider.calls} == set(events)


@pytest.mark.parametrize("answer", [Unknown("reset"), BUSY])
async def test_the_breaker_counts_unknown_answers_too(answer: Result) -> None:
    provider = Provider(lambda _: answer)
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=PACE)
        await tell(made, keys(25), once)
        await eventually(lambda: len(ledger(made)) == 25)
        await turned(process)
        assert BREAKER.keys <= len(provider.calls) < BREAKER.keys + PACE.calls
