"""The stand-in of contractor: what the story asks of it, and each refusal once."""

import itertools

import pytest

from contracts.contractor import (
    AddBankDetails,
    ApplyKycOutcome,
    BankAction,
    BankDetailsAdded,
    BankDetailsAttached,
    BankDetailsFailed,
    ConfirmContractContractor,
    ContractContractorConfirmed,
    ContractContractorRefused,
    ContractorKycStatusChanged,
    ContractorProfileCreated,
    ContractorRefusal,
    CreateContractorProfile,
    KycOutcome,
    KycStatus,
    NoteContractClosed,
    NoteContractOpened,
    RecordBankDetailsFailed,
    RecordBankDetailsSynced,
    RecordPayoutReadiness,
)
from contracts.ids import derived
from contracts.message import CommandData
from contracts.timestamps import plus
from contracts.types import BankDetailsId, CommandId, ContractId, ContractorId, DecisionTime, KycSessionId, UserId
from tests.support.oracle import START, Oracle
from workers.engine.decision import UNCHANGED, ItemRef, Refused
from workers.ops.standins.contractor import SERVICE

USER = UserId("11111111-1111-4111-8111-111111111111")
CONTRACTOR = ContractorId(derived(f"contractor:{USER}"))
OTHER_USER = UserId("22222222-2222-4222-8222-222222222222")
OTHER = ContractorId(derived(f"contractor:{OTHER_USER}"))
CONTRACT = ContractId("33333333-3333-4333-8333-333333333333")
BANK = BankDetailsId("44444444-4444-4444-8444-444444444444")
SESSION = KycSessionId("55555555-5555-4555-8555-555555555555")
ID = CommandId("66666666-6666-4666-8666-666666666666")
PII, LEGAL, NUMBER = f"s1.subject.{USER}.1.TmFtZQ", f"s1.legal.{USER}.1.TmFtZQ", "s1.reader.sync-bank.1.TnVtYmVy"
ACTOR = f"contractor:{USER}"
EARLY, LATE = DecisionTime("2026-01-31T09:00:00.000001Z"), DecisionTime("2026-01-31T09:00:00.000002Z")

CREATE = CreateContractorProfile(contractor_id=CONTRACTOR, user_id=USER, name=PII, name_legal=LEGAL, country="DE")
VERIFIED = ApplyKycOutcome(contractor_id=CONTRACTOR, kyc_session_id=SESSION, outcome=KycOutcome.VERIFIED, decision_time=EARLY)
REJECTED = ApplyKycOutcome(
    contractor_id=CONTRACTOR, kyc_session_id=SESSION, outcome=KycOutcome.REJECTED, decision_time=LATE, reason="Document expired"
)
ADD = AddBankDetails(
    contractor_id=CONTRACTOR,
    bank_details_id=BANK,
    bank_name="Test Bank",
    account_number=NUMBER,
    currency="USD",
    country="US",
    last4="6789",
    fingerprint="f" * 64,
    make_default=False,
)
SYNCED = RecordBankDetailsSynced(
    contractor_id=CONTRACTOR, bank_details_id=BANK, action=BankAction.ATTACH, stripe_external_account_id="ba_1MtG2Z"
)
FAILED = RecordBankDetailsFailed(contractor_id=CONTRACTOR, bank_details_id=BANK, code="account_number_invalid")
CONFIRM = ConfirmContractContractor(contractor_id=CONTRACTOR, contract_id=CONTRACT, check_no=2)


@pytest.fixture
def oracle() -> Oracle:
    return Oracle(SERVICE)


@pytest.fixture
def known(oracle: Oracle) -> Oracle:
    oracle.send(CREATE, actor=ACTOR, id=ID)
    return oracle


def profile(oracle: Oracle) -> dict[str, object]:
    return dict(oracle.items[ItemRef("contractor-profiles", CONTRACTOR)])


