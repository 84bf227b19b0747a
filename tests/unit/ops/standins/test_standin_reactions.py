"""What the stand-ins of client and contractor do when other services speak."""

import pytest

from contracts import client, contractor
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.contract.values import ContractType
from contracts.ids import derived
from contracts.kyc import DecidedBy, KycProvider, KycSessionVerified
from contracts.message import CommandData, EventData
from contracts.payment.events import EscrowClosed, PayeeBankFailed, PayeeBankSynced, PayeeBlocked, PayeeReady
from contracts.payment.values import BlockedReason
from contracts.types import BankDetailsId, ClientId, ContractId, ContractorId, Currency, DecisionTime, EventId, KycSessionId, UserId
from tests.support.oracle import START
from workers.engine.service import Event, Service
from workers.ops.standins.client import SERVICE as CLIENT_SERVICE
from workers.ops.standins.contractor import SERVICE as CONTRACTOR_SERVICE

OWNER, PERSON = UserId("11111111-1111-4111-8111-111111111111"), UserId("22222222-2222-4222-8222-222222222222")
COMPANY, CONTRACTOR = ClientId(derived(f"company:{OWNER}")), ContractorId(derived(f"contractor:{PERSON}"))
CONTRACT = ContractId("33333333-3333-4333-8333-333333333333")
BANK = BankDetailsId("44444444-4444-4444-8444-444444444444")
SESSION = KycSessionId("55555555-5555-4555-8555-555555555555")
DECIDED = DecisionTime("2026-01-31T09:29:58.123456Z")
LEGAL = f"s1.legal.{OWNER}.1.TmFtZQ"

CHECK = ContractPartyCheckRequested(contract_id=CONTRACT, check_no=3, client_id=COMPANY, contractor_id=CONTRACTOR)
ACTIVATED = ContractActivated(
    contract_id=CONTRACT,
    client_id=COMPANY,
    contractor_id=CONTRACTOR,
    client_user_id=OWNER,
    contractor_user_id=PERSON,
    title="Website",
    client_name=LEGAL,
    contractor_name=LEGAL,
    type=ContractType.FIXED,
    currency=Currency.USD,
    rate=150000,
    start_date="2026-02-01",
    pdf_sha256="a" * 64,
    client_signed_at=START,
    contractor_signed_at=START,
)
CLOSED = EscrowClosed(
    contract_id=CONTRACT,
    client_id=COMPANY,
    contractor_id=CONTRACTOR,
    client_user_id=OWNER,
    contractor_user_id=PERSON,
    currency=Currency.USD,
    balance=0,
    available=0,
)
VERIFIED = KycSessionVerified(
    kyc_session_id=SESSION,
    contractor_id=CONTRACTOR,
    user_id=PERSON,
    provider=KycProvider.VERIFF,
    decision_time=DECIDED,
    overturned=False,
    by=DecidedBy.PROVIDER,
    document_ids=(),
)
SYNCED = PayeeBankSynced(
    contractor_id=CONTRACTOR, user_id=PERSON, bank_details_id=BANK, action=contractor.BankAction.ATTACH, external_account_id="ba_1MtG2Z"
)
FAILED = PayeeBankFailed(contractor_id=CONTRACTOR, user_id=PERSON, bank_details_id=BANK, code="account_number_invalid")
READY = PayeeReady(contractor_id=CONTRACTOR, user_id=PERSON, as_of=START)
BLOCKED = PayeeBlocked(contractor_id=CONTRACTOR, user_id=PERSON, reason=BlockedReason.TRANSFERS, as_of=START)


def reactions_to(service: Service, data: EventData) -> list[CommandData]:
    event = Event(EventId(derived("event")), data.service, CONTRACT, START, "system:test", data)
    return [send.command for reaction in service.reactions if isinstance(data, reaction.event) for send in reaction.react(event, ())]


TO_CLIENT: list[tuple[EventData, CommandData]] = [
    (CHECK, client.ConfirmContractClient(company_id=COMPANY, contract_id=CONTRACT, check_no=3)),
    (ACTIVATED, client.NoteContractOpened(company_id=COMPANY, contract_id=CONTRACT)),
    (CLOSED, client.NoteContractClosed(company_id=COMPANY, contract_id=CONTRACT)),
]
TO_CONTRACTOR: list[tuple[EventData, CommandData]] = [
    (CHECK, contractor.ConfirmContractContractor(contractor_id=CONTRACTOR, contract_id=CONTRACT, check_no=3)),
    (ACTIVATED, contractor.NoteContractOpened(contractor_id=CONTRACTOR, contract_id=CONTRACT)),
    (CLOSED, contractor.NoteContractClosed(contractor_id=CONTRACTOR, contract_id=CONTRACT)),
    (
        VERIFIED,
        contractor.ApplyKycOutcome(
            contractor_id=CONTRACTOR, kyc_session_id=SESSION, outcome=contractor.KycOutcome.VERIFIED, decision_time=DECIDED
        ),
    ),
    (
        SYNCED,
        contractor.RecordBankDetailsSynced(
            contractor_id=CONTRACTOR,
            bank_details_id=BANK,
            action=contractor.BankAction.ATTACH,
            stripe_external_account_id="ba_1MtG2Z",
        ),
    ),
    (FAILED, contractor.RecordBankDetailsFailed(contractor_id=CONTRACTOR, bank_details_id=BANK, code="account_number_invalid")),
    (READY, contractor.RecordPayoutReadiness(contractor_id=CONTRACTOR, ready=True, as_of=START)),
    (BLOCKED, contractor.RecordPayoutReadiness(contractor_id=CONTRACTOR, ready=False, reason="transfers", as_of=START)),
]


@pytest.mark.parametrize(("event", "command"), TO_CLIENT, ids=lambda data: type(data).__name__)
def test_client_reacts(event: EventData, command: CommandData) -> None:
    assert reactions_to(CLIENT_SERVICE, event) == [command]


@pytest.mark.parametrize(("event", "command"), TO_CONTRACTOR, ids=lambda data: type(data).__name__)
def test_contractor_reacts(event: EventData, command: CommandData) -> None:
    assert reactions_to(CONTRACTOR_SERVICE, event) == [command]


def test_every_reaction_is_shown() -> None:
    assert {reaction.event for reaction in CLIENT_SERVICE.reactions} == {type(event) for event, _ in TO_CLIENT}
    assert {reaction.event for reaction in CONTRACTOR_SERVICE.reactions} == {type(event) for event, _ in TO_CONTRACTOR}
