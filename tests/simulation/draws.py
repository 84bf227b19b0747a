"""Commands of the real services, drawn from few keys and few rows, so that they meet each other."""

import hashlib
from collections.abc import Sequence
from random import Random

from contracts.contract import commands as contract
from contracts.contract.values import ContractType, Party
from contracts.contractor import KycStatus
from contracts.ids import derived, notification_id, template_id
from contracts.message import CommandData
from contracts.notification import commands as notification
from contracts.notification.values import Category, SuppressionReason
from contracts.payment import commands as payment
from contracts.payment.values import DepositMethod, PayoutStatus
from contracts.timestamps import from_milliseconds
from contracts.types import (
    Channel,
    ClientId,
    ContractId,
    ContractorId,
    Currency,
    DecisionTime,
    Direction,
    EventId,
    Locale,
    NotificationId,
    RecipientId,
    TemplateId,
    Timestamp,
    TransactionId,
    UserId,
)
from tests.simulation.log import EPOCH
from tests.simulation.workload import BODY_SHA256
from workers.services.notification.template import content_sha256

COMPANY, CONTRACTOR = UserId(derived("sim:company")), UserId(derived("sim:contractor"))
ADMIN, SYSTEM = f"admin:{derived('sim:admin')}", "system:test"
AS_COMPANY, AS_CONTRACTOR = f"company:{COMPANY}", f"contractor:{CONTRACTOR}"
PDF = b"%PDF the same for everybody"
PDF_SHA256 = hashlib.sha256(PDF).hexdigest()

RECIPIENTS = [RecipientId(derived(f"sim:recipient-{n}")) for n in range(3)]
HASHES = [hashlib.sha256(bytes([n])).hexdigest() for n in range(3)]

# --- notification --------------------------------------------------------------------------------------------------

SOURCES = [EventId(derived(f"sim:source-{n}")) for n in range(3)]


def _at(random: Random) -> Timestamp:
    return from_milliseconds(EPOCH - random.randrange(5000))


def _notification(random: Random) -> tuple[RecipientId, NotificationId, EventId, Channel]:
    recipient, source, channel = random.choice(RECIPIENTS), random.choice(SOURCES), random.choice((Channel.EMAIL, Channel.IN_APP))
    return recipient, notification_id(source, recipient, channel, "welcome"), source, channel


def draw_notification(random: Random) -> tuple[CommandData, str]:
    recipient, message, source, channel = _notification(random)
    ids = {"recipient_id": recipient, "notification_id": message}
    match random.choice("ssspppppddbrucmnaxl"):
        case "s":
            hashed = random.choice(HASHES)
            email = f"s1.subject.{recipient}.1.{hashed[:8]}"
            wished = notification.SyncRecipient(recipient_id=recipient, email=email, email_hash=hashed, source_at=_at(random))
        case "p":
            return _planned(recipient, message, source, channel), SYSTEM
        case "d":
            return notification.RecordNotificationDelivered(**ids), SYSTEM
        case "b":
            bounced = notification.RecordNotificationBounced(**ids, permanent=True, sub_type="general", address_hash=HASHES[0])
            return bounced, SYSTEM
        case "r":
            return notification.RetryNotification(**ids), ADMIN
        case "u":
            return notification.ResolveUnknownNotification(**ids, attempt=1), SYSTEM
        case "c":
            return notification.RecordNotificationSent(**ids, attempt=1, provider_message_id=f"m{random.randrange(2)}"), SYSTEM
        case "m":
            return notification.MarkNotificationsRead(recipient_id=recipient, ids=(message,)), f"company:{recipient}"
        case "n":
            return notification.SyncRecipient(recipient_id=recipient, user_id=UserId(RECIPIENTS[0]), source_at=_at(random)), SYSTEM
        case "a":
            return _published(random), SYSTEM
        case "x":
            return notification.SuppressAddress(address_hash=random.choice(HASHES), reason=SuppressionReason.MANUAL), SYSTEM
        case _:
            return notification.LiftSuppression(address_hash=random.choice(HASHES)), ADMIN
    return wished, SYSTEM


def _planned(recipient: RecipientId, message: NotificationId, source: EventId, channel: Channel) -> CommandData:
    return notification.PlanNotification(
        recipient_id=recipient,
        notification_id=message,
        channel=channel,
        template="welcome",
        category=Category.TRANSACTIONAL,
        variables={},
        source_event_id=source,
        source_at=from_milliseconds(EPOCH),
    )