def bank(oracle: Oracle, row: BankDetailsId = BANK) -> dict[str, object]:
    return dict(oracle.items[ItemRef("contractor-bank-details", row)])


def test_a_profile_is_created_once(known: Oracle) -> None:
    assert known.events == [ContractorProfileCreated(contractor_id=CONTRACTOR, user_id=USER, country="DE")]
    assert profile(known)["nameLegal"] == LEGAL
    assert known.send(CREATE, actor=ACTOR, id=ID) is UNCHANGED
    assert known.send(CREATE, actor=ACTOR) == Refused("id_conflict")


def test_only_the_user_creates_their_profile(oracle: Oracle) -> None:
    assert oracle.send(CREATE, actor=f"contractor:{OTHER_USER}") == Refused("forbidden")
    assert oracle.send(CREATE.model_copy(update={"contractor_id": OTHER}), actor=ACTOR) == Refused("id_mismatch")


def test_a_verdict_changes_the_status(known: Oracle) -> None:
    known.send(VERIFIED)
    changed = ContractorKycStatusChanged(
        contractor_id=CONTRACTOR, user_id=USER, country="DE", kyc_status=KycStatus.VERIFIED, decision_time=EARLY
    )
    assert known.emitted(ContractorKycStatusChanged) == [changed]
    assert known.send(VERIFIED) is UNCHANGED


@pytest.mark.parametrize("order", list(itertools.permutations([VERIFIED, REJECTED, VERIFIED])))
def test_the_newest_verdict_wins_in_any_order(known: Oracle, order: tuple[CommandData, ...]) -> None:
    for command in order:
        known.send(command)
    assert profile(known)["kycStatus"] == "rejected"
    assert profile(known)["kycDecidedAt"] == LATE


@pytest.mark.parametrize("outcome", [KycOutcome.EXPIRED, KycOutcome.FAILED])
def test_a_session_without_verdict_changes_no_status(known: Oracle, outcome: KycOutcome) -> None:
    assert known.send(VERIFIED.model_copy(update={"outcome": outcome})) is UNCHANGED


def test_the_first_bank_details_are_the_default(known: Oracle) -> None:
    known.send(ADD, actor=ACTOR, id=ID)
    added = BankDetailsAdded(
        contractor_id=CONTRACTOR,
        user_id=USER,
        bank_details_id=BANK,
        bank_name="Test Bank",
        account_number=NUMBER,
        currency="USD",
        country="US",
        last4="6789",
        is_default=True,
    )
    assert known.emitted(BankDetailsAdded) == [added]
    assert profile(known)["defaultBankDetailsId"] == BANK
    assert bank(known)["contractorId"] == CONTRACTOR
    assert known.send(ADD, actor=ACTOR, id=ID) is UNCHANGED
    assert known.send(ADD, actor=ACTOR) == Refused("id_conflict")


@pytest.mark.parametrize("make_default", [False, True])
def test_later_bank_details_are_the_default_when_asked(known: Oracle, make_default: bool) -> None:
    second = BankDetailsId("77777777-7777-4777-8777-777777777777")
    known.send(ADD, actor=ACTOR)
    known.send(ADD.model_copy(update={"bank_details_id": second, "make_default": make_default}), actor=ACTOR)
    assert profile(known)["defaultBankDetailsId"] == (second if make_default else BANK)


def test_bank_details_belong_to_their_contractor(known: Oracle) -> None:
    assert known.send(ADD, actor=f"contractor:{OTHER_USER}") == Refused("forbidden")
    known.send(ADD, actor=ACTOR)
    create = CREATE.model_copy(update={"contractor_id": OTHER, "user_id": OTHER_USER})
    known.send(create, actor=f"contractor:{OTHER_USER}")
    assert known.send(SYNCED.model_copy(update={"contractor_id": OTHER})) == Refused("not_found")


