"""The sending effects over rows that the seed texts and the decisions made, with a port that remembers what it was asked."""

from dataclasses import dataclass, field, replace

import pytest

from contracts.clear import Clear, Redacted
from contracts.ids import effect_id
from contracts.message import CommandData
from contracts.notification.commands import (
    PlanNotification,
    RecordNotificationFailed,
    RecordNotificationRendered,
    RecordNotificationSent,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
    SuppressAddress,
)
from contracts.notification.events import NotificationPlanned
from contracts.notification.values import Category, Moment, PageLink, SuppressionReason, TokenLink, Variable
from contracts.timestamps import plus
from contracts.types import Channel, EventId, Locale, Pii
from tests.support.oracle import START, Oracle
from tests.unit.services.notification.people import EMAIL_HASH, NAME, SANA, SOURCE, USER, planned, planned_to_lead, synced
from workers.adapters.templates import Renderer
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Effect, Event, Retryable, Unknown
from workers.ops.seed.catalogue import stages
from workers.services.notification.effects import RENDER_IN_APP, SEND_EMAIL
from workers.services.notification.mailbox import recipient_ref
from workers.services.notification.ports import (
    CannotShowError,
    Email,
    EmailAccepted,
    EmailAnswer,
    EmailFateUnknown,
    EmailNotTaken,
    EmailRejected,
)
from workers.services.notification.service import SERVICE
from workers.services.notification.template import Family, family_ref, row_ref
from workers.services.notification.wording import UNREADABLE

LATER = plus(START, days=1)
CLIENT_NAME = f"s1.legal.{USER}.1.TmlsZQ"
CLEAR = {"c2FuYUBleGFtcGxlLmNvbQ": "sana@example.com", "U2FuYQ": "Sana", "TmlsZQ": "Nile <Design>"}


@dataclass
class Port(Renderer):
    """Opens what is in ``CLEAR``; the rest has lost its key."""

    answer: EmailAnswer = field(default_factory=lambda: EmailAccepted("ses-1"))
    sent: list[Email] = field(default_factory=list)
    app_url: str = "https://app.example"

    def __post_init__(self) -> None:
        super().__init__()

    async def open(self, sealed: str) -> Clear | Redacted:
        text = CLEAR.get(sealed.rpartition(".")[2])
        return Redacted.ERASED if text is None else Clear(text)

    async def seal(self, subject: str, text: str) -> Pii[str]:
        return f"s1.subject.{subject}.1.{text.encode().hex()}"

    def token_link(self, link: TokenLink) -> str:
        if link.kid != "k1":
            raise CannotShowError("link_key_unknown")
        return f"{self.app_url}/{link.purpose}?{link.nonce}"

    def page_link(self, link: PageLink) -> str:
        return f"{self.app_url}/{link.page}"

    async def send(self, email: Email) -> EmailAnswer:
        self.sent.append(email)
        return self.answer


def seeded() -> Oracle:
    run = Oracle(SERVICE)
    for stage in stages():
        for seed in stage:
            if seed.command.service == "notification":
                run.send(seed.command, id=seed.id)
    run.send(synced())
    run.events.clear()
    return run


def to_sign(channel: Channel = Channel.EMAIL, **changes: Variable) -> PlanNotification:
    variables: dict[str, Variable] = {
        "title": "Shop & more",
        "clientName": CLIENT_NAME,
        "contractorName": f"s1.legal.{USER}.1.R29uZQ",
        "signBy": Moment(at=START),
        "link": PageLink(page="contracts"),
    }
    return planned(channel).model_copy(update={"variables": variables | changes})


def call(run: Oracle) -> Call[NotificationPlanned]:
    [data] = [event for event in run.events if isinstance(event, NotificationPlanned)]
    event = Event(EventId(SOURCE), "notification", data.recipient_id, START, "system:test", data)
    return Call(effect_id(event.id, "x"), event, "test")


def rows(run: Oracle, effect: Effect[NotificationPlanned], asked: Call[NotificationPlanned]) -> dict[ItemRef, Item]:
    """As the engine reads them: until nothing new is named."""
    found: dict[ItemRef, Item] = {}
    seen: set[ItemRef] = set()
    while wanted := [ref for ref in effect.reads(asked.event, found) if ref not in seen]:
        seen.update(wanted)
        found |= {ref: run.items[ref] for ref in wanted if ref in run.items}
    return found


async def carried_out(run: Oracle, effect: Effect[NotificationPlanned], port: Port) -> object:
    asked = call(run)
    return await effect.run(asked, rows(run, effect, asked), port)


async def answered(run: Oracle, port: Port, effect: Effect[NotificationPlanned] = SEND_EMAIL) -> CommandData:
    result = await carried_out(run, effect, port)
    assert isinstance(result, Done)
    [command] = result.commands
    return command


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
    command = await answered(run, port)
    assert isinstance(command, RecordNotificationSuppressed)
    assert (command.reason, port.sent) == ("complaint", [])


async def test_the_hash_of_an_address_given_with_the_message_decides() -> None:
    run, port = seeded(), Port()
    plan = planned_to_lead()
    run.send(SuppressAddress(address_hash=plan.address_hash or "", reason=SuppressionReason.HARD_BOUNCE))
    run.send(plan)
    assert isinstance(await answered(run, port), RecordNotificationSuppressed)


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
    [(EmailNotTaken("throttled", 3.0), Retryable("throttled", 3.0)), (EmailFateUnknown("reset"), Unknown("reset"))],
)
async def test_what_may_have_been_taken_is_unknown_and_what_was_not_may_be_tried_again(answer: EmailAnswer, expected: object) -> None:
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
    assert await failure(run, Port(answer=EmailRejected("MessageRejected"))) == "MessageRejected"
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
    command = await answered(run, port)
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
            Channel.SMS: [],
            Channel.IN_APP: ["notification.render-inapp"],
        }[channel]
    assert recipient_ref(SANA) in run.items
