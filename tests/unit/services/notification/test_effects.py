"""The sending effects over rows that the seed texts and the decisions made, with a port that remembers what it was asked."""

from dataclasses import replace

import pytest

from contracts.clear import Clear
from contracts.notification.commands import (
    RecordNotificationFailed,
    RecordNotificationRendered,
    RecordNotificationSent,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
    SuppressAddress,
)
from contracts.notification.events import NotificationPlanned
from contracts.notification.values import Category, PageLink, SuppressionReason, TokenLink
from contracts.timestamps import plus
from contracts.types import Channel, Locale, Pii
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.outside import Port, answered, call, carried_out, rows, seeded, to_sign
from tests.unit.services.notification.people import EMAIL_HASH, NAME, SANA, USER, planned, planned_to_lead, synced
from workers.engine.service import Done, Effect, Retryable, Unknown
from workers.services.notification.effects import RENDER_IN_APP, SEND_EMAIL
from workers.services.notification.mailbox import recipient_ref
from workers.services.notification.ports import CannotShowError, MessageAnswer, MessageFateUnknown, MessageNotTaken, MessageRejected
from workers.services.notification.service import SERVICE
from workers.services.notification.template import Family, family_ref, row_ref
from workers.services.notification.wording import UNREADABLE

LATER = plus(START, days=1)


# --- e-mail --------------------------------------------------------------------------------------------------------


async def test_a_planned_mail_is_sent_in_the_readers_language() -> None:
    run, port = seeded(), Port()
    plan = to_sign()
    run.send(plan)
    result = await carried_out(run, SEND_EMAIL, port)
    [mail] = port.sent
    template = Family.from_item(run.items[family_ref("contract-to-sign")]).chosen(Channel.EMAIL, Locale.AR)
    sent = RecordNotificationSent(
        recipient_id=SANA, notification_id=plan.notification_id, attempt=1, provider_message_id="ses-1", template_id=template
    )
    assert result == Done((sent,), reference="ses-1")
    assert mail.to == Clear("sana@example.com")
    assert mail.content.subject == "يُرجى التوقيع: Shop & more"
    assert '<html dir="rtl" lang="ar">' in mail.content.html
    assert "مرحبًا Sana،" in mail.content.text
    assert "٣١ يناير ٢٠٢٦" in mail.content.text
    assert "Nile &lt;Design&gt;" in mail.content.html
    assert UNREADABLE in mail.content.text, "the other party was erased"
    assert mail.tags == {"notificationId": plan.notification_id, "recipientId": SANA, "attempt": "1", "environment": "test"}
    assert mail.unsubscribe is None


async def test_a_text_that_only_looks_sealed_is_never_opened() -> None:
    run, port = seeded(), Port()
    run.send(to_sign(title=f"s1.subject.{USER}.1.U2FuYQ"))
    await carried_out(run, SEND_EMAIL, port)
    assert f"s1.subject.{USER}.1.U2FuYQ" in port.sent[0].content.text


async def test_a_suppressed_address_gets_nothing() -> None:
    run, port = seeded(), Port()
    run.send(SuppressAddress(address_hash=EMAIL_HASH, reason=SuppressionReason.COMPLAINT))
    run.send(to_sign())
    command = await answered(run, port, SEND_EMAIL)
    assert isinstance(command, RecordNotificationSuppressed)
    assert (command.reason, port.sent) == ("complaint", [])


async def test_the_hash_of_an_address_given_with_the_message_decides() -> None:
    run, port = seeded(), Port()
    plan = planned_to_lead()
    run.send(SuppressAddress(address_hash=plan.address_hash or "", reason=SuppressionReason.HARD_BOUNCE))
    run.send(plan)
    assert isinstance(await answered(run, port, SEND_EMAIL), RecordNotificationSuppressed)


async def test_what_is_not_planned_at_this_attempt_is_left_alone() -> None:
    run, port = seeded(), Port()
    plan = to_sign()
    run.send(plan)
    asked = call(run)
    later = replace(asked, event=replace(asked.event, data=asked.event.data.model_copy(update={"attempt": 2})))
    assert await SEND_EMAIL.run(later, rows(run, SEND_EMAIL, later), port) == Done()
    run.send(RecordNotificationUnknown(recipient_id=SANA, notification_id=plan.notification_id, attempt=1))
    assert await SEND_EMAIL.run(asked, rows(run, SEND_EMAIL, asked), port) == Done()
    assert port.sent == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(MessageNotTaken("throttled", 3.0), Retryable("throttled", 3.0)), (MessageFateUnknown("reset"), Unknown("reset"))],
)
async def test_what_may_have_been_taken_is_unknown_and_what_was_not_may_be_tried_again(answer: MessageAnswer, expected: object) -> None:
    run = seeded()
    run.send(to_sign())
    assert await carried_out(run, SEND_EMAIL, Port(answer=answer)) == expected