def _published(random: Random) -> CommandData:
    return welcome("other", random.choice((Channel.EMAIL, Channel.IN_APP)), random.choice((1, 1, 2)))


def welcome(name: str, channel: Channel, version: int = 1) -> notification.PublishNotificationTemplate:
    return notification.PublishNotificationTemplate(
        name=name,
        template_id=template_id("notification-templates", name, channel, Locale.EN, version),
        channel=channel,
        locale=Locale.EN,
        dir=Direction.LTR,
        template_version=version,
        subject="Welcome",
        body="<p>Hello</p>",
        variables=(),
        content_sha256=content_sha256("Welcome", "<p>Hello</p>"),
    )


def before_notification() -> Sequence[CommandData]:
    """What is there before the run."""
    published = [welcome("welcome", channel) for channel in (Channel.EMAIL, Channel.IN_APP)]
    activated = [
        notification.ActivateNotificationTemplate(name=each.name, template_id=each.template_id, channel=each.channel, locale=each.locale)
        for each in published
    ]
    return [*published, *activated]


def draw_crowd(random: Random) -> tuple[CommandData, str]:
    """Many keys, each on its own."""
    number = random.randrange(40)
    hashed = hashlib.sha256(f"sim:crowd-{number}-{random.randrange(2)}".encode()).hexdigest()
    recipient = RecipientId(derived(f"sim:crowd-{number}"))
    return notification.SyncRecipient(recipient_id=recipient, email_hash=hashed, source_at=_at(random)), SYSTEM


# --- payment -------------------------------------------------------------------------------------------------------

CONTRACTS = [ContractId(derived(f"sim:contract-{n}")) for n in range(2)]
CONTRACTORS = [ContractorId(derived(f"sim:contractor-{n}")) for n in range(2)]


def draw_payment(random: Random) -> tuple[CommandData, str]:
    number = random.randrange(2)
    escrow = CONTRACTS[number]
    moved = {"contract_id": escrow, "transaction_id": TransactionId(derived(f"sim:{number}:transaction-{random.randrange(3)}"))}
    match random.choice("oooddddrrrcxtbkksswqpf"):
        case "o":
            return _opened(escrow), SYSTEM
        case "d":
            method = random.choice(list(DepositMethod))
            return payment.RequestDeposit(**moved, amount=random.randint(1, 900), currency=Currency.USD, method=method), AS_COMPANY
        case "r":
            return payment.ReleaseEscrow(**moved, amount=random.randint(1, 300), currency=Currency.USD), AS_COMPANY
        case "c":
            return payment.CancelDeposit(**moved), AS_COMPANY
        case "x":
            return payment.CancelRelease(**moved), AS_COMPANY
        case "t":
            return payment.RetryRelease(**moved), ADMIN
        case "b":
            return payment.BeginEscrowClosing(contract_id=escrow, reason="completed"), SYSTEM
        case "f":
            return _succeeded(moved, random), SYSTEM
    return _payee(random), SYSTEM


def draw_payment_unclosed(random: Random) -> tuple[CommandData, str]:
    """Without the closing of an escrow, which reminds for ever while money is left: a run whose timers fire would not end."""
    while isinstance((drawn := draw_payment(random))[0], payment.BeginEscrowClosing):
        continue
    return drawn


def _opened(escrow: ContractId) -> CommandData:
    return payment.OpenEscrow(
        contract_id=escrow,
        client_id=ClientId(derived(f"company:{COMPANY}")),
        contractor_id=CONTRACTORS[0],
        client_user_id=COMPANY,
        contractor_user_id=CONTRACTOR,
        currency=Currency.USD,
    )


def _succeeded(moved: dict[str, str], random: Random) -> CommandData:
    amount = random.randint(1, 900)
    return payment.RecordDepositSucceeded.model_validate(
        {
            **moved,
            "payment_intent_id": "pi_elsewhere",
            "charge_id": "ch_elsewhere",
            "amount": amount,
            "amount_received": amount,
            "currency": "USD",
            "event_created": _at(random),
        }
    )


