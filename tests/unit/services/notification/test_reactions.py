"""Which messages follow from which event, and that recipients are told about before them."""

from collections.abc import Sequence

import pytest

from contracts.auth import EmailChanged, Role, UserRegistered
from contracts.client import CompanyRejected
from contracts.contract import events as contract
from contracts.contract.values import Ender, Party
from contracts.ids import notification_id
from contracts.message import EventData
from contracts.notification.commands import PlanNotification, SuppressAddress, SyncRecipient
from contracts.notification.events import AddressSuppressed, NotificationBounced
from contracts.notification.values import Moment, Money, Phrase, RecipientField, SuppressionReason, TokenLink
from contracts.payment import events as payment
from contracts.payment.values import WaitReason
from contracts.types import Channel, EventId, Locale, RecipientId, UserId
from contracts.user import NotificationChannels, PreferencesUpdated, ProfileField, ProfileUpdated
from tests.contracts.test_examples import raw
from tests.support.oracle import START
from tests.unit.services.notification.people import EMAIL, EMAIL_HASH, LEAD_HASH, LEAD_ID, NAME, PHONE, SANA, SOURCE, USER
from workers.engine.service import Event, Send
from workers.services.notification.columns import Row
from workers.services.notification.matrix import ROWS, ROWS_OF, SEALED_VARIABLES
from workers.services.notification.recipient import ADMINS
from workers.services.notification.service import SERVICE


def example(kind: type[EventData]) -> EventData:
    data = raw(kind.kind()).decode().data
    assert isinstance(data, kind)
    return data


def react(data: EventData, id_: EventId = SOURCE) -> Sequence[Send]:
    event = Event(id_, type(data).service, "the-key", START, "system:test", data)
    [reaction] = [reaction for reaction in SERVICE.reactions if reaction.event is type(data)]
    return reaction.react(event, ())


def messages(data: EventData) -> list[tuple[str, str, str]]:
    """Who, through which channel, which template."""
    commands = [send.command for send in react(data)]
    return [(plan.recipient_id, plan.channel, plan.template) for plan in commands if isinstance(plan, PlanNotification)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.event.__name__}-{row.template}")
def test_every_row_makes_valid_commands_of_its_events_example(row: Row[EventData]) -> None:
    data = example(row.event)
    plans = [send for send in react(data) if isinstance(send.command, PlanNotification) and send.command.template == row.template]
    for send in plans:
        plan = send.command
        assert isinstance(plan, PlanNotification)
        assert plan.notification_id == notification_id(SOURCE, plan.recipient_id, plan.channel, plan.template) == send.target
        assert (set(plan.variables), plan.category) == (set(row.variables), row.category)
        assert PlanNotification.model_validate_json(plan.to_json()) == plan
    assert {plan.command.channel for plan in plans if isinstance(plan.command, PlanNotification)} <= set(row.channels)
    assert plans or isinstance(data, payment.EscrowReleaseWaiting)


def test_no_two_messages_of_one_event_have_one_id() -> None:
    for event in ROWS_OF:
        targets = [send.target for send in react(example(event))]
        assert len(set(targets)) == len(targets)


def test_only_sealed_fields_go_into_the_variables_that_are_opened() -> None:
    """And no other variable gets a sealed text, which would be shown as it is."""
    for row in ROWS:
        for send in react(example(row.event)):
            if isinstance(send.command, PlanNotification):
                sealed = {name for name, value in send.command.variables.items() if str(value).startswith("s1.")}
                assert sealed == SEALED_VARIABLES & set(send.command.variables)


def test_nothing_that_goes_by_sms_names_anybody_by_his_legal_name() -> None:
    """The effect may open what the subject's own key sealed, and nothing else."""
    for row in ROWS:
        if Channel.SMS in row.channels:
            sends = [send.command for send in react(example(row.event)) if isinstance(send.command, PlanNotification)]
            assert not any(str(value).startswith("s1.legal.") for plan in sends for value in plan.variables.values())


