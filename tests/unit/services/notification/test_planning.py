"""Whether a message is planned, waits, or is nobody's wish; and what happens to one whose fate is unknown."""

import pytest

from contracts.notification.commands import (
    RecordNotificationFailed,
    RecordNotificationUnknown,
    ResolveUnknownNotification,
    RetryNotification,
)
from contracts.notification.events import NotificationFailed, NotificationPlanned, NotificationSuppressed, NotificationUnknown
from contracts.notification.values import Category
from contracts.timestamps import plus, to_seconds
from contracts.types import Channel, CommandId, EventId, Locale, NotificationId
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.people import (
    ADMIN,
    EMAIL,
    LEAD,
    LEAD_ID,
    PHONE,
    SANA,
    SOURCE,
    TEMPLATE,
    oracle,
    planned,
    planned_to_lead,
    recipient,
    row,
    status,
    synced,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused, ScheduleTimer
from workers.services.notification.mailbox import notification_ref
from workers.services.notification.notification import Status

LATER = plus(START, hours=1)


def event_ids(count: int) -> list[EventId]:
    return [EventId(f"00000000-0000-4000-8000-{number:012d}") for number in range(count)]


def unknown(run: Oracle, category: Category = Category.TRANSACTIONAL) -> NotificationId:
    """A planned e-mail whose sending broke off."""
    command = planned(category=category)
    run.send(command)
    run.send(RecordNotificationUnknown(recipient_id=SANA, notification_id=command.notification_id, attempt=1))
    return command.notification_id


def resolve(run: Oracle, id_: NotificationId, attempt: int) -> object:
    return run.send(ResolveUnknownNotification(recipient_id=SANA, notification_id=id_, attempt=attempt))


# --- planning ------------------------------------------------------------------------------------------------------


def test_a_message_to_a_known_address_is_planned() -> None:
    run, command = oracle(), planned()
    run.send(command, id=CommandId(SOURCE))
    assert run.events == [
        NotificationPlanned(
            notification_id=command.notification_id,
            channel=Channel.EMAIL,
            recipient_id=SANA,
            template=TEMPLATE,
            category=Category.TRANSACTIONAL,
            locale=Locale.AR,
            attempt=1,
            variables=command.variables,
            address=EMAIL,
        )
    ]
    assert dict(run.items[notification_ref(command.notification_id)]) == {
        "id": command.notification_id,
        "type": "email",
        "recipientId": SANA,
        "userId": SANA,
        "template": TEMPLATE,
        "category": "txn",
        "variables": {"title": "Online shop", "signBy": {"at": START}, "link": {"page": "contracts"}},
        "status": "planned",
        "attempt": 1,
        "sourceEventId": SOURCE,
        "expiresAt": to_seconds(START) + 180 * 86400,
        "createdBy": SOURCE,
        "createdAt": START,
        "updatedAt": START,
    }


def test_an_in_app_message_needs_no_address() -> None:
    run = oracle(known=False)
    run.send(planned(Channel.IN_APP))
    assert [(event.channel, event.locale, event.address) for event in run.events if isinstance(event, NotificationPlanned)] == [
        (Channel.IN_APP, Locale.EN, None)
    ]


def test_a_person_without_account_gets_mail_under_the_address_alone() -> None:
    run, command = oracle(known=False), planned_to_lead()
    run.send(command)
    [event] = run.emitted(NotificationPlanned)
    assert isinstance(event, NotificationPlanned)
    assert (event.address, event.locale, event.recipient_id) == (LEAD, Locale.EN, LEAD_ID)
    stored = row(run, command.notification_id)
    assert (stored.user_id, stored.address, stored.address_hash) == (None, LEAD, command.address_hash)


@pytest.mark.parametrize(
    ("channel", "category", "mail", "sms", "phone", "goes"),
    [
        (Channel.EMAIL, Category.SECURITY, False, False, False, True),
        (Channel.EMAIL, Category.TRANSACTIONAL, False, False, False, True),
        (Channel.EMAIL, Category.PRODUCT, False, False, False, False),
        (Channel.EMAIL, Category.MARKETING, False, False, False, False),
        (Channel.EMAIL, Category.PRODUCT, True, False, False, True),
        (Channel.SMS, Category.SECURITY, True, False, True, False),
        (Channel.SMS, Category.SECURITY, True, True, False, False),
        (Channel.SMS, Category.TRANSACTIONAL, False, True, True, True),
        (Channel.IN_APP, Category.MARKETING, False, False, False, True),
    ],
)
def test_category_and_wishes_choose_the_channel(
    channel: Channel, category: Category, mail: bool, sms: bool, phone: bool, goes: bool
) -> None:
    run = oracle(known=False)
    run.send(synced(mail=mail, sms=sms, phone=PHONE if phone else None))
    decision = run.send(planned(channel, category=category))
    assert isinstance(decision, Accepted) if goes else decision is UNCHANGED


def test_news_older_than_a_week_is_not_worth_a_message() -> None:
    run = oracle()
    assert run.send(planned(), at=plus(START, days=7, seconds=1)) is UNCHANGED
    assert isinstance(run.send(planned(), at=plus(START, days=7)), Accepted)


def test_the_same_command_again_is_nothing_to_do_another_of_that_id_a_conflict() -> None:
    run, command = oracle(), planned()
    run.send(command, id=CommandId(SOURCE))
    assert run.send(command, id=CommandId(SOURCE)) is UNCHANGED
    assert run.send(command) == Refused("id_conflict")


def test_an_id_that_does_not_follow_from_its_source_is_refused() -> None:
    foreign = planned(Channel.IN_APP).notification_id
    assert oracle().send(planned().model_copy(update={"notification_id": foreign})) == Refused("id_mismatch")


# --- waiting for an address ----------------------------------------------------------------------------------------


def test_a_message_waits_for_its_recipient() -> None:
    run, command = oracle(known=False), planned()
    run.send(command)
    assert (run.events, status(run, command.notification_id)) == ([], Status.WAITING)
    assert recipient(run).waiting == (command.notification_id,)
    run.send(synced(email=None), at=LATER)
    assert run.events == []
    run.send(synced(plus(START, seconds=1)), at=LATER)
    assert [type(event) for event in run.events] == [NotificationPlanned]
    assert (status(run, command.notification_id), recipient(run).waiting) == (Status.PLANNED, ())


def test_after_a_day_it_waits_no_longer() -> None:
    run, command = oracle(known=False), planned()
    run.send(command)
    run.send(synced(), at=plus(START, hours=24, seconds=1))
    id_ = command.notification_id
    assert run.events == [NotificationFailed(notification_id=id_, channel=Channel.EMAIL, template=TEMPLATE, code="no_address")]


def test_wishes_that_came_meanwhile_count() -> None:
    run, command = oracle(known=False), planned(category=Category.PRODUCT)
    run.send(command)
    run.send(synced(mail=False), at=LATER)
    assert run.events == [NotificationSuppressed(notification_id=command.notification_id, channel=Channel.EMAIL, reason="channel_off")]


def test_at_most_fifty_wait() -> None:
    run = oracle(known=False)
    commands = [planned(source=source) for source in event_ids(51)]
    for command in commands:
        run.send(command)
    assert [type(event) for event in run.events] == [NotificationFailed]
    assert status(run, commands[50].notification_id) is Status.FAILED
    run.send(synced(), at=LATER)
    assert len(run.emitted(NotificationPlanned)) == 50


# --- unknown outcomes and retries ----------------------------------------------------------------------------------


def test_an_unknown_outcome_is_looked_at_again_after_two_hours() -> None:
    run = oracle()
    id_ = unknown(run)
    check = ResolveUnknownNotification(recipient_id=SANA, notification_id=id_, attempt=1)
    assert run.timers == {("notification-check", id_): ScheduleTimer("notification-check", id_, plus(START, hours=2), check)}
    assert run.events[1:] == [NotificationUnknown(notification_id=id_, channel=Channel.EMAIL, attempt=1)]


def test_it_is_sent_again_at_most_twice() -> None:
    run = oracle()
    id_ = unknown(run)
    for attempt in (1, 2):
        assert isinstance(resolve(run, id_, attempt), Accepted)
        run.send(RecordNotificationUnknown(recipient_id=SANA, notification_id=id_, attempt=attempt + 1))
    resolve(run, id_, 3)
    assert [event.attempt for event in run.events if isinstance(event, NotificationPlanned)] == [1, 2, 3]
    assert row(run, id_).failure_code == "unknown_outcome"


def test_a_security_mail_is_never_sent_again() -> None:
    run = oracle()
    id_ = unknown(run, Category.SECURITY)
    resolve(run, id_, 1)
    assert (status(run, id_), row(run, id_).failure_code) == (Status.FAILED, "unknown_outcome")


def test_a_late_check_of_a_former_attempt_changes_nothing() -> None:
    run = oracle()
    id_ = unknown(run)
    resolve(run, id_, 1)
    run.send(RecordNotificationUnknown(recipient_id=SANA, notification_id=id_, attempt=2))
    assert resolve(run, id_, 1) is UNCHANGED


def failed(run: Oracle, category: Category = Category.TRANSACTIONAL) -> NotificationId:
    command = planned(category=category)
    run.send(command)
    run.send(RecordNotificationFailed(recipient_id=SANA, notification_id=command.notification_id, attempt=1, code="MessageRejected"))
    return command.notification_id


def test_an_admin_may_have_a_failed_message_sent_again() -> None:
    run = oracle()
    retry = RetryNotification(recipient_id=SANA, notification_id=failed(run))
    assert isinstance(run.send(retry, actor=ADMIN, id=CommandId(SOURCE)), Accepted)
    again = row(run, retry.notification_id)
    assert (again.status, again.attempt, again.failure_code) == (Status.PLANNED, 2, None)
    run.send(RecordNotificationFailed(recipient_id=SANA, notification_id=again.id, attempt=2, code="MessageRejected"))
    assert run.send(retry, actor=ADMIN, id=CommandId(SOURCE)) is UNCHANGED
    assert isinstance(run.send(retry, actor=ADMIN), Accepted)
    run.send(RecordNotificationFailed(recipient_id=SANA, notification_id=again.id, attempt=3, code="MessageRejected"))
    assert run.send(retry, actor=ADMIN) == Refused("attempts_exhausted")


def test_retries_that_are_refused() -> None:
    run = oracle()
    retry = RetryNotification(recipient_id=SANA, notification_id=failed(run, Category.SECURITY))
    assert run.send(retry, actor=ADMIN) == Refused("invalid_state")
    assert run.send(retry, actor=f"company:{SANA}") == Refused("forbidden")
    run.send(synced(plus(START, seconds=1), phone=PHONE, sms=True))
    texted = planned(Channel.SMS)
    run.send(texted)
    run.send(RecordNotificationFailed(recipient_id=SANA, notification_id=texted.notification_id, attempt=1, code="OptedOut"))
    assert run.send(retry.model_copy(update={"notification_id": texted.notification_id}), actor=ADMIN) == Refused("invalid_state")
    absent = retry.model_copy(update={"notification_id": planned(Channel.IN_APP).notification_id})
    assert run.send(absent, actor=ADMIN) == Refused("not_found")
    assert resolve(run, absent.notification_id, 1) == Refused("not_found")
