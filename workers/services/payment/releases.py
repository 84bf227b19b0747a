"""Releases: money on its way from the escrow to the contractor's connected account, in attempts until one is final."""

from contracts.ids import effect_id, event_id
from contracts.message import EventData
from contracts.payment.commands import (
    CancelRelease,
    RecordTransferCreated,
    RecordTransferFailed,
    RecordTransferWaiting,
    ReleaseEscrow,
    RetryRelease,
)
from contracts.payment.events import (
    EscrowReleaseCancelled,
    EscrowReleased,
    EscrowReleaseFailed,
    EscrowReleaseRequested,
    EscrowReleaseWaiting,
)
from contracts.payment.values import Anomaly
from contracts.timestamps import plus
from contracts.types import CommandId, EffectId, Timestamp, TransactionId
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.payment.books import book, flagged
from workers.services.payment.escrow import Escrow, EscrowState, EscrowStatus, is_admin, is_system
from workers.services.payment.ledger import TRANSFERRED, Transaction, TransactionStatus, TransactionType
from workers.services.payment.reversals import came_back
from workers.services.payment.timers import no_release_retry, release_retry

PATIENCE_DAYS = 30
"""How long a release waits for its payee or for funds before it fails."""


def release_escrow(state: EscrowState, command: Command[ReleaseEscrow], at: Timestamp) -> Decision[EscrowState]:
    if (refused := _not_released(state, command)) is not None:
        return refused
    return _ask(state, _requested(state.opened, command), command.id, at)


def _requested(escrow: Escrow, command: Command[ReleaseEscrow]) -> Transaction:
    return Transaction(
        id=command.data.transaction_id,
        type=TransactionType.PAYMENT,
        **escrow.between(),
        amount=command.data.amount,
        currency=command.data.currency,
        status=TransactionStatus.PENDING,
        attempt=1,
        note=command.data.note,
        initiated_by=command.actor,
    )


def _not_released(state: EscrowState, command: Command[ReleaseEscrow]) -> Decision[EscrowState] | None:
    escrow, data = state.escrow, command.data
    if escrow is None:
        return Refused("not_found")
    if not _may_release(escrow, command.actor):
        return Refused("forbidden")
    if row := state.rows.get(data.transaction_id):
        return UNCHANGED if row.created_by == command.id else Refused("id_conflict")
    if escrow.status is EscrowStatus.CLOSED:
        return Refused("escrow_closed")
    if data.currency != escrow.currency:
        return Refused("currency_mismatch")
    return Refused("insufficient_available") if data.amount > escrow.available else None


def _ask(state: EscrowState, row: Transaction, command: CommandId, at: Timestamp) -> Accepted[EscrowState]:
    booked = book(state, row.model_copy(update={"idempotency_key": _transfer_effect(command)}), at)
    event = EscrowReleaseRequested(
        **booked.said,
        transaction_id=row.id,
        attempt=row.attempt,
        amount=row.amount,
        source_charge_id=booked.state.opened.only_charge,
    )
    return booked.accepted(event)


def _transfer_effect(command: CommandId) -> EffectId:
    return effect_id(event_id(command, EscrowReleaseRequested.__name__, 0), "payment.transfer")


def retry_release(state: EscrowState, command: Command[RetryRelease], at: Timestamp) -> Decision[EscrowState]:
    row, by_system = _release(state, command.data.transaction_id), is_system(command.actor)
    if row is None:
        return Refused("not_found")
    if not by_system and not is_admin(command.actor):
        return Refused("forbidden")
    if not _waits(row):
        return UNCHANGED if by_system else Refused("invalid_state")
    if at >= plus(row.created_at or at, days=PATIENCE_DAYS):
        return _failed(state, row, "waited_too_long", f"still {row.wait_reason} after {PATIENCE_DAYS} days", at)
    if state.opened.available < 0:
        # Money that went missing after the request: nothing leaves before somebody covers it.
        return _later(state, row, at) if by_system else Refused("insufficient_available")
    return _ask(state, row.model_copy(update={"attempt": row.attempt + 1, "wait_reason": None}), command.id, at)


def _later(state: EscrowState, row: Transaction, at: Timestamp) -> Accepted[EscrowState]:
    return Accepted(state, timers=(release_retry(state.contract_id, row.id, row.attempt, at),))