def test_a_new_user_is_known_before_the_first_mail() -> None:
    data = UserRegistered(
        user_id=USER,
        email=EMAIL,
        email_hash=EMAIL_HASH,
        role=Role.COMPANY,
        locale=Locale.AR,
        nonce="n" * 43,
        kid="k1",
        expires_on=START,
    )
    sync, plan = (send.command for send in react(data))
    assert sync == SyncRecipient(recipient_id=SANA, user_id=USER, email=EMAIL, email_hash=EMAIL_HASH, locale=Locale.AR, source_at=START)
    assert isinstance(plan, PlanNotification)
    link = TokenLink(purpose="verify-email", id=USER, nonce="n" * 43, kid="k1")
    assert (plan.template, plan.variables) == ("verify-email", {"link": link, "expiresOn": Moment(at=START)})


def test_the_old_address_hears_of_the_new_one() -> None:
    data = EmailChanged(user_id=USER, email=NAME, email_hash=LEAD_HASH, old_email=EMAIL, old_email_hash=EMAIL_HASH)
    sync, plan = (send.command for send in react(data))
    assert isinstance(sync, SyncRecipient)
    assert isinstance(plan, PlanNotification)
    assert (sync.email, plan.address, plan.address_hash, plan.recipient_id) == (NAME, EMAIL, EMAIL_HASH, SANA)


def test_a_phone_that_was_taken_away_is_forgotten() -> None:
    data = ProfileUpdated(user_id=USER, first_name=NAME, changed=(ProfileField.PHONE,))
    [send] = react(data)
    assert send.command == SyncRecipient(recipient_id=SANA, user_id=USER, first_name=NAME, cleared=(RecipientField.PHONE,), source_at=START)
    [kept] = react(data.model_copy(update={"phone": PHONE}))
    assert isinstance(kept.command, SyncRecipient)
    assert (kept.command.phone, kept.command.cleared) == (PHONE, ())


def test_a_persons_wishes_decide_from_then_on() -> None:
    channels = NotificationChannels(email=False, sms=True, push=False)
    data = PreferencesUpdated(user_id=USER, language=Locale.AR, timezone="Africa/Cairo", notifications=channels)
    [send] = react(data)
    assert send.command == SyncRecipient(
        recipient_id=SANA, user_id=USER, locale=Locale.AR, timezone="Africa/Cairo", channels=channels, source_at=START
    )


def test_a_signature_is_told_to_the_other_party() -> None:
    data = example(contract.ContractSigned)
    assert isinstance(data, contract.ContractSigned)
    for party, other, signer in (
        (Party.CLIENT, data.contractor_user_id, data.client_name),
        (Party.CONTRACTOR, data.client_user_id, data.contractor_name),
    ):
        signed = data.model_copy(update={"party": party})
        assert messages(signed) == [(other, "email", "contract-signed"), (other, "in_app", "contract-signed")]
        command = react(signed)[0].command
        assert isinstance(command, PlanNotification)
        assert command.variables["signerName"] == signer


def test_only_who_has_not_signed_is_reminded() -> None:
    data = example(contract.ContractSigningReminderDue)
    assert isinstance(data, contract.ContractSigningReminderDue)
    client_only = data.model_copy(update={"waiting_for": (Party.CLIENT,)})
    assert {who for who, _, _ in messages(client_only)} == {data.client_user_id}


def test_a_cancelled_draft_whose_parties_are_unknown_tells_nobody() -> None:
    data = example(contract.ContractCancelled)
    assert messages(data.model_copy(update={"client_user_id": None, "contractor_user_id": None})) == []


