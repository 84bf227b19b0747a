"""Reversals: money of a release comes back from the contractor's connected account, asked for here or made at Stripe."""

from contracts.payment.commands import RecordReversalFailed, RecordTransferReversed, ReverseRelease
from contracts.payment.events import EscrowReleaseReversed, ReleaseReversalFailed, ReleaseReversalRequested
from contracts.types import Timestamp, TransactionId
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.payment.books import Booked, book
from workers.services.payment.escrow import EscrowState, is_admin
from workers.services.payment.ledger import TRANSFERRED, Transaction, TransactionType

AT_STRIPE = "reversed_at_stripe"
"""The reason of a reversal that nobody asked for here."""


def reverse_release(state: EscrowState, command: Command[ReverseRelease], _at: Timestamp) -> Decision[EscrowState]:
    row, data = _release(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if not is_admin(command.actor):
        return Refused("forbidden")
    if row.status not in TRANSFERRED or row.stripe_payment_id is None:
        return Refused("invalid_state")
    if data.amount > row.amount - row.amount_reversed:
        return Refused("amount_too_large")
    state = state.with_row(row.model_copy(update={"reversal_reason": data.reason}))
    event = ReleaseReversalRequested(
        **state.opened.said(),
        transaction_id=row.id,
        transfer_id=row.stripe_payment_id,
        reversal_id=data.reversal_id,
        amount=data.amount,
    )
    return Accepted(state, (event,))


def record_transfer_reversed(state: EscrowState, command: Command[RecordTransferReversed], at: Timestamp) -> Decision[EscrowState]:
    row, data = _release(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    # A row stands for one transfer; what comes back of another one had never been taken from the escrow.
    if row.stripe_payment_id not in (None, data.transfer_id) or data.amount_reversed <= row.amount_reversed:
        return UNCHANGED
    changes = {"amount_reversed": data.amount_reversed, "stripe_payment_id": data.transfer_id}
    booked = book(state, row.model_copy(update=changes), at)
    if row.status not in TRANSFERRED:
        return booked.accepted()  # it outran the news of its transfer, which will tell both
    return booked.accepted(came_back(booked, row, data.amount_reversed))


def came_back(booked: Booked, before: Transaction, reversed_in_all: int) -> EscrowReleaseReversed:
    return EscrowReleaseReversed(
        **booked.said,
        transaction_id=before.id,
        amount=reversed_in_all - before.amount_reversed,
        amount_reversed=reversed_in_all,
        reason=before.reversal_reason or AT_STRIPE,
    )


def record_reversal_failed(state: EscrowState, command: Command[RecordReversalFailed], _at: Timestamp) -> Decision[EscrowState]:
    row, data = _release(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    event = ReleaseReversalFailed(**state.opened.said(), transaction_id=row.id, reversal_id=data.reversal_id, code=data.code)
    return Accepted(state, (event,))


def _release(state: EscrowState, transaction: TransactionId) -> Transaction | None:
    return state.row(transaction, TransactionType.PAYMENT)