def record_transfer_waiting(state: EscrowState, command: Command[RecordTransferWaiting], at: Timestamp) -> Decision[EscrowState]:
    row, data = _release(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if row.status is not TransactionStatus.PENDING or row.attempt != data.attempt or row.wait_reason:
        return UNCHANGED
    first = data.reason not in row.waits_told
    told = (*row.waits_told, data.reason) if first else row.waits_told
    booked = book(state, row.model_copy(update={"wait_reason": data.reason, "waits_told": told}), at)
    event = EscrowReleaseWaiting(
        **booked.said, transaction_id=row.id, attempt=row.attempt, amount=row.amount, reason=data.reason, first=first
    )
    return booked.accepted(event, timers=(release_retry(state.contract_id, row.id, row.attempt, at),))


def record_transfer_created(state: EscrowState, command: Command[RecordTransferCreated], at: Timestamp) -> Decision[EscrowState]:
    row, data = _release(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if row.status in TRANSFERRED:
        return UNCHANGED if row.stripe_payment_id == data.transfer_id else _second_transfer(state, row, data)
    booked = book(state, _transferred(row, data), at)
    event = EscrowReleased(**booked.said, transaction_id=row.id, amount=data.amount, transfer_id=data.transfer_id)
    events: list[EventData] = [flagged(booked.state.opened, row.id, *flag) for flag in _contradictions(state.opened, row, data)]
    if came := booked.state.rows[row.id].amount_reversed:
        events.append(came_back(booked, row.model_copy(update={"amount_reversed": 0}), came))
    return booked.accepted(event, *events, timers=(no_release_retry(row.id),))


def _transferred(row: Transaction, data: RecordTransferCreated) -> Transaction:
    """The transfer is the fact: its amount and currency stand, whatever had been asked for."""
    changes = {
        "status": TransactionStatus.COMPLETED,
        "stripe_payment_id": data.transfer_id,
        "amount": data.amount,
        "currency": data.currency,
        "wait_reason": None,
        "failure_code": None,
        "failure_message": None,
        # A reversal that outran this may have been another transfer's.
        "amount_reversed": row.amount_reversed if row.stripe_payment_id == data.transfer_id else 0,
    }
    return row.model_copy(update=changes)


def _contradictions(escrow: Escrow, row: Transaction, data: RecordTransferCreated) -> list[tuple[Anomaly, str]]:
    found: list[tuple[Anomaly, str]] = []
    if row.status is not TransactionStatus.PENDING:
        found.append((Anomaly.TRANSFER_AFTER_FAILED, f"{data.transfer_id} exists although the release was {row.status}"))
    if data.currency != escrow.currency:
        detail = f"{data.transfer_id} moved {data.amount} {data.currency} out of an escrow in {escrow.currency}"
        found.append((Anomaly.CURRENCY_MISMATCH, detail))
    return found


def _second_transfer(state: EscrowState, row: Transaction, data: RecordTransferCreated) -> Decision[EscrowState]:
    """A row stands for one transfer; another one is money that people must get back. Told once."""
    detail = f"{data.transfer_id} moved {data.amount} {data.currency} for a release that {row.stripe_payment_id} had already paid"
    if row.failure_message == detail:
        return UNCHANGED
    flag = Anomaly.TRANSFER_AFTER_FAILED
    state = state.with_row(row.model_copy(update={"failure_code": flag.value, "failure_message": detail}))
    return Accepted(state, (flagged(state.opened, row.id, flag, detail),))


def record_transfer_failed(state: EscrowState, command: Command[RecordTransferFailed], at: Timestamp) -> Decision[EscrowState]:
    row, data = _release(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if row.status is not TransactionStatus.PENDING or row.attempt != data.attempt:
        return UNCHANGED
    return _failed(state, row, data.code, data.message, at)


def cancel_release(state: EscrowState, command: Command[CancelRelease], at: Timestamp) -> Decision[EscrowState]:
    row = _release(state, command.data.transaction_id)
    if row is None:
        return Refused("not_found")
    if not _may_release(state.opened, command.actor):
        return Refused("forbidden")
    if row.status is TransactionStatus.CANCELLED:
        return UNCHANGED
    if not _waits(row):
        return Refused("release_in_flight" if row.status is TransactionStatus.PENDING else "invalid_state")
    booked = book(state, row.model_copy(update={"status": TransactionStatus.CANCELLED, "wait_reason": None}), at)
    event = EscrowReleaseCancelled(**booked.said, transaction_id=row.id, amount=row.amount)
    return booked.accepted(event, timers=(no_release_retry(row.id),))


def _failed(state: EscrowState, row: Transaction, code: str, message: str, at: Timestamp) -> Accepted[EscrowState]:
    changes = {"status": TransactionStatus.FAILED, "wait_reason": None, "failure_code": code, "failure_message": message}
    booked = book(state, row.model_copy(update=changes), at)
    event = EscrowReleaseFailed(**booked.said, transaction_id=row.id, amount=row.amount, code=code)
    return booked.accepted(event, timers=(no_release_retry(row.id),))


def _release(state: EscrowState, transaction: TransactionId) -> Transaction | None:
    return state.row(transaction, TransactionType.PAYMENT)


def _waits(row: Transaction) -> bool:
    return row.status is TransactionStatus.PENDING and row.wait_reason is not None


def _may_release(escrow: Escrow, actor: str) -> bool:
    return escrow.is_client(actor) or is_admin(actor)
