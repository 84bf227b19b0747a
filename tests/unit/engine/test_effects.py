"""Calls to the outside: each at most once by evidence, found again after a crash, and their results published under one id."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from contracts.ids import effect_id, effect_result_id
from contracts.message import EventData
from contracts.notification.commands import RecordNotificationDelayed
from contracts.position import Origin, Position
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import EventId, NotificationId, RecipientId
from tests.support import toy
from tests.support.faults import MANY
from tests.support.process import Plant, plant
from tests.support.verdict import header
from tests.support.waiting import eventually
from workers.engine.calling import AGAIN_AFTER, TRIES_A_CLAIM
from workers.engine.decision import Item, ItemRef
from workers.engine.effects import EffectPace
from workers.engine.ledger import EFFECTS, LEASE
from workers.engine.runtime import RoleName
from workers.engine.service import Call, Done, Failed, Result, Retryable, Service, Unknown

GROUP, EVENTS, COMMANDS = "notification-effects", events_topic("notification"), commands_topic("notification")
KEY = str(uuid4())


def result_command() -> RecordNotificationDelayed:
    return RecordNotificationDelayed(recipient_id=RecipientId(KEY), notification_id=NotificationId(str(uuid4())))


class Port:
    """A provider that answers what it is told to: one answer per call, then the last for good."""

    def __init__(self, *answers: Result) -> None:
        self.answers = list(answers) or [Done((result_command(),), "reference")]
        self.calls: list[Call[Any]] = []
        self.before: Callable[[], Awaitable[object]] | None = None
        self.running = self.most = 0

    async def call(self, call: Call[Any], rows: Mapping[ItemRef, Item]) -> Result:
        self.calls.append(call)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.before:
                await self.before()
            await asyncio.sleep(0)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        finally:
            self.running -= 1


def place(offset: int) -> Position:
    return Position(Origin("commands/0"), offset)


async def tell(made: Plant, *events: EventData, key: str = KEY, first: int = 0) -> list[EventId]:
    ids = [EventId(str(uuid4())) for _ in events]
    records = [toy.event_record(data, key, place(first + n), event=ids[n]) for n, data in enumerate(events)]
    await made.send(EVENTS, records)
    return ids


def row(made: Plant, event: EventId, name: str) -> Item:
    return made.store.items[ItemRef(EFFECTS, effect_id(event, name))]


def results(made: Plant) -> list[str]:
    return [header(record, "ce_id") for record in made.records(COMMANDS)]


async def test_an_answer_is_kept_and_published_once_under_a_derived_id() -> None:
    port = Port()
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        process = made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.sent_event(KEY))
        await eventually(lambda: results(made))
        await process.stop()
        effect = effect_id(event, "toy.once")
        assert results(made) == [effect_result_id(effect, "RecordNotificationDelayed", 1)]
        assert [(call.id, call.tries, call.stale, call.event.id) for call in port.calls] == [(effect, 0, False, event)]
        kept = row(made, event, "toy.once")
        assert (kept["state"], kept["reference"], kept["tries"]) == ("confirmed", "reference", 1)
        assert not {"openPartition", "openService", "dueAt"} & set(kept)
        assert made.open(GROUP, EVENTS) == 0


async def test_an_offset_settles_once_the_row_is_durable_whatever_the_provider_does() -> None:
    port, release = Port(), asyncio.Event()
    port.before = release.wait
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.sent_event(KEY))
        await made.until_settled(GROUP, EVENTS)
        assert row(made, event, "toy.once")["state"] == "claimed"
        assert results(made) == []
        release.set()
        await eventually(lambda: results(made))


@pytest.mark.parametrize(("make", "name", "again"), [(toy.delivered_event, "toy.repeated", True), (None, "toy.once", False)])
async def test_a_crash_in_a_call_is_taken_up_when_the_lease_is_over(make: Callable[[], EventData] | None, name: str, again: bool) -> None:
    port, never = Port(), asyncio.Event()
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        port.before = never.wait
        dying = made.start(RoleName.EFFECTS)
        (event,) = await tell(made, make() if make else toy.sent_event(KEY))
        await eventually(lambda: port.calls)
        await dying.stand_still()
        port.before = None
        made.start(RoleName.EFFECTS)
        await eventually(lambda: len(made.processes[1].store.calls) > 3)
        assert len(port.calls) == 1
        made.clock.advance(LEASE / 1000 + 1)
        await eventually(lambda: results(made))
        await eventually(lambda: "openPartition" not in row(made, event, name))
        assert [call.id for call in port.calls] == [effect_id(event, name)] * (2 if again else 1)
        command = "RecordNotificationDelayed" if again else "RecordNotificationUnknown"
        assert results(made) == [effect_result_id(effect_id(event, name), command, 1)]
        assert row(made, event, name)["state"] == ("confirmed" if again else "unknown")
        if again:
            assert port.calls[1].tries == 1


async def test_a_crash_between_the_answer_and_the_publishing_publishes_the_same_and_calls_nobody() -> None:
    port = Port()
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        dying = made.start(RoleName.EFFECTS)
        dying.log.once = ["log_before"] * 500
        (event,) = await tell(made, toy.sent_event(KEY))
        await eventually(lambda: dying.log.appends > 1)
        await dying.stand_still()
        made.start(RoleName.EFFECTS)
        made.clock.advance(LEASE / 1000 + 1)
        await eventually(lambda: results(made))
        assert len(port.calls) == 1
        assert set(results(made)) == {effect_result_id(effect_id(event, "toy.once"), "RecordNotificationDelayed", 1)}


@pytest.mark.parametrize("answer", [Retryable("busy"), Unknown("reset")])
async def test_a_repeatable_effect_is_called_again_under_its_id(answer: Result) -> None:
    port = Port(answer, answer, Done((result_command(),)))
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.delivered_event())
        await eventually(lambda: results(made))
        assert [(call.id, call.tries) for call in port.calls] == [(effect_id(event, "toy.repeated"), n) for n in range(3)]
        assert len(results(made)) == 1


async def test_an_unknown_outcome_is_reported_once_and_nobody_calls_again() -> None:
    port = Port(Unknown("reset"))
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.sent_event(KEY))
        await eventually(lambda: results(made))
        made.clock.advance(10 * LEASE / 1000)
        swept = len(made.processes[0].store.calls)
        await eventually(lambda: len(made.processes[0].store.calls) > swept + 5)
        assert len(port.calls) == 1
        assert results(made) == [effect_result_id(effect_id(event, "toy.once"), "RecordNotificationUnknown", 1)]
        assert row(made, event, "toy.once")["reason"] == "reset"


async def test_a_call_without_answer_in_time_is_unknown() -> None:
    port, never = Port(), asyncio.Event()
    port.before = never.wait
    service = Service(name="notification", handlers=toy.HANDLERS, effects=(replace(toy.ONCE, timeout=0.01),))
    async with plant(service, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.sent_event(KEY))
        await eventually(lambda: results(made))
        assert (row(made, event, "toy.once")["state"], row(made, event, "toy.once")["reason"]) == ("unknown", "timeout")


async def test_tries_used_up_rest_until_they_are_due_again() -> None:
    port = Port(Retryable("busy"))
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.delivered_event())
        await eventually(lambda: rests(made, event))
        assert len(port.calls) == TRIES_A_CLAIM
        swept = len(made.processes[0].store.calls)
        await eventually(lambda: len(made.processes[0].store.calls) > swept + 5)
        assert len(port.calls) == TRIES_A_CLAIM
        port.answers = [Done((result_command(),))]
        made.clock.advance(AGAIN_AFTER / 1000 + 1)
        await eventually(lambda: results(made))
        assert port.calls[-1].tries == TRIES_A_CLAIM


def row_state(made: Plant, event: EventId) -> str:
    item = made.store.items.get(ItemRef(EFFECTS, effect_id(event, "toy.repeated")), {})
    state: str = item.get("state", "")
    return state


def rests(made: Plant, event: EventId) -> bool:
    """Its tries are used up. Between two tries a row is planned too, but for no longer than a lease."""
    item = made.store.items.get(ItemRef(EFFECTS, effect_id(event, "toy.repeated")), {})
    return item.get("state") == "planned" and item["dueAt"] > from_milliseconds(made.clock.now() + 2 * LEASE)


async def test_a_first_try_older_than_the_keys_lifetime_is_stale() -> None:
    port = Port(Retryable("busy"))
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.delivered_event())
        await eventually(lambda: rests(made, event))
        port.answers = [Done()]
        made.clock.advance(25 * 3600)
        await eventually(lambda: row_state(made, event) == "confirmed")
        assert [call.stale for call in port.calls] == [False] * TRIES_A_CLAIM + [True]


async def test_a_failure_is_kept_for_people_and_sends_nothing() -> None:
    port = Port(Failed("a defect"))
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.sent_event(KEY))
        await eventually(lambda: made.store.items.get(ItemRef(EFFECTS, effect_id(event, "toy.once")), {}).get("state") == "failed")
        kept = row(made, event, "toy.once")
        assert (kept["reason"], "openPartition" in kept, results(made)) == ("a defect", False, [])


async def test_an_event_published_again_is_called_once() -> None:
    port = Port()
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        record = toy.event_record(toy.sent_event(KEY), KEY, place(3), event=str(uuid4()))
        await made.send(EVENTS, [record, record])
        first = made.start(RoleName.EFFECTS)
        await made.until_settled(GROUP, EVENTS)
        await first.stop()
        late = toy.event_record(toy.sent_event(KEY), KEY, place(3), event=header_of(record.headers), late=True)
        await made.send(EVENTS, [late])
        made.start(RoleName.EFFECTS)
        await made.until_settled(GROUP, EVENTS)
        assert len(port.calls) == 1


def header_of(headers: Any) -> str:
    return str(dict(headers)["ce_id"].decode())


async def test_effects_of_one_key_run_one_after_the_other_and_of_others_side_by_side() -> None:
    port = Port(Done())
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS)
        order = await tell(made, *[toy.sent_event(KEY) for _ in range(8)])
        await eventually(lambda: len(port.calls) == 8)
        assert port.most == 1
        assert [call.event.id for call in port.calls] == order
        # Nobody comes back before two are there.
        port.before = lambda: eventually(lambda: port.most > 1)
        for n in range(6):
            await tell(made, toy.sent_event(KEY), key=str(uuid4()), first=20 + n)
        await eventually(lambda: len(port.calls) == 14)


async def test_no_more_calls_at_once_than_the_provider_is_given() -> None:
    port, release = Port(Done()), asyncio.Event()
    port.before = release.wait
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS, effects=EffectPace(calls=3))
        for n in range(9):
            await tell(made, toy.sent_event(KEY), key=str(uuid4()), first=n)
        await made.until_settled(GROUP, EVENTS)
        assert port.most == 3
        release.set()
        await eventually(lambda: len(port.calls) == 9)
        assert port.most == 3


async def test_a_row_whose_write_was_not_answered_is_called_without_waiting_for_its_lease() -> None:
    port = Port()
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        process = made.start(RoleName.EFFECTS, effects=EffectPace(sweep=1e9))
        await eventually(lambda: "write" in process.store.calls, what=lambda: "the role's own bookmarks come first")
        await eventually(lambda: process.role.assigned_once.is_set())
        process.store.once = ["unknown_after", *["get_unavailable"] * 40]
        await tell(made, toy.sent_event(KEY))
        await eventually(lambda: results(made))
        assert process.store.once == []
        assert len(port.calls) == 1


async def test_a_provider_without_a_port_stops_the_role_and_leaves_the_row() -> None:
    async with plant(toy.SERVICE, ports={}) as made:
        process = made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.sent_event(KEY))
        await eventually(lambda: process.role.failure)
        assert isinstance(process.role.failure, KeyError)
        assert row(made, event, "toy.once")["state"] == "claimed"
        with pytest.raises(KeyError):
            await process.running


@pytest.mark.parametrize("seed", range(5))
async def test_under_faults_every_effect_ends_and_no_unrepeatable_one_is_called_twice(seed: int) -> None:
    port = Port(Done((result_command(),)))
    async with plant(toy.SERVICE, seed, ports={"toy": port}) as made:
        made.start(RoleName.EFFECTS, MANY)
        events: list[EventId] = []
        for turn in range(6):
            events += await tell(made, toy.sent_event(KEY), toy.delivered_event(), key=str(uuid4()), first=2 * turn)
            if turn == 3:
                await made.processes[-1].stand_still()
                # Two claims of one millisecond could not be told apart.
                made.clock.advance(0.001)
                made.start(RoleName.EFFECTS, MANY)
        await made.until_settled(GROUP, EVENTS)

        def ended() -> bool:
            made.clock.advance(1)
            rows = [item for ref, item in made.store.items.items() if ref.table == EFFECTS]
            return len(rows) == len(events) and not [item for item in rows if "openPartition" in item]

        await eventually(ended)
        once = [call.id for call in port.calls if call.event.id in events[::2]]
        assert len(once) == len(set(once))
        wanted = {effect_id(event, "toy.once" if n % 2 == 0 else "toy.repeated") for n, event in enumerate(events)}
        possible = {effect_result_id(effect, f"RecordNotification{end}", 1) for effect in wanted for end in ("Delayed", "Unknown")}
        assert set(results(made)) <= possible
        assert len(set(results(made))) == len(events)
