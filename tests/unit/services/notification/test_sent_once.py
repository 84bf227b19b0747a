"""A worker dies at every await of a sending effect, another one takes over: nobody hears anything twice, and the outcome is told once.

The real effects run on the engine's effects role over a log and a store in memory; what they publish is judged by the decisions.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from contracts.clear import Clear, Redacted
from contracts.ids import effect_id, effect_result_id
from contracts.message import CommandData
from contracts.notification.commands import (
    PlanNotification,
    RecordNotificationDelivered,
    RecordNotificationRendered,
    RecordNotificationSent,
    RecordNotificationUnknown,
    ResolveUnknownNotification,
)
from contracts.notification.events import NotificationPlanned
from contracts.notification.values import Category, Money, PageLink
from contracts.position import Origin, Position
from contracts.timestamps import plus
from contracts.topics import commands_topic, events_topic
from contracts.types import Channel, EffectId, EventId, Pii
from tests.support import toy
from tests.support.faults import Pulse
from tests.support.oracle import START, Oracle
from tests.support.process import Plant, plant
from tests.support.verdict import header
from tests.support.waiting import eventually
from tests.unit.services.notification.outside import Phones, Port, Provider, seeded, to_sign
from tests.unit.services.notification.people import SANA, SOURCE, planned, status
from workers.engine.decision import ItemRef
from workers.engine.ledger import EFFECTS, LEASE
from workers.engine.runtime import RoleName
from workers.engine.service import Service
from workers.services.notification.effects import RENDER_IN_APP, SEND_EMAIL
from workers.services.notification.notification import Status
from workers.services.notification.ports import Email, MessageAnswer, Sms
from workers.services.notification.service import SERVICE
from workers.services.notification.sms import SEND_SMS

GROUP, EVENTS, COMMANDS = "notification-effects", events_topic("notification"), commands_topic("notification")
NAMES = {Channel.EMAIL: SEND_EMAIL.name, Channel.SMS: SEND_SMS.name, Channel.IN_APP: RENDER_IN_APP.name}
AWAITS = {Channel.EMAIL: 12, Channel.SMS: 10, Channel.IN_APP: 11}
"""At least: its rows, read until they name nothing new, its sealed texts, the call and its answer, the ledger, the log."""


class Heart(Pulse):
    """Stops for good at the ``at``-th wait of what takes the event up and of the effect; what merely sweeps is not counted."""

    def __init__(self, at: int | None = None) -> None:
        super().__init__()
        self.at, self.waits = at, 0

    async def wait(self) -> None:
        task = asyncio.current_task()
        if task is not None and any(name in repr(task.get_coro()) for name in ("_pump", "_guarded")):
            self.waits += 1
            if self.waits == self.at:
                self.stop()
        await super().wait()


@dataclass
class Outside:
    """The port of every channel. ``heart``: of the process that calls; it may die before each call and after it."""

    heart: Heart = field(default_factory=Heart)
    mail: Port = field(default_factory=Port)
    phones: Phones = field(default_factory=Phones)

    @property
    def sent(self) -> int:
        return len(self.mail.sent) + len(self.phones.sent)

    def ports(self) -> dict[str, Provider]:
        return {"ses": _Mail(self), "sms": _Phones(self), "render": _Mortal(self)}


class _Mortal(Provider):
    def __init__(self, outside: Outside) -> None:
        super().__init__()
        self._outside = outside

    async def open(self, sealed: str) -> Clear | Redacted:
        await self._outside.heart.wait()
        return await super().open(sealed)

    async def seal(self, subject: str, text: str) -> Pii[str]:
        await self._outside.heart.wait()
        return await super().seal(subject, text)


class _Mail(_Mortal):
    async def send(self, email: Email) -> MessageAnswer:
        heart = self._outside.heart
        await heart.wait()
        answer = await self._outside.mail.send(email)
        await heart.wait()
        return answer


class _Phones(_Mortal):
    async def send(self, sms: Sms) -> MessageAnswer:
        heart = self._outside.heart
        await heart.wait()
        answer = await self._outside.phones.send(sms)
        await heart.wait()
        return answer


def message(channel: Channel) -> PlanNotification:
    if channel is Channel.SMS:
        variables = {"amountText": Money(amount=120_000, currency="USD"), "link": PageLink(page="payouts")}
        return planned(channel, template="payout-failed").model_copy(update={"variables": variables})
    return to_sign(channel).model_copy(update={"category": Category.SECURITY})


@dataclass
class Story:
    """One message, and the processes that try to send it."""

    plan: PlanNotification
    monkeypatch: pytest.MonkeyPatch
    outside: Outside = field(default_factory=Outside)
    run: Oracle = field(default_factory=lambda: seeded(sms=True))

    def __post_init__(self) -> None:
        self.run.send(self.plan)

    @property
    def effect(self) -> EffectId:
        return effect_id(EventId(SOURCE), NAMES[self.plan.channel])

    async def begin(self, made: Plant, crash_at: int | None) -> None:
        made.store.items.update(self.run.items)
        self.work(made, Heart(crash_at))
        [event] = [event for event in self.run.events if isinstance(event, NotificationPlanned)]
        await made.send(EVENTS, [toy.event_record(event, SANA, Position(Origin("commands/0"), 3), event=SOURCE)])

    def work(self, made: Plant, heart: Heart) -> None:
        self.outside.heart = heart
        self.monkeypatch.setattr("tests.support.process.Pulse", lambda: heart)
        made.start(RoleName.EFFECTS)

    async def take_over(self, made: Plant) -> None:
        """The first worker stands still, its lease runs out, another one comes."""
        await made.processes[0].stand_still()
        self.work(made, Heart())
        made.clock.advance(LEASE / 1000 + 1)

    def ended(self, made: Plant) -> bool:
        return bool(results(made)) and "openPartition" not in made.store.items.get(ItemRef(EFFECTS, self.effect), {"openPartition": 0})


def results(made: Plant) -> list[CommandData]:
    """What the effects published, as who decides will read it."""
    found: list[CommandData] = []
    for record in made.records(COMMANDS):
        kind: Any = {each.command.kind(): each.command for each in SERVICE.handlers}[header(record, "ce_type")]
        found.append(kind.model_validate_json(record.value or b""))
    return found


async def outcome(
    plan: PlanNotification, crash_at: int | None, monkeypatch: pytest.MonkeyPatch, service: Service = SERVICE
) -> tuple[Story, list[CommandData], int]:
    """The story, what it published, and how often the effect waited in all when nobody died."""
    story = Story(plan, monkeypatch)
    async with plant(service, ports=story.outside.ports()) as made:
        await story.begin(made, crash_at)
        first = story.outside.heart
        await eventually(lambda: story.ended(made) or not first.beating)
        if not first.beating:
            await story.take_over(made)
            await eventually(lambda: story.ended(made))
        published, waits = results(made), first.waits
        ids = {header(record, "ce_id") for record in made.records(COMMANDS)}
        assert ids == {effect_result_id(story.effect, type(command).__name__, 1) for command in published}
        assert len(ids) == 1, "one outcome, however often it is published"
    # Leaving let the dead one wake: what it still wanted to do has happened by now, too.
    return story, published, waits


async def crashes(
    plan: PlanNotification, monkeypatch: pytest.MonkeyPatch, service: Service = SERVICE
) -> AsyncIterator[tuple[Story, CommandData]]:
    """One story per await."""
    _, [published], waits = await outcome(plan, None, monkeypatch, service)
    assert not isinstance(published, RecordNotificationUnknown)
    assert waits >= AWAITS[plan.channel]
    for at in range(1, waits + 1):
        story, commands, _ = await outcome(plan, at, monkeypatch, service)
        yield story, commands[0]


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
async def test_a_worker_that_dies_at_any_await_sends_at_most_once(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    async for story, published in crashes(message(channel), monkeypatch):
        assert story.outside.sent <= 1
        if isinstance(published, RecordNotificationSent):
            assert story.outside.sent == 1, "nothing is called sent that was not"
        else:
            assert isinstance(published, RecordNotificationUnknown), published
        seen.add((type(published), story.outside.sent))
        settled(story, published)
    # Before the call, in it, and after its answer was kept: all were met.
    assert seen == {(RecordNotificationUnknown, 0), (RecordNotificationUnknown, 1), (RecordNotificationSent, 1)}


def settled(story: Story, published: CommandData) -> None:
    """What the decisions make of it: an unknown one ends by the provider's word or, without it, by the clock."""
    run, plan = story.run, story.plan
    run.send(published)
    if isinstance(published, RecordNotificationSent):
        assert status(run, plan.notification_id) is Status.SENT
        return
    assert status(run, plan.notification_id) is Status.UNKNOWN
    silent = Oracle(SERVICE, dict(run.items), dict(run.timers), list(run.events))
    [timer] = silent.timers.values()
    assert isinstance(timer.command, ResolveUnknownNotification)
    silent.send(timer.command, at=timer.due_at)
    assert status(silent, plan.notification_id) is Status.FAILED
    assert len(silent.emitted(NotificationPlanned)) == 1, "a security mail or an sms is never sent again"
    if plan.channel is Channel.EMAIL:
        feedback = {"recipient_id": SANA, "notification_id": plan.notification_id}
        run.send(RecordNotificationSent(**feedback, attempt=1, provider_message_id="ses-1"))
        assert status(run, plan.notification_id) is Status.SENT
        run.send(RecordNotificationDelivered(**feedback))
        assert status(run, plan.notification_id) is Status.DELIVERED
        run.send(timer.command, at=plus(START, hours=3))
        assert len(run.emitted(NotificationPlanned)) == 1


async def test_a_message_in_the_app_is_shown_whatever_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering leaves nothing behind, so it is simply done again."""
    async for story, published in crashes(message(Channel.IN_APP), monkeypatch):
        assert isinstance(published, RecordNotificationRendered)
        story.run.send(published)
        assert status(story.run, story.plan.notification_id) is Status.STORED


async def test_the_exam_notices_an_effect_that_is_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    careless = Service("notification", SERVICE.handlers, effects=(replace(SEND_EMAIL, repeatable=True),))
    async for story, _ in crashes(message(Channel.EMAIL), monkeypatch, careless):
        if story.outside.sent == 2:
            return
    raise AssertionError("it was called twice, and nobody saw it")
