"""Adjustments: two admins correct an escrow's balance together."""

from contracts.payment.commands import PostAdjustment
from contracts.payment.events import EscrowAdjusted
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Command, Decision, Refused
from workers.services.payment.books import book
from workers.services.payment.escrow import Escrow, EscrowState, is_admin
from workers.services.payment.ledger import Transaction, TransactionStatus, TransactionType


def post_adjustment(state: EscrowState, command: Command[PostAdjustment], at: Timestamp) -> Decision[EscrowState]:
    if (refused := _not_posted(state, command)) is not None:
        return refused
    data = command.data
    booked = book(state, _posted(state.opened, command), at)
    return booked.accepted(EscrowAdjusted(**booked.said, transaction_id=data.transaction_id, amount=data.amount, reason=data.reason))


def _not_posted(state: EscrowState, command: Command[PostAdjustment]) -> Decision[EscrowState] | None:
    escrow, data = state.escrow, command.data
    if escrow is None:
        return Refused("not_found")
    if not is_admin(command.actor):
        return Refused("forbidden")
    if row := state.rows.get(data.transaction_id):
        return UNCHANGED if row.created_by == command.id else Refused("id_conflict")
    if data.approved_by == command.actor or not is_admin(data.approved_by):
        return Refused("second_approver_required")
    return Refused("currency_mismatch") if data.currency != escrow.currency else None


def _posted(escrow: Escrow, command: Command[PostAdjustment]) -> Transaction:
    """Its sign is in ``posted`` alone: amounts of rows are positive."""
    data = command.data
    return Transaction(
        id=data.transaction_id,
        type=TransactionType.ADJUSTMENT,
        **escrow.between(),
        amount=abs(data.amount),
        currency=data.currency,
        status=TransactionStatus.COMPLETED,
        posted=data.amount,
        note=data.reason,
        initiated_by=command.actor,
        approved_by=data.approved_by,
    )
