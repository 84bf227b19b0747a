"""A person is forgotten a day after it was asked for: not before the last mail has left, and for good."""

import pytest

from contracts.auth import ErasurePart, ErasureRequested, RecordErasurePart
from contracts.message import CommandData
from contracts.notification.commands import (
    EraseRecipient,
    FinishRecipientErasure,
    PlanNotification,
    RecordNotificationFailed,
    RecordNotificationSuppressed,
    RetryNotification,
)
from contracts.notification.events import NotificationFailed, NotificationPlanned, NotificationSuppressed, RecipientErased
from contracts.timestamps import plus
from contracts.types import Channel, CommandId
from tests.contracts.test_examples import raw
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.outside import Phones, Port, Provider, answered, seeded, to_sign
from tests.unit.services.notification.people import (
    ADMIN,
    PHONE,
    SANA,
    SOURCE,
    USER,
    oracle,
    planned,
    planned_to_lead,
    recipient,
    status,
    synced,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused, ScheduleTimer
from workers.engine.service import Effect, Event
from workers.services.auth.service import SERVICE as AUTH
from workers.services.notification.effects import SEND_EMAIL
from workers.services.notification.erasure import DELAY_HOURS
from workers.services.notification.mailbox import recipient_ref
from workers.services.notification.notification import Status
from workers.services.notification.service import SERVICE
from workers.services.notification.sms import SEND_SMS

ERASE, FINISH = EraseRecipient(recipient_id=SANA), FinishRecipientErasure(recipient_id=SANA)
DUE = plus(START, hours=DELAY_HOURS)
PERSONAL = {"email", "emailHash", "phone", "firstName"}


def forgotten(run: Oracle) -> Oracle:
    run.send(ERASE)
    run.send(FINISH, at=DUE)
    return run


def test_the_request_alone_takes_nothing_away_and_sets_the_timer() -> None:
    run = oracle()
    assert isinstance(run.send(ERASE), Accepted)
    assert run.timers == {("recipient-erase", SANA): ScheduleTimer("recipient-erase", SANA, DUE, FINISH)}
    assert recipient(run).email is not None
    assert run.events == []


def test_the_mail_about_the_request_still_leaves_within_the_day() -> None:
    run = oracle()
    run.send(ERASE)
    assert isinstance(run.send(planned(template="erasure-received")), Accepted)
    [event] = run.emitted(NotificationPlanned)
    assert isinstance(event, NotificationPlanned)
    assert event.address == recipient(run).email


def test_a_day_later_nothing_leads_to_the_person_any_more() -> None:
    run = oracle()
    run.send(synced(plus(START, seconds=1), phone=PHONE))
    assert run.items[recipient_ref(SANA)].keys() >= PERSONAL
    forgotten(run)
    assert run.events == [RecipientErased(user_id=USER)]
    item = run.items[recipient_ref(SANA)]
    assert not (item.keys() & {*PERSONAL, "waiting", "eraseAt"})
    assert item["erased"] is True


def test_one_who_was_never_heard_of_leaves_a_row_that_nothing_brings_back() -> None:
    run = forgotten(oracle(known=False))
    assert run.events == [RecipientErased(user_id=USER)]
    assert run.send(synced(plus(DUE, hours=1))) == Refused("erased")
    assert run.send(planned()) is UNCHANGED
    assert not (run.items[recipient_ref(SANA)].keys() & PERSONAL)


def test_what_waits_for_an_address_waits_no_longer() -> None:
    run, plan = oracle(known=False), planned()
    run.send(plan)
    assert status(run, plan.notification_id) is Status.WAITING
    forgotten(run)
    failed = NotificationFailed(notification_id=plan.notification_id, channel=Channel.EMAIL, template=plan.template, code="no_address")
    assert run.events == [failed, RecipientErased(user_id=USER)]
    assert status(run, plan.notification_id) is Status.FAILED


def test_asked_again_it_is_not_put_off() -> None:
    run = oracle()
    run.send(ERASE)
    assert run.send(ERASE, at=plus(START, hours=23)) is UNCHANGED
    assert [timer.due_at for timer in run.timers.values()] == [DUE]
    run.send(FINISH, at=DUE)
    assert run.send(ERASE, at=plus(DUE, days=400)) is UNCHANGED
    assert run.send(FINISH, at=plus(DUE, days=400)) is UNCHANGED
    assert run.emitted(RecipientErased) == [RecipientErased(user_id=USER)]


def test_nothing_is_finished_that_was_not_begun_or_is_not_due() -> None:
    assert oracle(known=False).send(FINISH) == Refused("not_found")
    run = oracle()
    assert run.send(FINISH, at=DUE) is UNCHANGED
    run.send(ERASE)
    assert run.send(FINISH, at=plus(START, hours=DELAY_HOURS - 1)) is UNCHANGED
    assert recipient(run).email is not None


def test_a_failed_message_to_somebody_erased_is_not_tried_again() -> None:
    run, plan = oracle(), planned()
    run.send(plan)
    run.send(RecordNotificationFailed(recipient_id=SANA, notification_id=plan.notification_id, attempt=1, code="MessageRejected"))
    forgotten(run)
    retry = RetryNotification(recipient_id=SANA, notification_id=plan.notification_id)
    assert run.send(retry, actor=ADMIN) == Refused("erased")


@pytest.mark.parametrize(("effect", "port", "channel"), [(SEND_EMAIL, Port(), Channel.EMAIL), (SEND_SMS, Phones(), Channel.SMS)])
async def test_what_was_planned_before_and_not_sent_yet_is_held_back(
    effect: Effect[NotificationPlanned], port: Provider, channel: Channel
) -> None:
    run = seeded(sms=True)
    plan = planned(channel, template="payout-failed") if channel is Channel.SMS else to_sign()
    run.send(plan)
    forgotten(run)
    command = await answered(run, port, effect)
    assert isinstance(command, RecordNotificationSuppressed)
    assert isinstance(port, Port | Phones)
    assert (command.reason, port.sent) == ("erased", [])
    run.send(command)
    assert run.emitted(NotificationSuppressed) == [
        NotificationSuppressed(notification_id=plan.notification_id, channel=channel, reason="erased")
    ]


def test_messages_to_others_go_on() -> None:
    run = forgotten(oracle())
    assert isinstance(run.send(planned_to_lead()), Accepted)


def test_the_accounts_request_erases_and_is_answered_by_mail() -> None:
    data = raw(ErasureRequested.kind()).decode().data
    assert isinstance(data, ErasureRequested)
    event = Event(SOURCE, "auth", data.user_id, START, "company:1", data)
    [reaction] = [each for each in SERVICE.reactions if each.event is ErasureRequested]
    commands: list[CommandData] = [send.command for send in reaction.react(event, ())]
    assert commands[0] == EraseRecipient(recipient_id=data.user_id)
    assert [type(command) for command in commands[1:]] == [PlanNotification]
    run = Oracle(SERVICE)
    for number, command in enumerate(commands):
        assert isinstance(run.send(command, id=CommandId(f"00000000-0000-4000-8000-00000000000{number}")), Accepted)


def test_the_account_counts_the_answer_as_the_part_of_notification() -> None:
    run = forgotten(oracle())
    [data] = run.events
    [reaction] = [each for each in AUTH.reactions if each.event is RecipientErased]
    [send] = reaction.react(Event(SOURCE, "notification", SANA, DUE, "system:timers", data), ())
    assert send.command == RecordErasurePart(user_id=USER, part=ErasurePart.NOTIFICATION)