def test_attached_bank_details_lose_their_numbers(known: Oracle) -> None:
    known.send(ADD.model_copy(update={"routing_number": NUMBER}), actor=ACTOR)
    known.send(SYNCED)
    attached = BankDetailsAttached(contractor_id=CONTRACTOR, user_id=USER, bank_details_id=BANK, last4="6789")
    assert known.emitted(BankDetailsAttached) == [attached]
    assert bank(known).keys().isdisjoint({"accountNumber", "routingNumber"})
    assert bank(known)["stripeExternalAccountId"] == "ba_1MtG2Z"
    assert known.send(SYNCED) is UNCHANGED
    assert known.send(SYNCED.model_copy(update={"action": BankAction.DEFAULT})) is UNCHANGED


def test_refused_bank_details_say_why(known: Oracle) -> None:
    known.send(ADD, actor=ACTOR)
    known.send(FAILED)
    failed = BankDetailsFailed(contractor_id=CONTRACTOR, user_id=USER, bank_details_id=BANK, last4="6789", code="account_number_invalid")
    assert known.emitted(BankDetailsFailed) == [failed]
    assert known.send(FAILED) is UNCHANGED


def test_the_newer_word_on_payouts_wins(known: Oracle) -> None:
    ready = RecordPayoutReadiness(contractor_id=CONTRACTOR, ready=True, as_of=plus(START, seconds=2))
    blocked = RecordPayoutReadiness(contractor_id=CONTRACTOR, ready=False, reason="payouts", as_of=plus(START, seconds=1))
    known.send(ready)
    assert known.send(blocked) is UNCHANGED
    assert profile(known)["payoutsReady"] is True


@pytest.mark.parametrize("verified", [False, True])
def test_a_known_contractor_is_confirmed_as_often_as_asked(known: Oracle, verified: bool) -> None:
    if verified:
        known.send(VERIFIED)
    known.send(CONFIRM)
    known.send(CONFIRM)
    answer = ContractContractorConfirmed(
        contract_id=CONTRACT, check_no=2, contractor_id=CONTRACTOR, user_id=USER, name=LEGAL, country="DE", verified=verified
    )
    assert known.emitted(ContractContractorConfirmed) == [answer, answer]


def test_an_unknown_contractor_is_answered_too(oracle: Oracle) -> None:
    oracle.send(CONFIRM)
    reason = ContractorRefusal.CONTRACTOR_NOT_FOUND
    assert oracle.events == [ContractContractorRefused(contract_id=CONTRACT, check_no=2, contractor_id=CONTRACTOR, reason=reason)]


def test_contracts_are_noted(known: Oracle) -> None:
    known.send(NoteContractOpened(contractor_id=CONTRACTOR, contract_id=CONTRACT))
    assert profile(known)["contractStates"] == {CONTRACT: "open"}
    known.send(NoteContractClosed(contractor_id=CONTRACTOR, contract_id=CONTRACT))
    assert profile(known)["contractStates"] == {CONTRACT: "closed"}
    assert known.send(NoteContractOpened(contractor_id=CONTRACTOR, contract_id=CONTRACT)) is UNCHANGED


UNKNOWN: list[CommandData] = [
    VERIFIED,
    ADD,
    SYNCED,
    FAILED,
    RecordPayoutReadiness(contractor_id=CONTRACTOR, ready=True, as_of=START),
    NoteContractOpened(contractor_id=CONTRACTOR, contract_id=CONTRACT),
    NoteContractClosed(contractor_id=CONTRACTOR, contract_id=CONTRACT),
]


@pytest.mark.parametrize("command", UNKNOWN, ids=lambda command: type(command).__name__)
def test_an_unknown_contractor_has_nothing_to_change(oracle: Oracle, command: CommandData) -> None:
    assert oracle.send(command, actor=ACTOR) == Refused("not_found")


def test_unknown_bank_details_are_refused(known: Oracle) -> None:
    assert known.send(SYNCED) == Refused("not_found")
    assert known.send(FAILED) == Refused("not_found")
