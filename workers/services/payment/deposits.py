"""Deposits: a client's money on its way into the escrow. Facts come from Stripe in any order and any number of times."""

from contracts.ids import effect_id, event_id
from contracts.payment.commands import (
    CancelDeposit,
    RecordDepositCancelled,
    RecordDepositFailed,
    RecordDepositPrepared,
    RecordDepositProcessing,
    RecordDepositRequestFailed,
    RecordDepositSucceeded,
    RequestDeposit,
)
from contracts.payment.events import (
    DepositCancelled,
    DepositCancelRequested,
    DepositFailed,
    DepositPrepared,
    DepositProcessing,
    DepositReceived,
    DepositRequested,
)
from contracts.payment.values import Anomaly
from contracts.types import ProviderId, Timestamp, TransactionId
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.payment.books import book, flagged
from workers.services.payment.escrow import Escrow, EscrowState, EscrowStatus, is_system
from workers.services.payment.ledger import RECEIVED, Transaction, TransactionStatus, TransactionType
from workers.services.payment.timers import deposit_abandon, no_deposit_abandon

MOST_DEPOSITS = 200
FINAL = RECEIVED | {TransactionStatus.CANCELLED}
NO_FAILURE = {"failure_code": None, "failure_message": None}
"""A row shows the failure of its last word only, so that it does not tell in which order facts came."""


def request_deposit(state: EscrowState, command: Command[RequestDeposit], at: Timestamp) -> Decision[EscrowState]:
    if (refused := _not_requested(state, command)) is not None:
        return refused
    row = _requested(state.opened, command)
    booked = book(_with_charge(state, row.id, ""), row, at)
    return booked.accepted(DepositRequested(**booked.said, transaction_id=row.id, amount=row.amount, method=command.data.method))


def _requested(escrow: Escrow, command: Command[RequestDeposit]) -> Transaction:
    return Transaction(
        id=command.data.transaction_id,
        type=TransactionType.DEPOSIT,
        **escrow.between(),
        amount=command.data.amount,
        currency=command.data.currency,
        status=TransactionStatus.PENDING,
        initiated_by=command.actor,
        idempotency_key=effect_id(event_id(command.id, DepositRequested.__name__, 0), "payment.create-intent"),
    )


def _not_requested(state: EscrowState, command: Command[RequestDeposit]) -> Decision[EscrowState] | None:
    escrow, data = state.escrow, command.data
    if escrow is None:
        return Refused("not_found")
    if not escrow.is_client(command.actor):
        return Refused("forbidden")
    if row := state.rows.get(data.transaction_id):
        return UNCHANGED if row.created_by == command.id else Refused("id_conflict")
    if escrow.status is not EscrowStatus.OPEN:
        return Refused("escrow_closing")
    if data.currency != escrow.currency:
        return Refused("currency_mismatch")
    return Refused("too_many_deposits") if len(escrow.deposits) >= MOST_DEPOSITS else None


def record_deposit_prepared(state: EscrowState, command: Command[RecordDepositPrepared], at: Timestamp) -> Decision[EscrowState]:
    row, intent = _deposit(state, command.data.transaction_id), command.data.payment_intent_id
    if row is None:
        return Refused("not_found")
    if row.stripe_payment_id or row.status in FINAL:
        return UNCHANGED
    state = state.with_row(_with_intent(row, intent))
    event = DepositPrepared(**state.opened.said(), transaction_id=row.id, payment_intent_id=intent)
    return Accepted(state, (event,), (deposit_abandon(state.contract_id, row.id, at),))


