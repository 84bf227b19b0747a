"""Effects of one key in the order of its events: while an earlier one is open and nobody works on it, later ones wait in the key's line."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn
from uuid import uuid4

import pytest

from contracts.ids import effect_id
from contracts.position import Origin, Position
from contracts.sealed import KeysUnavailable
from contracts.timestamps import from_milliseconds
from contracts.types import EventId
from tests.support import toy
from tests.support.process import Plant, Process, plant
from tests.support.waiting import eventually
from tests.unit.engine.test_effects_outages import (
    BREAKER,
    BUSY,
    EVENTS,
    GROUP,
    PACE,
    Provider,
    called,
    keys,
    ledger,
    once,
    repeated,
    row,
    states,
    tell,
    turned,
)
from workers.engine.calling import AGAIN_AFTER, TRIES_A_CLAIM
from workers.engine.decision import Item, ItemRef
from workers.engine.fuse import FuseLimits, FuseTripped
from workers.engine.holds import HEAD
from workers.engine.ledger import EFFECTS, LEASE
from workers.engine.memory import MemoryStore
from workers.engine.parking import PARKED, SAFETY, ParkingFull
from workers.engine.planning import Conveyor
from workers.engine.ports import Page
from workers.engine.runtime import RoleName
from workers.engine.service import Call, Done, Result, Retryable, Service, Unknown

AGAIN = AGAIN_AFTER / 1000 + 1


def parked(made: Plant) -> list[Item]:
    return [item for ref, item in made.store.items.items() if ref.table == PARKED and ref.range != HEAD]


def rests(made: Plant, event: EventId) -> bool:
    """Between two tries a row is planned too, but for no longer than a lease."""
    found = row(made, event)
    return found.get("state") == "planned" and found["dueAt"] > from_milliseconds(made.clock.now() + 2 * LEASE)


class Refusing(Provider):
    """Refuses one key until it is told otherwise."""

    def __init__(self) -> None:
        self.bad, self.refuses = str(uuid4()), True
        super().__init__(self.answer)

    def answer(self, call: Call[Any]) -> Result:
        return BUSY if self.refuses and call.event.key == self.bad else Done()


async def resting(made: Plant, provider: Refusing) -> tuple[Process, EventId]:
    """A process whose first effect of the bad key has used its tries up."""
    process = made.start(RoleName.EFFECTS, effects=PACE)
    (first,) = await tell(made, [provider.bad])
    await eventually(lambda: rests(made, first))
    await turned(process)
    return process, first


async def test_while_a_provider_refuses_one_key_its_later_events_wait_and_the_others_go_on() -> None:
    provider = Refusing()
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process, first = await resting(made, provider)
        later = await tell(made, [provider.bad] * 2, first=10)
        others = await tell(made, keys(20), first=20)
        await made.until_settled(GROUP, EVENTS)
        await eventually(lambda: {row(made, each).get("state") for each in others} == {"confirmed"})
        await turned(process)
        assert set(provider.of(provider.bad)) == {first}
        assert [item["attempts"] for item in parked(made)] == [0, 0]
        assert len(provider.of(provider.bad)) == TRIES_A_CLAIM
        provider.refuses = False
        made.clock.advance(AGAIN)
        await eventually(lambda: {row(made, each).get("state") for each in [first, *later]} == {"confirmed"})
        assert provider.of(provider.bad)[TRIES_A_CLAIM:] == [first, *later]
        await eventually(lambda: parked(made) == [])
        assert process.role.failure is None


async def test_waiting_is_no_failed_try_and_trips_no_fuse() -> None:
    provider = Refusing()
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        conveyor = Conveyor(fuse=FuseLimits(keys=1, ratio=0.0))
        process = made.start(RoleName.EFFECTS, effects=PACE, conveyor=conveyor)
        (first,) = await tell(made, [provider.bad])
        await eventually(lambda: rests(made, first))
        await tell(made, [provider.bad] * 2, first=10)
        await eventually(lambda: len(parked(made)) == 2)
        for _ in range(15):
            made.clock.advance(SAFETY / 1000)
            await turned(process)
        assert {(item["attempts"], item["state"]) for item in parked(made)} == {(0, "parked")}
        assert process.role.failure is None
        assert set(provider.of(provider.bad)) == {first}


async def test_a_key_has_only_so_many_events_in_its_line() -> None:
    provider = Refusing()
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=PACE, conveyor=Conveyor(parked_a_key=2))
        (first,) = await tell(made, [provider.bad])
        await eventually(lambda: rests(made, first))
        await tell(made, [provider.bad] * 3, first=10)
        await eventually(lambda: process.role.failure)
        assert isinstance(process.role.failure, ParkingFull)
        with pytest.raises(ParkingFull):
            await process.running


async def test_rows_that_were_in_the_ledger_before_it_rested_rest_too() -> None:
    provider = Refusing()
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=PACE)
        events = await tell(made, [provider.bad] * 3)
        await eventually(lambda: rests(made, events[0]))
        await turned(process)
        assert set(provider.of(provider.bad)) == {events[0]}
        provider.refuses = False
        made.clock.advance(AGAIN)
        await eventually(lambda: {row(made, each).get("state") for each in events} == {"confirmed"})
        assert provider.of(provider.bad)[TRIES_A_CLAIM:] == events


@pytest.mark.parametrize("when", ["resting", "called"])
async def test_after_a_takeover_a_fresh_event_waits_for_the_dead_process_row(when: str) -> None:
    provider = Refusing()
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        dying, first = await resting(made, provider)
        await tell(made, [provider.bad], first=5)
        await eventually(lambda: len(parked(made)) == 1)
        await dying.stand_still()
        if when == "called":
            ref = ItemRef(EFFECTS, effect_id(first, "toy.repeated"))
            due = next(each for each in ledger(made))["createdAt"]
            made.store.items[ref] = {**made.store.items[ref], "state": "claimed", "dueAt": due}
        provider.calls.clear()
        provider.refuses = False
        process = made.start(RoleName.EFFECTS, effects=PACE)
        (last,) = await tell(made, [provider.bad], first=9)
        await made.until_settled(GROUP, EVENTS)
        if when == "resting":
            await turned(process)
            assert provider.calls == []
            made.clock.advance(AGAIN)
        await eventually(lambda: len(provider.of(provider.bad)) == 3)
        assert (provider.of(provider.bad)[0], provider.of(provider.bad)[2]) == (first, last)
        await eventually(lambda: states(made) == {"confirmed"} and not parked(made))


class Blind(MemoryStore):
    """Its indexes show nothing of effects for a while."""

    blind = True

    async def query(self, table: str, index: str | None, value: str, **more: Any) -> Page:
        page = await super().query(table, index, value, **more)
        return Page([], None) if self.blind and table == EFFECTS else page


async def test_what_the_index_does_not_show_yet_is_met_when_its_event_comes_again() -> None:
    provider = Refusing()
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        blind = Blind()
        made.store = blind
        blind.blind = False
        dying, first = await resting(made, provider)
        await dying.stand_still()
        blind.blind = True
        provider.calls.clear()
        process = made.start(RoleName.EFFECTS, effects=PACE)
        again = toy.event_record(repeated(), provider.bad, Position(Origin("commands/0"), 0), event=first, late=True)
        await made.send(EVENTS, [again])
        (last,) = await tell(made, [provider.bad], first=9)
        await made.until_settled(GROUP, EVENTS)
        await turned(process)
        assert provider.calls == []
        provider.refuses, blind.blind = False, False
        made.clock.advance(AGAIN)
        await eventually(lambda: len(provider.calls) == 2)
        assert provider.of(provider.bad) == [first, last]


# --- rows that no try helps ----------------------------------------------------------------------------------------------


def _bug(*_: object) -> NoReturn:
    raise ValueError("the declaration's bug")


async def ended_as_failed(made: Plant, name: str, event: EventId) -> Item:
    await eventually(lambda: row(made, event, name).get("state") == "failed")
    kept = row(made, event, name)
    assert "openPartition" not in kept
    assert kept["failures"] == 1
    return kept


@pytest.mark.parametrize(
    ("broken", "answer"),
    [({"unknown": _bug}, Unknown("reset")), ({"attempt": _bug}, Unknown("reset"))],
    ids=["unknown", "attempt"],
)
async def test_a_declaration_that_raises_ends_its_row_as_failed_and_the_role_goes_on(broken: dict[str, Any], answer: Result) -> None:
    service = Service("notification", toy.HANDLERS, effects=(replace(toy.ONCE, **broken), toy.REPEATED))
    provider = Provider(lambda call: answer if call.event.data.kind().split(".")[2] == "NotificationSent" else Done())
    async with plant(service, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=PACE)
        bad, key = keys(2)
        (event,) = await tell(made, [bad], once)
        kept = await ended_as_failed(made, "toy.once", event)
        assert (kept["fingerprint"], kept["error"]) == ("ValueError/toy.once/_bug", "ValueError: the declaration's bug")
        (other,) = await tell(made, [key], first=5)
        await eventually(lambda: row(made, other).get("state") == "confirmed")
        assert (process.role.failure, len(provider.calls)) == (None, 2)


async def test_a_stored_event_that_cannot_be_read_ends_its_row_as_failed() -> None:
    provider = Refusing()
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process, first = await resting(made, provider)
        ref = ItemRef(EFFECTS, effect_id(first, "toy.repeated"))
        item = made.store.items[ref]
        made.store.items[ref] = {**item, "event": {**item["event"], "value": '{"of another": "version"}'}}
        (later,) = await tell(made, [provider.bad], first=5)
        provider.refuses = False
        made.clock.advance(AGAIN)
        kept = await ended_as_failed(made, "toy.repeated", first)
        assert kept["fingerprint"].startswith("ValidationError/toy.repeated/")
        await eventually(lambda: row(made, later).get("state") == "confirmed")
        assert process.role.failure is None


async def test_many_declarations_that_raise_trip_the_fuse() -> None:
    service = Service("notification", toy.HANDLERS, effects=(replace(toy.ONCE, unknown=_bug),))
    async with plant(service, ports={"toy": Provider(lambda _: Unknown("reset"))}) as made:
        pace = replace(PACE, fuse=FuseLimits(keys=4, ratio=0.1), breaker=replace(BREAKER, keys=1000))
        process = made.start(RoleName.EFFECTS, effects=pace)
        await tell(made, keys(30), once)
        await eventually(lambda: process.role.failure)
        assert isinstance(process.role.failure, FuseTripped)
        with pytest.raises(FuseTripped):
            await process.running


# --- keys that are away --------------------------------------------------------------------------------------------------


def _keys_away(_: Call[Any]) -> Result:
    raise KeysUnavailable("KMS is away")


@pytest.mark.parametrize("script", [_keys_away, lambda _: Retryable("ours", ours=True)], ids=["raised", "answered"])
async def test_keys_that_are_away_say_nothing_of_the_provider(script: Callable[[Call[Any]], Result]) -> None:
    provider = Provider(script)
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        process = made.start(RoleName.EFFECTS, effects=PACE)
        await tell(made, keys(3 * BREAKER.keys))
        await called(provider, TRIES_A_CLAIM * 3 * BREAKER.keys)
        await turned(process)
        provider.script = lambda _: Done()
        made.clock.advance(AGAIN)
        await eventually(lambda: states(made) == {"confirmed"})
