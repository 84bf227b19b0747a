"""The stand-in of client: what the story asks of it, and each refusal once."""

import pytest

from contracts.client import (
    ClientRefusal,
    CompanyRegistered,
    CompanyRejected,
    CompanyVerified,
    ConfirmContractClient,
    ContractClientConfirmed,
    ContractClientRefused,
    DecideCompanyVerification,
    NoteContractClosed,
    NoteContractOpened,
    RegisterCompany,
    VerificationOutcome,
    VerifiedBy,
)
from contracts.contract.events import ContractPartyCheckRequested
from contracts.ids import derived
from contracts.types import ClientId, CommandId, ContractId, ContractorId, EventId, UserId
from tests.support.oracle import START, Oracle
from workers.engine.decision import UNCHANGED, Accepted, ItemRef, Refused
from workers.engine.service import Event, Send
from workers.ops.standins.client import SERVICE, check_client

USER = UserId("11111111-1111-4111-8111-111111111111")
COMPANY = ClientId(derived(f"company:{USER}"))
OTHER = ClientId("22222222-2222-4222-8222-222222222222")
CONTRACT = ContractId("33333333-3333-4333-8333-333333333333")
ID = CommandId("44444444-4444-4444-8444-444444444444")
PII, LEGAL = f"s1.subject.{USER}.1.TmFtZQ", f"s1.legal.{USER}.1.TmFtZQ"
REGISTER = RegisterCompany(company_id=COMPANY, user_id=USER, legal_name=PII, name_legal=LEGAL, country="EG")
VERIFY = DecideCompanyVerification(company_id=COMPANY, outcome=VerificationOutcome.VERIFIED, reason="Extract seen")
CONFIRM = ConfirmContractClient(company_id=COMPANY, contract_id=CONTRACT, check_no=1)
ACTOR, ADMIN = f"company:{USER}", "admin:99999999-9999-4999-8999-999999999999"


@pytest.fixture
def oracle() -> Oracle:
    return Oracle(SERVICE)


@pytest.fixture
def registered(oracle: Oracle) -> Oracle:
    oracle.send(REGISTER, actor=ACTOR, id=ID)
    return oracle


def row(oracle: Oracle) -> dict[str, object]:
    return dict(oracle.items[ItemRef("client-companies", COMPANY)])


def test_a_company_registers_once(registered: Oracle) -> None:
    assert registered.events == [CompanyRegistered(company_id=COMPANY, user_id=USER, country="EG")]
    assert row(registered)["verificationStatus"] == "pending"
    assert registered.send(REGISTER, actor=ACTOR, id=ID) is UNCHANGED
    assert registered.send(REGISTER, actor=ACTOR) == Refused("id_conflict")


def test_only_the_user_registers_their_company(oracle: Oracle) -> None:
    assert oracle.send(REGISTER, actor=f"company:{OTHER}") == Refused("forbidden")
    assert oracle.send(REGISTER.model_copy(update={"company_id": OTHER}), actor=ACTOR) == Refused("id_mismatch")


def test_an_admin_verifies_a_company(registered: Oracle) -> None:
    assert registered.send(VERIFY, actor=ACTOR) == Refused("forbidden")
    registered.send(VERIFY, actor=ADMIN)
    verified = CompanyVerified(company_id=COMPANY, user_id=USER, country="EG", by=VerifiedBy.ADMIN)
    assert registered.emitted(CompanyVerified) == [verified]
    assert registered.send(VERIFY, actor=ADMIN) is UNCHANGED


def test_an_admin_may_turn_a_verdict(registered: Oracle) -> None:
    registered.send(VERIFY, actor=ADMIN)
    registered.send(VERIFY.model_copy(update={"outcome": VerificationOutcome.REJECTED}), actor=ADMIN)
    assert registered.events[-1] == CompanyRejected(company_id=COMPANY, user_id=USER, reason="Extract seen")
    assert row(registered)["verificationStatus"] == "rejected"


@pytest.mark.parametrize("verified", [False, True])
def test_a_known_company_is_confirmed_as_often_as_asked(registered: Oracle, verified: bool) -> None:
    if verified:
        registered.send(VERIFY, actor=ADMIN)
    registered.send(CONFIRM)
    registered.send(CONFIRM)
    answer = ContractClientConfirmed(
        contract_id=CONTRACT, check_no=1, client_id=COMPANY, user_id=USER, name=LEGAL, country="EG", verified=verified
    )
    assert registered.emitted(ContractClientConfirmed) == [answer, answer]


def test_an_unknown_company_is_answered_too(oracle: Oracle) -> None:
    oracle.send(CONFIRM)
    reason = ClientRefusal.COMPANY_NOT_FOUND
    assert oracle.events == [ContractClientRefused(contract_id=CONTRACT, check_no=1, client_id=COMPANY, reason=reason)]
    assert oracle.items == {}


@pytest.mark.parametrize("closed_first", [False, True])
def test_contracts_end_closed_in_either_order(registered: Oracle, closed_first: bool) -> None:
    notes = [NoteContractOpened(company_id=COMPANY, contract_id=CONTRACT), NoteContractClosed(company_id=COMPANY, contract_id=CONTRACT)]
    for note in notes[::-1] if closed_first else notes:
        registered.send(note)
    assert row(registered)["contractStates"] == {CONTRACT: "closed"}
    assert [registered.send(note) for note in notes] == [UNCHANGED, UNCHANGED]


def test_an_open_contract_is_noted(registered: Oracle) -> None:
    assert isinstance(registered.send(NoteContractOpened(company_id=COMPANY, contract_id=CONTRACT)), Accepted)
    assert row(registered)["contractStates"] == {CONTRACT: "open"}


def test_facts_about_an_unknown_company_are_refused(oracle: Oracle) -> None:
    assert oracle.send(VERIFY, actor=ADMIN) == Refused("not_found")
    assert oracle.send(NoteContractOpened(company_id=COMPANY, contract_id=CONTRACT)) == Refused("not_found")
    assert oracle.send(NoteContractClosed(company_id=COMPANY, contract_id=CONTRACT)) == Refused("not_found")


def test_a_party_check_asks_the_client_of_the_contract() -> None:
    data = ContractPartyCheckRequested(contract_id=CONTRACT, check_no=1, client_id=COMPANY, contractor_id=ContractorId(OTHER))
    event = Event(EventId(ID), "contract", CONTRACT, START, ACTOR, data)
    assert check_client(event, ()) == (Send(CONFIRM),)
