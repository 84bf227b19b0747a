"""Sms: short, plain, to who has a phone and wants it, and never sent again."""

from dataclasses import replace

import pytest

from contracts.clear import Clear
from contracts.notification.commands import (
    PlanNotification,
    RecordNotificationFailed,
    RecordNotificationSent,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
    ResolveUnknownNotification,
    SuppressAddress,
)
from contracts.notification.values import Money, PageLink, SuppressionReason, Variable
from contracts.timestamps import plus
from contracts.types import Channel, Locale
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.outside import Phones, answered, call, carried_out, rows, seeded
from tests.unit.services.notification.people import EMAIL_HASH, SANA, USER, planned, status, synced
from workers.engine.decision import UNCHANGED
from workers.engine.service import Done, Retryable, Unknown
from workers.services.notification.notification import Status
from workers.services.notification.ports import MessageAnswer, MessageFateUnknown, MessageNotTaken, MessageRejected
from workers.services.notification.sms import SEND_SMS, parts
from workers.services.notification.template import Family, family_ref

LATER = plus(START, days=1)


def payout_failed(**changes: Variable) -> PlanNotification:
    variables: dict[str, Variable] = {"amountText": Money(amount=120000, currency="EGP"), "link": PageLink(page="payouts")}
    return planned(Channel.SMS, template="payout-failed").model_copy(update={"variables": variables | changes})


def waiting(**changes: Variable) -> Oracle:
    run = seeded(sms=True)
    run.send(payout_failed(**changes))
    return run


async def test_a_planned_sms_is_sent_in_the_readers_language() -> None:
    run, port = waiting(), Phones()
    result = await carried_out(run, SEND_SMS, port)
    [sms] = port.sent
    assert sms.to == Clear("+201000000000")
    assert sms.text.startswith("Mind-Links: ")
    assert "١٬٢٠٠٫٠٠ جنيه مصري" in sms.text
    assert sms.text.endswith("https://app.example/payouts")
    template = Family.from_item(run.items[family_ref("payout-failed")]).chosen(Channel.SMS, Locale.AR)
    sent = RecordNotificationSent(
        recipient_id=SANA, notification_id=payout_failed().notification_id, attempt=1, provider_message_id="sns-1", template_id=template
    )
    assert result == Done((sent,), reference="sns-1")
    run.send(sent)
    assert status(run, payout_failed().notification_id) is Status.SENT


async def test_nothing_is_escaped() -> None:
    run, port = waiting(amountText="5 < 6 & 'seven'"), Phones()
    await carried_out(run, SEND_SMS, port)
    assert "5 < 6 & 'seven'" in port.sent[0].text


@pytest.mark.parametrize(("phone", "sms"), [(False, True), (True, False)])
def test_who_has_no_phone_or_does_not_want_sms_gets_none(phone: bool, sms: bool) -> None:
    run = seeded()
    run.send(synced(LATER, phone=f"s1.subject.{USER}.1.KzIwMTAwMDAwMDAwMA" if phone else None, sms=sms))
    assert run.send(payout_failed()) is UNCHANGED


async def test_a_suppressed_mailbox_says_nothing_of_the_phone() -> None:
    run, port = waiting(), Phones()
    run.send(SuppressAddress(address_hash=EMAIL_HASH, reason=SuppressionReason.COMPLAINT))
    await carried_out(run, SEND_SMS, port)
    assert len(port.sent) == 1


async def test_an_sms_to_an_address_of_its_own_obeys_that_addresss_suppression() -> None:
    run, port = seeded(sms=True), Phones()
    plan = payout_failed().model_copy(update={"address": f"s1.subject.{USER}.1.KzIwMTAwMDAwMDAwMA", "address_hash": "cd" * 32})
    run.send(SuppressAddress(address_hash="cd" * 32, reason=SuppressionReason.HARD_BOUNCE))
    run.send(plan)
    command = await answered(run, port, SEND_SMS)
    assert isinstance(command, RecordNotificationSuppressed)
    assert (command.reason, port.sent) == ("hard_bounce", [])


async def test_a_number_whose_key_is_gone_gets_nothing() -> None:
    run, port = waiting(), Phones()
    run.send(synced(LATER, phone=f"s1.subject.{USER}.1.Z29uZQ", sms=True))
    command = await answered(run, port, SEND_SMS)
    assert isinstance(command, RecordNotificationSuppressed)
    assert (command.reason, port.sent) == ("erased", [])


async def failure(run: Oracle, port: Phones) -> str:
    command = await answered(run, port, SEND_SMS)
    assert isinstance(command, RecordNotificationFailed)
    assert command.attempt == 1
    return command.code


async def test_permanent_failures() -> None:
    assert await failure(waiting(), Phones(answer=MessageRejected("OptedOut"))) == "OptedOut"
    port = Phones()
    assert await failure(waiting(amountText="x" * 700), port) == "too_long"
    missing = seeded(sms=True)
    missing.send(planned(Channel.SMS, template="payout-failed"))
    assert await failure(missing, port) == "missing_variable"
    untold = seeded(sms=True)
    untold.send(planned(Channel.SMS, template="contract-to-sign"))
    assert await failure(untold, port) == "template_missing"
    assert port.sent == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(MessageNotTaken("throttled", 3.0), Retryable("throttled", 3.0)), (MessageFateUnknown("reset"), Unknown("reset"))],
)
async def test_only_what_was_certainly_not_taken_may_be_tried_again(answer: MessageAnswer, expected: object) -> None:
    assert await carried_out(waiting(), SEND_SMS, Phones(answer=answer)) == expected


async def test_what_is_not_planned_at_this_attempt_is_left_alone() -> None:
    run, port = waiting(), Phones()
    asked = call(run)
    later = replace(asked, event=replace(asked.event, data=asked.event.data.model_copy(update={"attempt": 2})))
    assert await SEND_SMS.run(later, rows(run, SEND_SMS, later), port) == Done()
    assert port.sent == []


def test_an_sms_of_unknown_fate_fails_and_is_never_planned_again() -> None:
    run = waiting()
    asked = call(run)
    [unknown] = SEND_SMS.unknown(asked)
    assert not SEND_SMS.repeatable
    assert isinstance(unknown, RecordNotificationUnknown)
    run.send(unknown)
    planned_once = len(run.events)
    [timer] = run.timers.values()
    assert isinstance(timer.command, ResolveUnknownNotification)
    run.send(timer.command, at=timer.due_at)
    assert status(run, asked.event.data.notification_id) is Status.FAILED
    assert [type(event).__name__ for event in run.events[planned_once:]] == ["NotificationFailed"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 153 * 4, 4),
        ("a" * (153 * 4 + 1), 5),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ب" * 70, 1),
        ("ب" * 71, 2),
        ("ب" * 67 * 4, 4),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_parts_are_counted_as_the_network_does(text: str, expected: int) -> None:
    assert parts(text) == expected
