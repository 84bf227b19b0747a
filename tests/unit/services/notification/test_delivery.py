"""What effects answer and providers report. Facts come in any order and more than once."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import notification_id, template_id
from contracts.message import CommandData
from contracts.notification.commands import (
    MarkNotificationsRead,
    RecordNotificationBounced,
    RecordNotificationComplained,
    RecordNotificationDelayed,
    RecordNotificationDelivered,
    RecordNotificationFailed,
    RecordNotificationRendered,
    RecordNotificationSent,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
    ResolveUnknownNotification,
)
from contracts.notification.events import (
    NotificationBounced,
    NotificationComplained,
    NotificationDelivered,
    NotificationFailed,
    NotificationSent,
    NotificationsRead,
    NotificationStored,
    NotificationSuppressed,
)
from contracts.timestamps import plus, to_seconds
from contracts.types import Channel, EventId, NotificationId, RecipientId, UserId
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.people import ADMIN, EMAIL_HASH, NAME, SANA, SOURCE, TEMPLATE, oracle, planned, row, status
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.notification.mailbox import message_ref, notification_ref
from workers.services.notification.notification import Status
from workers.services.notification.recipient import ADMINS
from workers.services.notification.service import SERVICE
from workers.services.notification.template import TABLE as TEMPLATES

MESSAGE = "0100019491b2f3a7-1c0ad5f0"
MAIL = planned().notification_id
IN_APP = planned(Channel.IN_APP).notification_id
ROW = template_id(TEMPLATES, TEMPLATE, "email", "en", 1)

SENT = RecordNotificationSent(recipient_id=SANA, notification_id=MAIL, attempt=1, provider_message_id=MESSAGE, template_id=ROW)
BROKEN_OFF = RecordNotificationUnknown(recipient_id=SANA, notification_id=MAIL, attempt=1)
DELAYED = RecordNotificationDelayed(recipient_id=SANA, notification_id=MAIL)
DELIVERED = RecordNotificationDelivered(recipient_id=SANA, notification_id=MAIL)
FAILED = RecordNotificationFailed(recipient_id=SANA, notification_id=MAIL, attempt=1, code="MessageRejected")
SUPPRESSED = RecordNotificationSuppressed(recipient_id=SANA, notification_id=MAIL, reason="complaint")
BOUNCED = RecordNotificationBounced(recipient_id=SANA, notification_id=MAIL, permanent=True, sub_type="NoEmail", address_hash=EMAIL_HASH)
COMPLAINED = RecordNotificationComplained(recipient_id=SANA, notification_id=MAIL, address_hash=EMAIL_HASH)
RENDERED = RecordNotificationRendered(recipient_id=SANA, notification_id=IN_APP, template_id=ROW, title=NAME, message=NAME)

FACTS: tuple[CommandData, ...] = (SENT, BROKEN_OFF, DELAYED, DELIVERED, FAILED, SUPPRESSED, BOUNCED, COMPLAINED)


def mailed(*facts: CommandData) -> Oracle:
    run = oracle()
    run.send(planned())
    run.events.clear()
    for fact in facts:
        run.send(fact)
    return run


def stored() -> Oracle:
    run = oracle()
    run.send(planned(Channel.IN_APP))
    run.events.clear()
    run.send(RENDERED)
    return run


# --- e-mail --------------------------------------------------------------------------------------------------------


def test_a_sent_message_claims_its_message_id() -> None:
    run = mailed(SENT)
    assert run.events == [
        NotificationSent(
            notification_id=MAIL, channel=Channel.EMAIL, recipient_id=SANA, template=TEMPLATE, provider_message_id=MESSAGE, attempt=1
        )
    ]
    claim = dict(run.items[message_ref(MESSAGE)])
    assert (claim["notificationId"], claim["recipientId"]) == (MAIL, SANA)
    assert claim["expiresAt"] == to_seconds(plus(START, days=30))
    assert (row(run, MAIL).status, row(run, MAIL).template_id) == (Status.SENT, ROW)


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ((SENT, DELIVERED), Status.DELIVERED),
        ((DELIVERED, SENT), Status.DELIVERED),
        ((SENT, DELAYED, DELIVERED), Status.DELIVERED),
        ((SENT, DELIVERED, DELAYED), Status.DELIVERED),
        ((SENT, DELIVERED, BOUNCED), Status.BOUNCED),
        ((SENT, BOUNCED, DELIVERED), Status.BOUNCED),
        ((SENT, BOUNCED, COMPLAINED), Status.COMPLAINED),
        ((BROKEN_OFF, SENT), Status.SENT),
        ((BROKEN_OFF, DELIVERED), Status.DELIVERED),
        ((SENT, BROKEN_OFF), Status.SENT),
        ((FAILED, SENT), Status.FAILED),
        ((SUPPRESSED, DELIVERED), Status.SUPPRESSED),
        ((SENT, SUPPRESSED), Status.SENT),
        ((FAILED, BOUNCED), Status.FAILED),
    ],
)
def test_a_fact_of_lower_rank_changes_nothing(facts: tuple[CommandData, ...], ends: Status) -> None:
    assert status(mailed(*facts), MAIL) is ends


@pytest.mark.parametrize("order", list(permutations([SENT, DELAYED, DELIVERED, COMPLAINED])))
def test_feedback_in_any_order_ends_the_same_and_is_sent_once(order: tuple[CommandData, ...]) -> None:
    run = mailed(*order)
    assert (status(run, MAIL), row(run, MAIL).provider_message_id) == (Status.COMPLAINED, MESSAGE)
    assert len(run.emitted(NotificationSent)) == 1


@given(st.lists(st.sampled_from(FACTS), max_size=20))
def test_a_fact_that_was_judged_does_nothing_when_it_comes_again(facts: list[CommandData]) -> None:
    run = mailed(*facts)
    before, events = dict(run.items), list(run.events)
    for fact in facts:
        run.send(fact)
    assert (run.items, run.events) == (before, events)


def test_every_fact_has_its_event() -> None:
    assert mailed(FAILED).events == [
        NotificationFailed(notification_id=MAIL, channel=Channel.EMAIL, template=TEMPLATE, code="MessageRejected")
    ]
    assert mailed(SUPPRESSED).events == [NotificationSuppressed(notification_id=MAIL, channel=Channel.EMAIL, reason="complaint")]
    assert mailed(DELIVERED).events == [NotificationDelivered(notification_id=MAIL, channel=Channel.EMAIL)]
    assert mailed(DELAYED).events == []
    assert mailed(BOUNCED).events == [
        NotificationBounced(notification_id=MAIL, recipient_id=SANA, address_hash=EMAIL_HASH, permanent=True, sub_type="NoEmail")
    ]
    assert mailed(COMPLAINED).events == [NotificationComplained(notification_id=MAIL, recipient_id=SANA, address_hash=EMAIL_HASH)]


def test_a_message_id_of_another_message_is_shown_not_taken() -> None:
    run = mailed(SENT)
    second = planned(source=EventId("00000000-0000-4000-8000-000000000001"))
    run.send(second)
    run.send(SENT.model_copy(update={"notification_id": second.notification_id}))
    assert (row(run, second.notification_id).status, row(run, second.notification_id).failure_code) == (Status.SENT, "message_id_taken")
    assert run.items[message_ref(MESSAGE)]["notificationId"] == MAIL


def test_a_former_attempts_facts_do_not_end_the_next_one() -> None:
    run = mailed(BROKEN_OFF)
    run.send(ResolveUnknownNotification(recipient_id=SANA, notification_id=MAIL, attempt=1))
    for late in (SENT, BROKEN_OFF, FAILED, DELIVERED, DELAYED):
        assert run.send(late) is UNCHANGED
    assert isinstance(run.send(SENT.model_copy(update={"attempt": 2})), Accepted)


@pytest.mark.parametrize("fact", [*FACTS, RENDERED])
def test_facts_about_an_absent_message_are_not_found(fact: CommandData) -> None:
    assert oracle().send(fact) == Refused("not_found")


def test_another_recipients_message_is_not_found() -> None:
    run = mailed()
    other = RecipientId("22222222-2222-4222-8222-222222222222")
    before = dict(run.items)
    assert run.send(DELIVERED.model_copy(update={"recipient_id": other})) == Refused("not_found")
    assert run.items == before


# --- in-app --------------------------------------------------------------------------------------------------------


def test_a_rendered_message_is_stored_unread() -> None:
    run = stored()
    assert run.events == [NotificationStored(notification_id=IN_APP, user_id=UserId(SANA), template=TEMPLATE)]
    item = run.items[notification_ref(IN_APP)]
    assert (item["status"], item["read"], item["unreadUserId"], item["title"]) == ("stored", False, SANA, NAME)
    assert run.send(RENDERED) is UNCHANGED


def test_reading_takes_it_out_of_the_unread_index() -> None:
    run = stored()
    read = MarkNotificationsRead(recipient_id=SANA, ids=(IN_APP, IN_APP))
    run.send(read, actor=f"company:{SANA}")
    assert run.emitted(NotificationsRead) == [NotificationsRead(user_id=UserId(SANA), ids=(IN_APP,))]
    item = run.items[notification_ref(IN_APP)]
    assert (item["read"], "unreadUserId" in item) == (True, False)
    assert run.send(read, actor=f"company:{SANA}") is UNCHANGED


def test_only_the_recipient_reads_and_only_what_is_there() -> None:
    run = stored()
    read = MarkNotificationsRead(recipient_id=SANA, ids=(IN_APP,))
    assert run.send(read, actor="company:22222222-2222-4222-8222-222222222222") == Refused("forbidden")
    absent = MarkNotificationsRead(recipient_id=SANA, ids=(NotificationId(SOURCE),))
    assert run.send(absent, actor=f"company:{SANA}") == Refused("not_found")


def test_any_admin_reads_for_the_group_of_admins() -> None:
    run = Oracle(SERVICE)
    id_ = notification_id(SOURCE, ADMINS, Channel.IN_APP, "admin-alert")
    plan = planned(Channel.IN_APP).model_copy(update={"recipient_id": ADMINS, "notification_id": id_, "template": "admin-alert"})
    run.send(plan)
    run.send(RENDERED.model_copy(update={"recipient_id": ADMINS, "notification_id": id_}))
    read = MarkNotificationsRead(recipient_id=ADMINS, ids=(id_,))
    assert run.send(read, actor="company:22222222-2222-4222-8222-222222222222") == Refused("forbidden")
    assert isinstance(run.send(read, actor=ADMIN), Accepted)
