"""What payment does about events of others, and about payees that became ready. Pure."""

from collections.abc import Sequence

from contracts.contract.events import ContractActivated, ContractCancelled, ContractCompleted
from contracts.contractor import BankAction, BankDetailsAdded, BankDetailsDefaultSet, BankDetailsRemoved, ContractorKycStatusChanged
from contracts.payment.commands import BeginEscrowClosing, OpenEscrow, RetryRelease, SyncPayee, SyncPayeeBank
from contracts.payment.events import PayeeReady
from workers.engine.decision import Item
from workers.engine.service import Event, Query, Send
from workers.services.payment.escrow import TRANSACTIONS
from workers.services.payment.ledger import TransactionStatus, TransactionType

Rows = Sequence[Item]


def contract_activated(event: Event[ContractActivated], _rows: Rows) -> Sequence[Send]:
    data = event.data
    command = OpenEscrow(
        contract_id=data.contract_id,
        client_id=data.client_id,
        contractor_id=data.contractor_id,
        client_user_id=data.client_user_id,
        contractor_user_id=data.contractor_user_id,
        currency=data.currency,
    )
    return (Send(command),)


def contract_completed(event: Event[ContractCompleted], _rows: Rows) -> Sequence[Send]:
    return (Send(BeginEscrowClosing(contract_id=event.data.contract_id, reason="completed")),)


def contract_cancelled(event: Event[ContractCancelled], _rows: Rows) -> Sequence[Send]:
    return (Send(BeginEscrowClosing(contract_id=event.data.contract_id, reason=event.data.reason)),)


def kyc_status_changed(event: Event[ContractorKycStatusChanged], _rows: Rows) -> Sequence[Send]:
    data = event.data
    command = SyncPayee(
        contractor_id=data.contractor_id,
        user_id=data.user_id,
        country=data.country,
        kyc_status=data.kyc_status,
        decision_time=data.decision_time,
    )
    return (Send(command),)


def bank_details_added(event: Event[BankDetailsAdded], _rows: Rows) -> Sequence[Send]:
    data = event.data
    command = SyncPayeeBank(
        contractor_id=data.contractor_id,
        bank_details_id=data.bank_details_id,
        wanted=BankAction.DEFAULT if data.is_default else BankAction.ATTACH,
        account_number=data.account_number,
        routing_number=data.routing_number,
        currency=data.currency,
        country=data.country,
    )
    return (Send(command, data.bank_details_id),)


def bank_details_default_set(event: Event[BankDetailsDefaultSet], _rows: Rows) -> Sequence[Send]:
    return _wish(event, BankAction.DEFAULT)


def bank_details_removed(event: Event[BankDetailsRemoved], _rows: Rows) -> Sequence[Send]:
    return _wish(event, BankAction.DETACH)


def _wish(event: Event[BankDetailsDefaultSet] | Event[BankDetailsRemoved], wanted: BankAction) -> Sequence[Send]:
    data = event.data
    return (
        Send(SyncPayeeBank(contractor_id=data.contractor_id, bank_details_id=data.bank_details_id, wanted=wanted), data.bank_details_id),
    )


# --- releases that waited for their payee --------------------------------------------------------------------------


def rows_of_payee(event: Event[PayeeReady]) -> Query:
    return Query(TRANSACTIONS, "contractorId-index", event.data.contractor_id)


def payee_ready(_event: Event[PayeeReady], rows: Rows) -> Sequence[Send]:
    """The index may lag: a release it does not show as waiting is found by its own timer."""
    return tuple(
        Send(RetryRelease(contract_id=row["contractId"], transaction_id=row["id"]), row["id"])
        for row in rows
        if row["type"] == TransactionType.PAYMENT and row["status"] == TransactionStatus.PENDING and "waitReason" in row
    )
