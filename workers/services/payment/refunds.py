"""Refunds: money on its way back from a deposit to the client, asked for here or made at Stripe, each a withdrawal row of its own."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from contracts.ids import effect_id, event_id, refund_row_id
from contracts.message import EventData
from contracts.payment.commands import RecordChargeRefunded, RecordRefund, RecordRefundRejected, RefundDeposit
from contracts.payment.events import EscrowRefunded, RefundFailed, RefundRequested
from contracts.payment.values import RefundStatus
from contracts.types import Timestamp, TransactionId
from workers.engine.aggregate import Read
from workers.engine.decision import UNCHANGED, Command, Decision, Refused
from workers.services.payment.books import Booked, book
from workers.services.payment.escrow import Escrow, EscrowState, EscrowStatus, is_admin, named_row, row_ref
from workers.services.payment.ledger import RECEIVED, Transaction, TransactionStatus, TransactionType, left_of

MOST_CHILDREN = 50
"""Withdrawals and disputes of one deposit that people may add to; facts are taken beyond it."""
STATUS: Mapping[RefundStatus, TransactionStatus] = MappingProxyType(
    {
        RefundStatus.PENDING: TransactionStatus.PROCESSING,
        RefundStatus.REQUIRES_ACTION: TransactionStatus.PROCESSING,
        RefundStatus.SUCCEEDED: TransactionStatus.COMPLETED,
        RefundStatus.FAILED: TransactionStatus.FAILED,
        RefundStatus.CANCELED: TransactionStatus.CANCELLED,
    }
)
RANK: Mapping[TransactionStatus, int] = MappingProxyType(
    {
        TransactionStatus.PROCESSING: 1,
        TransactionStatus.COMPLETED: 2,
        TransactionStatus.FAILED: 3,
        TransactionStatus.CANCELLED: 3,
    }
)
"""Of refunds that exist. Webhooks come in any order: a status of a higher rank never goes back, and a bank may return what succeeded."""
BOUNCED = frozenset({TransactionStatus.FAILED, TransactionStatus.CANCELLED})


# --- which rows ----------------------------------------------------------------------------------------------------


def named_with_deposit(state: EscrowState, command: Command[RefundDeposit]) -> Iterable[Read]:
    return (*named_row(state, command), Read(row_ref(command.data.deposit_id)))


def named_refund(_state: EscrowState, command: Command[RecordRefund]) -> Iterable[Read]:
    data = command.data
    asked = (Read(row_ref(data.transaction_id)),) if data.transaction_id else ()
    return (Read(row_ref(data.deposit_id)), Read(row_ref(refund_row_id(data.refund_id))), *asked)


def named_withdrawal(state: EscrowState, command: Command[RecordRefundRejected]) -> Iterable[Read]:
    row = state.rows.get(command.data.transaction_id)
    deposit = (Read(row_ref(row.parent_id)),) if row and row.parent_id else ()
    return (*named_row(state, command), *deposit)


def named_deposit(_state: EscrowState, command: Command[RecordChargeRefunded]) -> Iterable[Read]:
    return (Read(row_ref(command.data.deposit_id)),)


# --- asked for here ------------------------------------------------------------------------------------------------


def refund_deposit(state: EscrowState, command: Command[RefundDeposit], at: Timestamp) -> Decision[EscrowState]:
    if (refused := _not_refunded(state, command)) is not None:
        return refused
    deposit = state.rows[command.data.deposit_id]
    row = _requested(state.opened, deposit, command)
    booked = book(state, row, at)
    event = RefundRequested(
        **booked.said,
        transaction_id=row.id,
        deposit_id=deposit.id,
        payment_intent_id=deposit.stripe_payment_id or "",
        amount=row.amount,
        reason=command.data.reason,
    )
    return booked.accepted(event)


def _not_refunded(state: EscrowState, command: Command[RefundDeposit]) -> Decision[EscrowState] | None:
    escrow, data = state.escrow, command.data
    if escrow is None:
        return Refused("not_found")
    if not (is_admin(command.actor) or escrow.is_client(command.actor)):
        return Refused("forbidden")
    if row := state.rows.get(data.transaction_id):
        return UNCHANGED if row.created_by == command.id else Refused("id_conflict")
    deposit = state.row(data.deposit_id, TransactionType.DEPOSIT)
    if deposit is None:
        return Refused("not_found")
    if escrow.status is not EscrowStatus.CLOSING and not is_admin(command.actor):
        return Refused("invalid_state")
    return _not_refundable(escrow, deposit, data.amount)


def _not_refundable(escrow: Escrow, deposit: Transaction, amount: int) -> Refused | None:
    if deposit.status not in RECEIVED or len(deposit.children) >= MOST_CHILDREN:
        return Refused("invalid_state")
    if any(child in escrow.disputes for child in deposit.children):
        return Refused("deposit_disputed")
    if amount > left_of(deposit):
        return Refused("amount_too_large")
    # Money of another currency was never part of the balance, so giving it back takes nothing from it.
    return Refused("insufficient_available") if deposit.currency == escrow.currency and amount > escrow.available else None


def _requested(escrow: Escrow, deposit: Transaction, command: Command[RefundDeposit]) -> Transaction:
    return _withdrawal(escrow, deposit, command.data.transaction_id, command.data.amount).model_copy(
        update={
            "note": command.data.reason.value,
            "initiated_by": command.actor,
            "idempotency_key": effect_id(event_id(command.id, RefundRequested.__name__, 0), "payment.refund"),
        }
    )


def _withdrawal(escrow: Escrow, deposit: Transaction, row: TransactionId, amount: int) -> Transaction:
    return Transaction(
        id=row,
        type=TransactionType.WITHDRAWAL,
        **escrow.between(),
        amount=amount,
        currency=deposit.currency,
        status=TransactionStatus.PENDING,
        parent_id=deposit.id,
    )


def record_refund_rejected(state: EscrowState, command: Command[RecordRefundRejected], at: Timestamp) -> Decision[EscrowState]:
    row, data = state.row(command.data.transaction_id, TransactionType.WITHDRAWAL), command.data
    if row is None or row.parent_id is None:
        return Refused("not_found")
    if row.status is not TransactionStatus.PENDING:
        return UNCHANGED
    booked = book(state, row.model_copy(update={"status": TransactionStatus.FAILED, "failure_code": data.code}), at)
    failed = RefundFailed(**booked.said, transaction_id=row.id, deposit_id=row.parent_id, amount=row.amount, code=data.code)
    # What Stripe's total counted against this refund turns out to be another one's.
    return booked.accepted(failed, *_fallen(state.opened.balance, booked, row.parent_id))


# --- facts ---------------------------------------------------------------------------------------------------------


def record_refund(state: EscrowState, command: Command[RecordRefund], at: Timestamp) -> Decision[EscrowState]:
    deposit, data = state.row(command.data.deposit_id, TransactionType.DEPOSIT), command.data
    if deposit is None:
        return Refused("not_found")
    if state.is_taken(refund_row_id(data.refund_id), TransactionType.WITHDRAWAL):
        return Refused("id_conflict")
    old = _known(state, data)
    row = _recorded(old or _withdrawal(state.opened, deposit, refund_row_id(data.refund_id), data.amount), data)
    if old and (old.parent_id != deposit.id or _rank(old) >= _rank(row)):
        return UNCHANGED
    booked = book(state, row, at)
    return booked.accepted(*_told(state, booked, old, row))


def _known(state: EscrowState, data: RecordRefund) -> Transaction | None:
    """The row of this refund: its own, or the one that asked for it. A second refund for one wish gets a row of its own."""
    own = state.row(refund_row_id(data.refund_id), TransactionType.WITHDRAWAL)
    asked = state.row(data.transaction_id, TransactionType.WITHDRAWAL) if data.transaction_id else None
    fits = asked and asked.parent_id == data.deposit_id and asked.stripe_payment_id in (None, data.refund_id)
    return own or (asked if fits else None)


def _recorded(row: Transaction, data: RecordRefund) -> Transaction:
    """The refund is the fact: its amount and currency stand, whatever had been asked for."""
    status = STATUS[data.status]
    changes = {
        "stripe_payment_id": data.refund_id,
        "amount": data.amount,
        "currency": data.currency,
        "status": status,
        "failure_code": (data.failure_reason or data.status.value) if status in BOUNCED else None,
        "provider_as_of": data.event_created,
    }
    return row.model_copy(update=changes)


def _rank(row: Transaction) -> int:
    return RANK[row.status] if row.stripe_payment_id else 0


def _told(state: EscrowState, booked: Booked, old: Transaction | None, row: Transaction) -> tuple[EventData, ...]:
    """A row that merely fills the gap that Stripe's total had left is silent."""
    risen, deposit = booked.state.opened.balance - state.opened.balance, row.parent_id or row.id
    asked = old is not None and old.status is TransactionStatus.PENDING
    if row.status in BOUNCED and (risen > 0 or asked):
        failed = RefundFailed(
            **booked.said,
            transaction_id=row.id,
            deposit_id=deposit,
            amount=risen if risen > 0 else row.amount,
            code=row.failure_code or row.status.value,
        )
        return (failed,)
    return _fallen(state.opened.balance, booked, deposit, row.id)


def _fallen(before: int, booked: Booked, deposit: TransactionId, row: TransactionId | None = None) -> tuple[EventData, ...]:
    fallen, left = before - booked.state.opened.balance, left_of(booked.state.rows[deposit])
    if fallen <= 0:
        return ()
    return (EscrowRefunded(**booked.said, transaction_id=row, deposit_id=deposit, amount=fallen, deposit_left=left),)


def record_charge_refunded(state: EscrowState, command: Command[RecordChargeRefunded], at: Timestamp) -> Decision[EscrowState]:
    deposit, data = state.row(command.data.deposit_id, TransactionType.DEPOSIT), command.data
    if deposit is None:
        return Refused("not_found")
    if data.amount_refunded <= deposit.refund_seen:
        return UNCHANGED
    booked = book(state, deposit.model_copy(update={"refund_seen": data.amount_refunded}), at)
    return booked.accepted(*_fallen(state.opened.balance, booked, deposit.id))
