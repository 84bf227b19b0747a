"""Payouts: what Stripe pays from a connected account to the contractor's bank. Money of that account, not of an escrow."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from contracts.ids import payout_row_id
from contracts.message import EventData
from contracts.payment.commands import RecordPayout
from contracts.payment.events import PayoutCancelled, PayoutFailed, PayoutPaid
from contracts.payment.values import PayoutStatus
from contracts.types import Timestamp
from workers.engine.aggregate import Read
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.payment.escrow import row_ref
from workers.services.payment.ledger import Transaction, TransactionStatus, TransactionType
from workers.services.payment.payee import Payee, PayeeState, PayoutTrouble

STATUS: Mapping[PayoutStatus, TransactionStatus] = MappingProxyType(
    {
        PayoutStatus.PENDING: TransactionStatus.PENDING,
        PayoutStatus.IN_TRANSIT: TransactionStatus.PROCESSING,
        PayoutStatus.PAID: TransactionStatus.COMPLETED,
        PayoutStatus.FAILED: TransactionStatus.FAILED,
        PayoutStatus.CANCELED: TransactionStatus.CANCELLED,
    }
)
RANK: Mapping[TransactionStatus, int] = MappingProxyType(
    {
        TransactionStatus.PENDING: 0,
        TransactionStatus.PROCESSING: 1,
        TransactionStatus.COMPLETED: 2,
        TransactionStatus.FAILED: 3,
        TransactionStatus.CANCELLED: 3,
    }
)
"""Webhooks come in any order: a status of a higher rank never goes back. Paid is not the end, a bank may return it."""


def named_payout(_state: PayeeState, command: Command[RecordPayout]) -> tuple[Read, ...]:
    return (Read(row_ref(payout_row_id(command.data.payout_id))),)


def record_payout(state: PayeeState, command: Command[RecordPayout], _at: Timestamp) -> Decision[PayeeState]:
    data, payee = command.data, state.known
    if payee is None:
        return Refused("not_found")
    old = state.payouts.get(payout_row_id(data.payout_id))
    row = _row(state, data, old)
    if old and RANK[row.status] <= RANK[old.status]:
        return UNCHANGED
    state = replace(state, payouts=MappingProxyType({**state.payouts, row.id: row}))
    return Accepted(state.with_payee(payout_trouble=_trouble(payee, data)), _said(state, data, old))


def _row(state: PayeeState, data: RecordPayout, old: Transaction | None) -> Transaction:
    changes = {
        "status": STATUS[data.status],
        "failure_code": data.failure_code,
        "failure_message": data.failure_message,
        "provider_as_of": data.event_created,
    }
    born = old or Transaction(
        id=payout_row_id(data.payout_id),
        type=TransactionType.PAYOUT,
        contractor_id=state.contractor_id,
        amount=data.amount,
        currency=data.currency,
        status=STATUS[data.status],
        stripe_payment_id=data.payout_id,
    )
    return born.model_copy(update=changes)


def _trouble(payee: Payee, data: RecordPayout) -> PayoutTrouble | None:
    """A bounced payout is trouble whether or not it had been paid: the two facts may come in either order."""
    trouble = payee.payout_trouble
    if data.status is PayoutStatus.FAILED:
        return PayoutTrouble(payout_id=data.payout_id, since=data.event_created)
    cleared = data.status is PayoutStatus.PAID and trouble is not None and data.event_created >= trouble.since
    return None if cleared else trouble


def _said(state: PayeeState, data: RecordPayout, old: Transaction | None) -> tuple[EventData, ...]:
    match data.status:
        case PayoutStatus.PAID:
            event = PayoutPaid(
                **state.said(), payout_id=data.payout_id, amount=data.amount, currency=data.currency, arrival_date=data.arrival_date
            )
            return (event,)
        case PayoutStatus.FAILED:
            return (_failed(state, data, old),)
        case PayoutStatus.CANCELED:
            return (PayoutCancelled(**state.said(), payout_id=data.payout_id, amount=data.amount, currency=data.currency),)
        case _:
            return ()


def _failed(state: PayeeState, data: RecordPayout, old: Transaction | None) -> PayoutFailed:
    return PayoutFailed(
        **state.said(),
        payout_id=data.payout_id,
        amount=data.amount,
        currency=data.currency,
        code=data.failure_code or "unknown",
        was_paid=old is not None and old.status is TransactionStatus.COMPLETED,
    )