def test_a_deadlines_reason_is_a_phrase_a_persons_own_words() -> None:
    data = example(contract.ContractCancelled)
    for by, reason in ((Ender.SYSTEM, Phrase(code="not_signed_in_time")), (Ender.CLIENT, "not_signed_in_time")):
        command = react(data.model_copy(update={"by": by, "reason": "not_signed_in_time"}))[0].command
        assert isinstance(command, PlanNotification)
        assert command.variables["reason"] == reason


@pytest.mark.parametrize("reason", [Phrase(code="company_inactive"), "Please send the extract again."])
def test_a_rejected_company_reads_a_phrase_or_an_admins_words(reason: Phrase | str) -> None:
    data = example(CompanyRejected).model_copy(update={"reason": reason.code if isinstance(reason, Phrase) else reason})
    command = react(data)[0].command
    assert isinstance(command, PlanNotification)
    assert command.variables["reason"] == reason


@pytest.mark.parametrize(
    ("reason", "first", "templates"),
    [
        (WaitReason.PAYEE_NOT_READY, True, {"payout-setup-needed", "release-waiting"}),
        (WaitReason.FUNDS_NOT_AVAILABLE, True, {"release-waiting"}),
        (WaitReason.PAYEE_NOT_READY, False, set()),
    ],
)
def test_a_waiting_payment_is_told_once(reason: WaitReason, first: bool, templates: set[str]) -> None:
    data = example(payment.EscrowReleaseWaiting).model_copy(update={"reason": reason, "first": first})
    assert {template for _, _, template in messages(data)} == templates


def test_an_inquiry_is_no_dispute_yet_and_may_have_no_deadline() -> None:
    data = example(payment.DisputeOpened).model_copy(update={"inquiry": True, "due_by": None})
    details = [
        send.command.variables["detail"]
        for send in react(data)
        if isinstance(send.command, PlanNotification) and send.command.key == ADMINS
    ]
    assert details == ["inquiry du_1MLdispute00000001: fraudulent"] * 2


def test_a_reversal_at_the_provider_has_a_phrase() -> None:
    data = example(payment.EscrowReleaseReversed).model_copy(update={"reason": "reversed_at_stripe"})
    command = react(data)[0].command
    assert isinstance(command, PlanNotification)
    assert command.variables["reason"] == Phrase(code="reversed_at_stripe")


def test_admins_hear_of_money_that_is_missing() -> None:
    data = example(payment.EscrowBalanceNegative)
    assert isinstance(data, payment.EscrowBalanceNegative)
    sends = react(data)
    assert {send.command.key for send in sends} == {ADMINS}
    command = sends[0].command
    assert isinstance(command, PlanNotification)
    assert command.variables == {
        "subject": "payment.EscrowBalanceNegative",
        "key": "the-key",
        "detail": Money(amount=-data.deficit, currency=data.currency),
    }


def test_a_failed_payout_also_goes_by_sms() -> None:
    assert {channel for _, channel, _ in messages(example(payment.PayoutFailed))} == {"email", "sms", "in_app"}


def test_only_a_hard_bounce_suppresses() -> None:
    data = NotificationBounced(
        notification_id=notification_id(SOURCE, SANA, Channel.EMAIL, "x"),
        recipient_id=SANA,
        address_hash=EMAIL_HASH,
        permanent=True,
        sub_type="NoEmail",
    )
    [send] = react(data)
    assert send.command == SuppressAddress(address_hash=EMAIL_HASH, reason=SuppressionReason.HARD_BOUNCE, recipient_id=SANA)
    assert react(data.model_copy(update={"permanent": False})) == []


def test_a_user_hears_that_mail_does_not_reach_him_an_address_without_account_does_not() -> None:
    data = AddressSuppressed(address_hash=LEAD_HASH, recipient_id=RecipientId(UserId(USER)), reason=SuppressionReason.HARD_BOUNCE)
    assert messages(data) == [(SANA, "in_app", "email-unreachable")]
    assert messages(data.model_copy(update={"recipient_id": LEAD_ID})) == []
    assert messages(data.model_copy(update={"recipient_id": None})) == []
