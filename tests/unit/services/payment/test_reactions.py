"""Which commands follow from whose events."""

from typing import TypeVar

from contracts.contract.events import ContractActivated, ContractCancelled, ContractCompleted
from contracts.contractor import BankAction, BankDetailsAdded, BankDetailsDefaultSet, BankDetailsRemoved, ContractorKycStatusChanged
from contracts.message import EventData
from contracts.payment.commands import BeginEscrowClosing, RetryRelease, SyncPayee, SyncPayeeBank
from contracts.payment.events import PayeeReady
from contracts.types import BankDetailsId, DecisionTime, EventId
from tests.support.oracle import START
from tests.unit.services.payment.books import (
    AS_SYSTEM,
    CLIENT,
    CLIENT_USER,
    CONTRACT,
    CONTRACTOR,
    CONTRACTOR_USER,
    PERSON,
    RELEASE,
    open_escrow,
)
from workers.engine.decision import Item
from workers.engine.service import Event, Query, Reaction, Send
from workers.services.payment.service import SERVICE

BANK = BankDetailsId("77777777-7777-4777-8777-777777777777")
E = TypeVar("E", bound=EventData)


def of(data: E, service: str = "contract") -> Event[E]:
    return Event(EventId("99999999-1111-4111-8111-111111111111"), service, CONTRACT, START, AS_SYSTEM, data)


def reaction(kind: type[EventData]) -> Reaction[EventData]:
    (found,) = [each for each in SERVICE.reactions if each.event is kind]
    return found


def sent(data: EventData, *rows: Item) -> list[Send]:
    return list(reaction(type(data)).react(of(data), rows))


PARTIES = {
    "contractId": CONTRACT,
    "clientId": CLIENT,
    "contractorId": CONTRACTOR,
    "clientUserId": CLIENT_USER,
    "contractorUserId": CONTRACTOR_USER,
    "title": "Design",
    "clientName": "s1.legal.client.1.AQID",
    "contractorName": "s1.legal.contractor.1.AQID",
}


def test_an_active_contract_opens_its_escrow() -> None:
    activated = ContractActivated.from_item(
        {
            **PARTIES,
            "type": "fixed",
            "currency": "USD",
            "rate": 150_000,
            "startDate": "2026-02-01",
            "pdfSha256": "a" * 64,
            "clientSignedAt": START,
            "contractorSignedAt": START,
        }
    )
    assert sent(activated) == [Send(open_escrow())]


def test_the_end_of_a_contract_begins_the_closing() -> None:
    completed = ContractCompleted.from_item({**PARTIES, "by": "client"})
    cancelled = ContractCancelled.from_item({**PARTIES, "by": "client", "reason": "No longer needed", "wasActive": True})
    assert sent(completed) == [Send(BeginEscrowClosing(contract_id=CONTRACT, reason="completed"))]
    assert sent(cancelled) == [Send(BeginEscrowClosing(contract_id=CONTRACT, reason="No longer needed"))]


def test_a_kyc_status_reaches_the_payee() -> None:
    decided = DecisionTime("2026-01-30T16:05:00.000000Z")
    changed = ContractorKycStatusChanged.from_item({**PERSON, "country": "EG", "kycStatus": "verified", "decisionTime": decided})
    synced = SyncPayee.from_item({**PERSON, "country": "EG", "kycStatus": "verified", "decisionTime": decided})
    assert sent(changed) == [Send(synced)]


def added(*, default: bool) -> BankDetailsAdded:
    return BankDetailsAdded(
        contractor_id=CONTRACTOR,
        user_id=CONTRACTOR_USER,
        bank_details_id=BANK,
        bank_name="Banque Misr",
        account_number="s1.reader.sync-bank.1.AQIDBA",
        currency="EGP",
        country="EG",
        last4="1234",
        is_default=default,
    )


def wish(wanted: BankAction) -> SyncPayeeBank:
    return SyncPayeeBank(contractor_id=CONTRACTOR, bank_details_id=BANK, wanted=wanted)


def test_bank_details_become_wishes() -> None:
    numbers = {"account_number": "s1.reader.sync-bank.1.AQIDBA", "currency": "EGP", "country": "EG"}
    assert sent(added(default=True)) == [Send(wish(BankAction.DEFAULT).model_copy(update=numbers), BANK)]
    assert sent(added(default=False)) == [Send(wish(BankAction.ATTACH).model_copy(update=numbers), BANK)]
    assert sent(BankDetailsDefaultSet(contractor_id=CONTRACTOR, bank_details_id=BANK)) == [Send(wish(BankAction.DEFAULT), BANK)]
    assert sent(BankDetailsRemoved(contractor_id=CONTRACTOR, bank_details_id=BANK)) == [Send(wish(BankAction.DETACH), BANK)]


def test_a_ready_payee_wakes_the_releases_that_wait() -> None:
    ready = PayeeReady(**PERSON, as_of=START)
    query = reaction(PayeeReady).query
    assert query is not None
    assert query(of(ready, "payment")) == Query("payment-transactions", "contractorId-index", CONTRACTOR)
    waiting = {"id": RELEASE, "contractId": CONTRACT, "type": "payment", "status": "pending", "waitReason": "payee_not_ready"}
    flying = {"id": "2", "contractId": CONTRACT, "type": "payment", "status": "pending"}
    paid_out = {"id": "3", "type": "payout", "status": "pending"}
    failed = {**waiting, "id": "4", "status": "failed"}
    retry = RetryRelease(contract_id=CONTRACT, transaction_id=RELEASE)
    assert sent(ready, waiting, flying, paid_out, failed) == [Send(retry, RELEASE)]