async def test_an_unknown_outcome_is_reported_and_never_repeated() -> None:
    run = seeded()
    plan = to_sign()
    run.send(plan)
    assert not SEND_EMAIL.repeatable
    assert SEND_EMAIL.unknown(call(run)) == (RecordNotificationUnknown(recipient_id=SANA, notification_id=plan.notification_id, attempt=1),)


async def failure(run: Oracle, port: Port, effect: Effect[NotificationPlanned] = SEND_EMAIL) -> str:
    command = await answered(run, port, effect)
    assert isinstance(command, RecordNotificationFailed)
    assert command.attempt == 1
    return command.code


async def test_permanent_failures() -> None:
    run = seeded()
    run.send(to_sign())
    assert await failure(run, Port(answer=MessageRejected("MessageRejected"))) == "MessageRejected"
    missing = seeded()
    missing.send(planned())
    assert await failure(missing, Port()) == "missing_variable"
    linked = seeded()
    linked.send(to_sign(link=TokenLink(purpose="p", id=USER, nonce="n", kid="gone")))
    assert await failure(linked, Port()) == "link_key_unknown"
    untold = seeded()
    untold.send(planned(template="never-published"))
    assert await failure(untold, Port()) == "template_missing"


async def test_an_erased_address_gets_nothing() -> None:
    run, port = seeded(), Port()
    run.send(synced(LATER, email=f"s1.subject.{USER}.1.Z29uZQ"))
    run.send(to_sign())
    command = await answered(run, port, SEND_EMAIL)
    assert isinstance(command, RecordNotificationSuppressed)
    assert (command.reason, port.sent) == ("erased", [])


async def test_english_stands_in_for_a_missing_translation() -> None:
    run, port = seeded(), Port()
    root = family_ref("contract-to-sign")
    family = Family.from_item(run.items[root])
    active = {slot: id_ for slot, id_ in family.active.items() if slot != "email#ar"}
    run.items[root] = {"id": root.key, **family.model_copy(update={"active": active}).to_item()}
    run.send(to_sign())
    await carried_out(run, SEND_EMAIL, port)
    assert port.sent[0].content.subject == "Please sign: Shop & more"
    assert '<html dir="ltr" lang="en">' in port.sent[0].content.html


async def test_marketing_mail_says_where_to_unsubscribe() -> None:
    run, port = seeded(), Port()
    plan = to_sign(unsubscribeLink=PageLink(page="unsubscribe")).model_copy(update={"category": Category.MARKETING})
    run.send(plan)
    await carried_out(run, SEND_EMAIL, port)
    assert port.sent[0].unsubscribe == "https://app.example/unsubscribe"


async def test_no_marketing_mail_goes_out_without_a_way_to_unsubscribe() -> None:
    run, port = seeded(), Port()
    run.send(to_sign().model_copy(update={"category": Category.MARKETING}))
    assert (await failure(run, port), port.sent) == ("missing_variable", [])


# --- in-app --------------------------------------------------------------------------------------------------------


async def test_an_in_app_message_is_rendered_and_sealed_for_its_reader() -> None:
    run = seeded()
    run.send(to_sign(Channel.IN_APP))
    command = await answered(run, Port(), RENDER_IN_APP)
    assert isinstance(command, RecordNotificationRendered)
    title = bytes.fromhex(command.title.rpartition(".")[2]).decode()
    message = bytes.fromhex(command.message.rpartition(".")[2]).decode()
    assert title == "يُرجى التوقيع: Shop &amp; more"
    assert "Nile &lt;Design&gt;" in message
    assert command.title.startswith(f"s1.subject.{SANA}.")
    assert row_ref(command.template_id) in run.items


async def test_an_in_app_message_to_somebody_erased_ends() -> None:
    class Erased(Port):
        async def seal(self, subject: str, text: str) -> Pii[str]:
            raise CannotShowError("erased")

    run = seeded()
    run.send(to_sign(Channel.IN_APP))
    assert await failure(run, Erased(), RENDER_IN_APP) == "erased"


async def test_an_in_app_message_fails_on_a_missing_variable() -> None:
    run = seeded()
    run.send(planned(Channel.IN_APP))
    assert await failure(run, Port(), RENDER_IN_APP) == "missing_variable"


def test_each_effect_takes_its_own_channel() -> None:
    for channel in Channel:
        run = seeded()
        run.send(synced(LATER, phone=NAME, sms=True))
        run.send(planned(channel))
        assert [effect.name for effect in SERVICE.effects if effect.when(call(run).event)] == {
            Channel.EMAIL: ["notification.send-email"],
            Channel.SMS: ["notification.send-sms"],
            Channel.IN_APP: ["notification.render-inapp"],
        }[channel]
    assert recipient_ref(SANA) in run.items