def _payee(random: Random) -> CommandData:
    contractor, account = random.choice(CONTRACTORS), f"acct_{random.randrange(2)}"
    match random.choice("kkssaqp"):
        case "k":
            decided = DecisionTime(f"2026-01-01T00:00:{random.randrange(60):02d}.000000Z")
            status = random.choice((KycStatus.VERIFIED, KycStatus.VERIFIED, KycStatus.REJECTED))
            return payment.SyncPayee(contractor_id=contractor, user_id=CONTRACTOR, country="EG", kyc_status=status, decision_time=decided)
        case "s":
            return payment.RecordPayeeAccountStatus(
                contractor_id=contractor,
                stripe_account_id=account,
                transfers_active=True,
                payouts_enabled=random.random() < 0.7,
                event_created=_at(random),
            )
        case "a":
            return payment.RecordPayeeAccountCreated(contractor_id=contractor, stripe_account_id=account)
        case "q":
            return payment.RefreshPayeeAccount(contractor_id=contractor)
    return payment.RecordPayout(
        contractor_id=contractor,
        payout_id=f"po_{contractor[:4]}_{random.randrange(2)}",
        stripe_account_id=account,
        amount=100,
        currency="USD",
        status=random.choice(list(PayoutStatus)),
        arrival_date="2026-02-01",
        automatic=True,
        event_created=_at(random),
    )


# --- contract ------------------------------------------------------------------------------------------------------

CLIENT_ID, CONTRACTOR_ID = ClientId(derived(f"company:{COMPANY}")), ContractorId(derived(f"contractor:{CONTRACTOR}"))
TEXT = "<p>{{ contractTitle }}</p>"


def contract_template(name: str, version: int = 1, kind: ContractType = ContractType.FIXED) -> contract.PublishContractTemplate:
    return contract.PublishContractTemplate(
        name=name,
        template_id=template_id("contract-templates", name, kind, Locale.EN, version),
        template_version=version,
        type=kind,
        locale=Locale.EN,
        dir=Direction.LTR,
        template_content=TEXT,
        variables=("contractTitle",),
        content_sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
    )


USED: TemplateId = contract_template("used").template_id


def before_contract() -> Sequence[CommandData]:
    return [contract_template("used")]


def draw_contract(random: Random) -> tuple[CommandData, str]:
    key = {"contract_id": random.choice(CONTRACTS)}
    match random.choice("dddddupppppssssgggggggrcxeot"):
        case "d":
            return _drafted(key["contract_id"]), AS_COMPANY
        case "u":
            return contract.UpdateContractDraft(**key, rate=random.randint(1, 9)), AS_COMPANY
        case "p":
            return _party(key["contract_id"], random.choice(list(Party))), SYSTEM
        case "s":
            return contract.SendContract(**key), AS_COMPANY
        case "g":
            return _signed(key["contract_id"], random.choice(list(Party)))
        case "r":
            return contract.RecallContract(**key, reason="changed my mind"), AS_COMPANY
        case "c":
            return contract.CancelContract(**key, reason="no longer wanted"), AS_COMPANY
        case "x":
            return contract.CompleteContract(**key), AS_COMPANY
        case "e":
            return contract.RefreshContractParties(**key), AS_COMPANY
        case "o":
            return contract_template("other", random.choice((1, 1, 2))), ADMIN
    return contract.SetDefaultContractTemplate(type=ContractType.FIXED, template_id=USED), ADMIN


def _drafted(contract_id: ContractId) -> CommandData:
    return contract.CreateContractDraft(
        contract_id=contract_id,
        title="A shop",
        type=ContractType.FIXED,
        currency=Currency.USD,
        rate=5,
        start_date="2026-02-01",
        client_id=CLIENT_ID,
        contractor_id=CONTRACTOR_ID,
        template_id=USED,
        variables={},
    )


def _party(contract_id: ContractId, party: Party) -> CommandData:
    user = COMPANY if party is Party.CLIENT else CONTRACTOR
    name = f"s1.legal.{user}.1.abcd"
    return contract.RecordContractParty(
        contract_id=contract_id, party=party, check_no=1, ok=True, verified=True, user_id=user, name=name, country="EG"
    )


def _signed(contract_id: ContractId, party: Party) -> tuple[CommandData, str]:
    user = COMPANY if party is Party.CLIENT else CONTRACTOR
    signed = contract.SignContract(
        contract_id=contract_id, party=party, pdf_sha256=PDF_SHA256, signature_name=f"s1.legal.{user}.1.abcd", ip_hash=BODY_SHA256
    )
    return signed, AS_COMPANY if party is Party.CLIENT else AS_CONTRACTOR
