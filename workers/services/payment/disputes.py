"""Disputes: a payer's bank takes a deposit back, or asks about it. Every fact is the whole dispute as it stood then."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from contracts.ids import dispute_row_id
from contracts.message import EventData
from contracts.payment.commands import RecordDispute
from contracts.payment.events import DisputeClosed, DisputeFundsReinstated, DisputeFundsWithdrawn, DisputeOpened
from contracts.payment.values import DisputeOutcome
from contracts.types import Timestamp
from workers.engine.aggregate import Read
from workers.engine.decision import UNCHANGED, Command, Decision, Refused
from workers.services.payment.books import Booked, book
from workers.services.payment.escrow import Escrow, EscrowState, Parties, row_ref
from workers.services.payment.ledger import Transaction, TransactionStatus, TransactionType, funds

OUTCOME: Mapping[str, DisputeOutcome] = MappingProxyType(
    {
        "won": DisputeOutcome.WON,
        "lost": DisputeOutcome.LOST,
        "warning_closed": DisputeOutcome.INQUIRY_CLOSED,
        "prevented": DisputeOutcome.INQUIRY_CLOSED,
    }
)
"""Stripe's statuses that end a dispute; any other one, known or not, is an open dispute."""


def named_dispute(_state: EscrowState, command: Command[RecordDispute]) -> Iterable[Read]:
    return (Read(row_ref(command.data.deposit_id)), Read(row_ref(dispute_row_id(command.data.dispute_id))))


def record_dispute(state: EscrowState, command: Command[RecordDispute], at: Timestamp) -> Decision[EscrowState]:
    deposit, data = state.row(command.data.deposit_id, TransactionType.DEPOSIT), command.data
    if deposit is None:
        return Refused("not_found")
    if state.is_taken(dispute_row_id(data.dispute_id), TransactionType.DISPUTE):
        return Refused("id_conflict")
    old = state.row(dispute_row_id(data.dispute_id), TransactionType.DISPUTE)
    row = _snapshot(old or _born(state.opened, deposit, data), data)
    if old and (old.parent_id != deposit.id or _newness(row) <= _newness(old)):
        return UNCHANGED
    booked = book(state, row, at)
    return booked.accepted(*_told(booked, old, row, data))


def _newness(row: Transaction) -> tuple[str, int, bool, str, int, int, int]:
    """Later snapshots win, of one second the one with more movements, then a closed one; the rest makes any two differ in one order."""
    status = row.dispute_status or ""
    return row.provider_as_of or "", row.movements, status in OUTCOME, status, row.moved, row.amount, row.fee_amount


def _born(escrow: Escrow, deposit: Transaction, data: RecordDispute) -> Transaction:
    return Transaction(
        id=dispute_row_id(data.dispute_id),
        type=TransactionType.DISPUTE,
        **escrow.between(),
        amount=data.amount,
        currency=data.currency,
        status=TransactionStatus.PENDING,
        stripe_payment_id=data.dispute_id,
        parent_id=deposit.id,
    )


def _snapshot(row: Transaction, data: RecordDispute) -> Transaction:
    changes = {
        "amount": data.amount,
        "currency": data.currency,
        "status": _status(data.status),
        "charge_id": data.charge_id,
        "moved": data.moved,
        "moved_currency": data.moved_currency,
        "movements": data.movements,
        "dispute_status": data.status,
        "fee_amount": data.fee,
        "note": data.reason,
        "provider_as_of": data.event_created,
    }
    return row.model_copy(update=changes)


def _status(status: str) -> TransactionStatus:
    outcome = OUTCOME.get(status)
    if outcome is not None:
        return TransactionStatus.COMPLETED if outcome is DisputeOutcome.LOST else TransactionStatus.CANCELLED
    return TransactionStatus.PENDING if _is_inquiry(status) else TransactionStatus.PROCESSING


def _is_inquiry(status: str) -> bool:
    return status.startswith("warning_")


def _told(booked: Booked, old: Transaction | None, row: Transaction, data: RecordDispute) -> tuple[EventData, ...]:
    """What changed since the last snapshot; one that comes first of all tells all that has happened by then."""
    said, events = booked.said, list[EventData]()
    if old is None:
        events.append(_opened(said, data))
    currency = booked.state.opened.currency
    moved = funds(row, currency) - (funds(old, currency) if old else 0)
    if moved < 0:
        events.append(DisputeFundsWithdrawn(**said, dispute_id=data.dispute_id, amount=-moved, fee=row.fee_amount))
    if moved > 0:
        events.append(DisputeFundsReinstated(**said, dispute_id=data.dispute_id, amount=moved))
    outcome = OUTCOME.get(data.status)
    if outcome and outcome is not OUTCOME.get((old and old.dispute_status) or ""):
        events.append(DisputeClosed(**said, dispute_id=data.dispute_id, amount=row.amount, outcome=outcome))
    return tuple(events)


def _opened(said: Parties, data: RecordDispute) -> DisputeOpened:
    return DisputeOpened(
        **said,
        dispute_id=data.dispute_id,
        deposit_id=data.deposit_id,
        amount=data.amount,
        inquiry=_is_inquiry(data.status),
        reason=data.reason,
        due_by=data.due_by,
    )