def record_deposit_request_failed(state: EscrowState, command: Command[RecordDepositRequestFailed], at: Timestamp) -> Decision[EscrowState]:
    row, data = _deposit(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if row.status is not TransactionStatus.PENDING or row.stripe_payment_id:
        return UNCHANGED
    failure = {"status": TransactionStatus.FAILED, "failure_code": data.code, "failure_message": data.message}
    booked = book(_without_charge(state, row.id), row.model_copy(update=failure), at)
    return booked.accepted(DepositFailed(**booked.said, transaction_id=row.id, amount=row.amount, code=data.code, final=True))


def record_deposit_processing(state: EscrowState, command: Command[RecordDepositProcessing], at: Timestamp) -> Decision[EscrowState]:
    row, data = _deposit(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if not _is_news(row, data.event_created, TransactionStatus.PROCESSING):
        return UNCHANGED
    # A fact may outrun the answer that names the PaymentIntent; then it is the one that starts the clock.
    timers = () if row.stripe_payment_id else (deposit_abandon(state.contract_id, row.id, at),)
    changes = {"status": TransactionStatus.PROCESSING, "provider_as_of": data.event_created}
    booked = book(state, _with_intent(row, data.payment_intent_id).model_copy(update=NO_FAILURE | changes), at)
    if row.status is TransactionStatus.PROCESSING:
        return booked.accepted(timers=timers)
    return booked.accepted(DepositProcessing(**booked.said, transaction_id=row.id, amount=row.amount), timers=timers)


def record_deposit_failed(state: EscrowState, command: Command[RecordDepositFailed], at: Timestamp) -> Decision[EscrowState]:
    row, data = _deposit(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if not _is_news(row, data.event_created, TransactionStatus.FAILED):
        return UNCHANGED
    failure = {"status": TransactionStatus.FAILED, "failure_code": data.code, "failure_message": data.message}
    booked = book(state, row.model_copy(update=failure | {"provider_as_of": data.event_created}), at)
    event = DepositFailed(
        **booked.said, transaction_id=row.id, amount=row.amount, code=data.code, decline_code=data.decline_code, final=False
    )
    return booked.accepted(event)


def record_deposit_succeeded(state: EscrowState, command: Command[RecordDepositSucceeded], at: Timestamp) -> Decision[EscrowState]:
    row, data = _deposit(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if row.status in RECEIVED:
        return UNCHANGED
    ours = data.currency == state.opened.currency
    booked = book(_with_charge(state, row.id, data.charge_id if ours else ""), _received(row, data), at)
    events = [flagged(booked.state.opened, row.id, *flag) for flag in _contradictions(state.opened, row, data)]
    if not ours:
        return booked.accepted(*events, timers=(no_deposit_abandon(row.id),))
    event = DepositReceived(
        **booked.said, transaction_id=row.id, amount=row.amount, amount_received=data.amount_received, charge_id=data.charge_id
    )
    return booked.accepted(event, *events, timers=(no_deposit_abandon(row.id),))


def _received(row: Transaction, data: RecordDepositSucceeded) -> Transaction:
    """Its time is that of the success, whatever came before or after: final facts apply in any order."""
    changes = {
        "status": TransactionStatus.COMPLETED,
        "charge_id": data.charge_id,
        "amount_received": data.amount_received,
        "currency": data.currency,
        "provider_as_of": data.event_created,
        "failure_code": Anomaly.CANCELLED_AFTER_COMPLETED.value if row.status is TransactionStatus.CANCELLED else None,
        "failure_message": None,
    }
    return _with_intent(row, data.payment_intent_id).model_copy(update=changes)


def _contradictions(escrow: Escrow, row: Transaction, data: RecordDepositSucceeded) -> list[tuple[Anomaly, str]]:
    found: list[tuple[Anomaly, str]] = []
    if row.status is TransactionStatus.CANCELLED:
        found.append((Anomaly.SUCCEEDED_AFTER_CANCELLED, f"{data.payment_intent_id} succeeded although it had been cancelled"))
    if data.currency != escrow.currency:
        detail = f"{data.amount_received} {data.currency} came into an escrow in {escrow.currency}; it can only be refunded"
        found.append((Anomaly.CURRENCY_MISMATCH, detail))
    return found


def cancel_deposit(state: EscrowState, command: Command[CancelDeposit], at: Timestamp) -> Decision[EscrowState]:
    row, by_timer = _deposit(state, command.data.transaction_id), is_system(command.actor)
    if row is None:
        return Refused("not_found")
    if not by_timer and not state.opened.is_client(command.actor):
        return Refused("forbidden")
    if row.status in FINAL:
        return UNCHANGED if by_timer or row.status is TransactionStatus.CANCELLED else Refused("invalid_state")
    if _under_way(row):
        # Money under way may still come back failed: somebody has to look again.
        return Accepted(state, timers=(deposit_abandon(state.contract_id, row.id, at),)) if by_timer else Refused("deposit_in_progress")
    if row.stripe_payment_id is None:
        return _cancelled(state, row, "abandoned" if by_timer else "requested_by_customer", at)
    event = DepositCancelRequested(**state.opened.said(), transaction_id=row.id, payment_intent_id=row.stripe_payment_id)
    return Accepted(state, (event,))


def _under_way(row: Transaction) -> bool:
    being_created = row.status is TransactionStatus.PENDING and row.stripe_payment_id is None
    return being_created or row.status is TransactionStatus.PROCESSING


def record_deposit_cancelled(state: EscrowState, command: Command[RecordDepositCancelled], at: Timestamp) -> Decision[EscrowState]:
    row, data = _deposit(state, command.data.transaction_id), command.data
    if row is None:
        return Refused("not_found")
    if row.status is TransactionStatus.CANCELLED or row.failure_code == Anomaly.CANCELLED_AFTER_COMPLETED:
        return UNCHANGED
    if row.status in RECEIVED:
        flag = Anomaly.CANCELLED_AFTER_COMPLETED
        state = state.with_row(row.model_copy(update={"failure_code": flag.value}))
        return Accepted(state, (flagged(state.opened, row.id, flag, f"cancelled ({data.reason}) although it had succeeded"),))
    return _cancelled(state, row.model_copy(update={"provider_as_of": data.event_created}), data.reason, at)


def _cancelled(state: EscrowState, row: Transaction, reason: str, at: Timestamp) -> Accepted[EscrowState]:
    cancelled = row.model_copy(update=NO_FAILURE | {"status": TransactionStatus.CANCELLED})
    booked = book(_without_charge(state, row.id), cancelled, at)
    event = DepositCancelled(**booked.said, transaction_id=row.id, reason=reason)
    return booked.accepted(event, timers=(no_deposit_abandon(row.id),))


def _deposit(state: EscrowState, transaction: TransactionId) -> Transaction | None:
    return state.row(transaction, TransactionType.DEPOSIT)


def _is_news(row: Transaction, event_created: Timestamp, status: TransactionStatus) -> bool:
    """Facts that are not final apply in the provider's order; of one second, failed beats processing."""
    if row.status in FINAL:
        return False
    failing = status is TransactionStatus.FAILED
    return (event_created, failing) > (row.provider_as_of or "", row.status is TransactionStatus.FAILED)


def _with_intent(row: Transaction, intent: ProviderId) -> Transaction:
    """The first PaymentIntent stays: there is one per deposit."""
    return row if row.stripe_payment_id else row.model_copy(update={"stripe_payment_id": intent})


def _with_charge(state: EscrowState, deposit: TransactionId, charge: str) -> EscrowState:
    return state.with_escrow(deposits={**state.opened.deposits, deposit: charge})


def _without_charge(state: EscrowState, deposit: TransactionId) -> EscrowState:
    return state.with_escrow(deposits={name: charge for name, charge in state.opened.deposits.items() if name != deposit})
