"""Where stories may begin: few random commands would ever build a signed contract or a funded escrow by themselves."""

from collections.abc import Mapping
from typing import Final

from contracts.contract.commands import CreateContractDraft, SendContract
from contracts.contract.values import Party
from contracts.contractor import KycStatus
from contracts.ids import derived
from contracts.message import CommandData
from contracts.notification.commands import RecordNotificationFailed, RecordNotificationRendered, RecordNotificationSent
from contracts.payment.commands import (
    OpenEscrow,
    PlaceHold,
    PostAdjustment,
    RecordDepositPrepared,
    RecordDepositSucceeded,
    RecordDispute,
    RecordPayeeAccountCreated,
    RecordPayeeAccountFailed,
    RecordPayeeAccountStatus,
    RecordTransferCreated,
    RecordTransferWaiting,
    RefundDeposit,
    ReleaseEscrow,
    RequestDeposit,
    ReverseRelease,
    SyncPayee,
    SyncPayeeBank,
)
from contracts.payment.values import DepositMethod, RefundReason, WaitReason
from contracts.types import Channel, ContractorId, Currency, DecisionTime, RecipientId, TemplateId, TransactionId, UserId
from tests.contracts.test_examples import example
from tests.fuzz.inventing import ACTORS, CONTRACTORS, IDS, USERS
from tests.fuzz.openings_people import OPENINGS_OF_PEOPLE, Opening
from tests.fuzz.openings_visitors import OPENINGS_OF_VISITORS
from tests.support.oracle import START
from tests.unit.services.contract import story
from tests.unit.services.notification import people

SYSTEM, COMPANY, CONTRACTOR, ADMIN = ACTORS[0], ACTORS[1], ACTORS[2], ACTORS[3]
CONTRACT, DEPOSIT, RELEASE = story.CONTRACT_ID, TransactionId(IDS[1]), TransactionId(IDS[2])
PAYEE, PERSON = ContractorId(CONTRACTORS[1]), UserId(USERS[1])


def _contract() -> Opening:
    """From its template to the second signature, and its escrow's opening."""
    return (
        (SYSTEM, story.publishing("fixed-contract")),
        (COMPANY, _draft()),
        *((SYSTEM, story.confirming(party)) for party in Party),
        (COMPANY, SendContract(contract_id=CONTRACT)),
        (SYSTEM, _recorded()),
        (CONTRACTOR, story.signing(Party.CONTRACTOR)),
        (COMPANY, story.signing(Party.CLIENT)),
        *_escrow()[:1],
    )


def _draft() -> CreateContractDraft:
    return story.drafting(template_id=story.publishing("fixed-contract").template_id)


def _recorded() -> CommandData:
    """What the renderer will answer follows from the draft."""
    told = story.Story()
    told.send(story.publishing("fixed-contract"), story.SEED)
    told.send(_draft(), story.COMPANY)
    told.confirmed().send(SendContract(contract_id=CONTRACT), story.COMPANY)
    return told.recording()


def _escrow() -> Opening:
    """Opened, funded, and a release under way."""
    opening = OpenEscrow(
        contract_id=CONTRACT,
        client_id=story.CLIENT_ID,
        contractor_id=PAYEE,
        client_user_id=story.CLIENT_USER,
        contractor_user_id=story.CONTRACTOR_USER,
        currency=Currency.USD,
    )
    wish = RequestDeposit(contract_id=CONTRACT, transaction_id=DEPOSIT, amount=1_000, currency=Currency.USD, method=DepositMethod.CARD)
    received = RecordDepositSucceeded(
        contract_id=CONTRACT,
        transaction_id=DEPOSIT,
        payment_intent_id="one",
        charge_id="one",
        amount=1_000,
        amount_received=1_000,
        currency="USD",
        event_created=START,
    )
    return (
        (SYSTEM, opening),
        (COMPANY, wish),
        (SYSTEM, RecordDepositPrepared(contract_id=CONTRACT, transaction_id=DEPOSIT, payment_intent_id="one")),
        (SYSTEM, received),
        (COMPANY, ReleaseEscrow(contract_id=CONTRACT, transaction_id=RELEASE, amount=600, currency=Currency.USD)),
        (SYSTEM, RecordTransferWaiting(contract_id=CONTRACT, transaction_id=RELEASE, attempt=1, reason=WaitReason.PAYEE_NOT_READY)),
    )


def _taken() -> Opening:
    """Money leaves by every way there is: a transfer, an inquiry, a refund; a hold keeps what is left."""
    dispute = RecordDispute(
        contract_id=CONTRACT,
        dispute_id="one",
        deposit_id=DEPOSIT,
        charge_id="one",
        amount=100,
        currency="USD",
        status="warning_needs_response",
        reason="general",
        moved=0,
        movements=0,
        fee=0,
        event_created=START,
    )
    refund = RefundDeposit(
        contract_id=CONTRACT,
        transaction_id=TransactionId(IDS[0]),
        deposit_id=DEPOSIT,
        amount=100,
        reason=RefundReason.REQUESTED_BY_CUSTOMER,
    )
    transfer = RecordTransferCreated(
        contract_id=CONTRACT, transaction_id=RELEASE, transfer_id="two", amount=600, currency="USD", destination="one"
    )
    adjusted = PostAdjustment(
        contract_id=CONTRACT,
        transaction_id=TransactionId(derived("adjustment")),
        amount=50,
        currency=Currency.USD,
        reason="one",
        approved_by=f"admin:{USERS[1]}",
    )
    return (
        *_escrow(),
        (SYSTEM, transfer),
        (ADMIN, refund),
        (SYSTEM, dispute),
        (ADMIN, PlaceHold(contract_id=CONTRACT, hold_id=IDS[0], amount=100, reason="one")),
        (ADMIN, ReverseRelease(contract_id=CONTRACT, transaction_id=RELEASE, reversal_id=IDS[0], amount=100, reason="one")),
        (ADMIN, adjusted),
    )


def _payee() -> Opening:
    """Verified, with a bank that waits for the account, then with the account."""
    decided = DecisionTime("2026-01-30T00:00:00.000000Z")
    bank = SyncPayeeBank.model_validate(example("mindlinks.payment.SyncPayeeBank.v1")["data"]).model_copy(update={"contractor_id": PAYEE})
    status = RecordPayeeAccountStatus(
        contractor_id=PAYEE,
        stripe_account_id="one",
        transfers_active=True,
        payouts_enabled=True,
        requirements_due=(),
        event_created=START,
        fetched=False,
    )
    return (
        (SYSTEM, SyncPayee(contractor_id=PAYEE, user_id=PERSON, country="EG", kyc_status=KycStatus.VERIFIED, decision_time=decided)),
        (SYSTEM, bank),
        (SYSTEM, RecordPayeeAccountCreated(contractor_id=PAYEE, stripe_account_id="one")),
        (SYSTEM, status),
    )


def _messages() -> Opening:
    """One before the recipient is known, one to show, one that is sent."""
    later = people.planned(template="contract-signed")
    sent = RecordNotificationSent(
        recipient_id=RecipientId(people.USER), notification_id=later.notification_id, attempt=1, provider_message_id="one"
    )
    shown = people.planned(Channel.IN_APP)
    rendered = RecordNotificationRendered(
        recipient_id=later.recipient_id,
        notification_id=shown.notification_id,
        template_id=TemplateId(IDS[0]),
        title=people.NAME,
        message=people.NAME,
    )
    return (
        (SYSTEM, people.planned()),
        (SYSTEM, people.synced()),
        (SYSTEM, shown),
        (SYSTEM, rendered),
        (SYSTEM, later),
        (SYSTEM, sent),
    )


def _troubles() -> Opening:
    """A payee without an account, a message that failed, a draft whose parties are not known."""
    failed = RecordNotificationFailed(recipient_id=people.SANA, notification_id=people.planned().notification_id, attempt=1, code="one")
    return (
        _payee()[0],
        (SYSTEM, RecordPayeeAccountFailed(contractor_id=PAYEE, code="one")),
        (SYSTEM, people.synced()),
        (SYSTEM, people.planned()),
        (SYSTEM, failed),
        *_contract()[:2],
    )


OPENINGS: Final[Mapping[str, Opening]] = {
    "nothing": (),
    "contract": _contract(),
    "escrow": _escrow(),
    "taken": _taken(),
    "payee": _payee(),
    "escrow and payee": (*_escrow(), *_payee()),
    "messages": _messages(),
    **OPENINGS_OF_PEOPLE,
    **OPENINGS_OF_VISITORS,
    "troubles": _troubles(),
}
