"""What escrows ask of Stripe: PaymentIntents and transfers. The effect's id is Stripe's idempotency key.

Each answers with commands for its own service. An unknown outcome is looked up as domain.md 7 says; money is never sent blindly twice.
"""

from collections.abc import Mapping

from contracts.message import CommandData
from contracts.payment.commands import (
    RecordDepositCancelled,
    RecordDepositPrepared,
    RecordDepositProcessing,
    RecordDepositRequestFailed,
    RecordDepositSucceeded,
    RecordTransferCreated,
    RecordTransferFailed,
    RecordTransferWaiting,
)
from contracts.payment.events import DepositCancelRequested, DepositRequested, EscrowReleaseRequested
from contracts.payment.values import WaitReason
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Event, Failed, Result, Retryable, Unknown
from workers.services.payment.escrow import ESCROWS
from workers.services.payment.payee import Payee, payee_key
from workers.services.payment.ports import (
    Defect,
    Intent,
    IntentRequest,
    IntentStatus,
    Lost,
    Parties,
    PaymentProvider,
    Problem,
    Refusal,
    Transfer,
    TransferRequest,
    Unavailable,
)

Rows = Mapping[ItemRef, Item]
PROVIDER_ERROR = "provider_error"


def outcome(problem: Problem) -> Result:
    """A problem that carries no answer for the service."""
    match problem:
        case Unavailable(reason, after):
            return Retryable(reason, after)
        case Lost(reason):
            return Unknown(reason)
        case Refusal(status, code, message):
            return Failed(f"Stripe refused with {status} {code}: {message}")
        case Defect(reason):
            return Failed(reason)


# --- deposits ------------------------------------------------------------------------------------------------------


async def create_intent(call: Call[DepositRequested], _rows: Rows, port: PaymentProvider) -> Result:
    data = call.event.data
    found: Intent | Problem | None = await port.find_intent(data.transaction_id) if call.stale else None
    if found is None:
        request = IntentRequest(call.id, data.amount, data.currency, data.method, _parties(call))
        found = await port.create_intent(request)
    if isinstance(found, Lost) and found.replayed:
        # The payment page needs this PaymentIntent's id, so a late one pays nothing: its webhook records it, a timer cancels it.
        found = await port.find_intent(data.transaction_id) or Refusal(500, PROVIDER_ERROR, found.reason, call.event.at)
    match found:
        case Intent():
            return Done((_prepared(data, found),), found.id)
        case Refusal():
            return Done((_request_failed(data, found),))
        case _:
            return outcome(found)


def _prepared(data: DepositRequested, intent: Intent) -> CommandData:
    return RecordDepositPrepared(contract_id=data.contract_id, transaction_id=data.transaction_id, payment_intent_id=intent.id)


def _request_failed(data: DepositRequested, refusal: Refusal) -> CommandData:
    return RecordDepositRequestFailed(
        contract_id=data.contract_id, transaction_id=data.transaction_id, code=refusal.code, message=refusal.message
    )


async def cancel_intent(call: Call[DepositCancelRequested], _rows: Rows, port: PaymentProvider) -> Result:
    data = call.event.data
    answer = await port.cancel_intent(data.payment_intent_id, call.id)
    if isinstance(answer, Lost) or (isinstance(answer, Refusal) and answer.code == "payment_intent_unexpected_state"):
        answer = await port.get_intent(data.payment_intent_id)
    if not isinstance(answer, Intent):
        return outcome(answer)
    said = _status(data, answer)
    return Done((said,), answer.id) if said else Unknown(f"{answer.id} is {answer.status} after it was to be cancelled")


def _status(data: DepositCancelRequested, intent: Intent) -> CommandData | None:
    """What the PaymentIntent's status means for its deposit; None while the payer can still pay it."""
    match intent:
        case Intent(status=IntentStatus.CANCELLED):
            reason = intent.cancellation_reason or "not_given"
            return RecordDepositCancelled(
                contract_id=data.contract_id, transaction_id=data.transaction_id, reason=reason, event_created=intent.as_of
            )
        case Intent(status=IntentStatus.PROCESSING):
            return RecordDepositProcessing(
                contract_id=data.contract_id,
                transaction_id=data.transaction_id,
                payment_intent_id=intent.id,
                event_created=intent.as_of,
            )
        case Intent(status=IntentStatus.SUCCEEDED, charge_id=str(charge)):
            return RecordDepositSucceeded(
                contract_id=data.contract_id,
                transaction_id=data.transaction_id,
                payment_intent_id=intent.id,
                charge_id=charge,
                amount=intent.amount,
                amount_received=intent.amount_received,
                currency=intent.currency,
                event_created=intent.as_of,
            )
        case _:
            return None


# --- releases ------------------------------------------------------------------------------------------------------


def payee_of(event: Event[EscrowReleaseRequested], _rows: Rows) -> tuple[ItemRef, ...]:
    return (ItemRef(ESCROWS, payee_key(event.data.contractor_id)),)


async def transfer(call: Call[EscrowReleaseRequested], rows: Rows, port: PaymentProvider) -> Result:
    data = call.event.data
    (ref,) = payee_of(call.event, rows)
    payee = Payee.from_item(rows.get(ref, {}))
    if not payee.ready and call.tries == 0:
        return _waiting(data, WaitReason.PAYEE_NOT_READY)
    if call.tries or data.attempt > 1 or call.stale:
        # A list is cheap; a transfer of an earlier call that was thought lost must not be followed by a second one.
        found = await port.find_transfer(data.contract_id, data.transaction_id)
        if found is not None:
            return _transferred(data, found)
    if call.stale:
        return _waiting(data, WaitReason.NOT_FOUND_AT_STRIPE)
    if not payee.ready:
        return Unknown("the payee is no longer ready and an earlier call may still show up")
    return await _send(call, payee, port)


async def _send(call: Call[EscrowReleaseRequested], payee: Payee, port: PaymentProvider) -> Result:
    data = call.event.data
    answer = await port.create_transfer(_transfer_request(call, payee))
    if isinstance(answer, Lost) and answer.replayed:
        answer = await port.find_transfer(data.contract_id, data.transaction_id) or answer
    return _transferred(data, answer)


def _transferred(data: EscrowReleaseRequested, answer: Transfer | Problem) -> Result:
    match answer:
        case Transfer():
            return Done((_created(data, answer),), answer.id)
        case Refusal(code="balance_insufficient"):
            return _waiting(data, WaitReason.FUNDS_NOT_AVAILABLE)
        case Refusal():
            return Done((_transfer_failed(data, answer),))
        case _:
            return outcome(answer)


def _transfer_request(call: Call[EscrowReleaseRequested], payee: Payee) -> TransferRequest:
    data = call.event.data
    return TransferRequest(call.id, data.amount, data.currency, payee.stripe_account_id or "", data.source_charge_id, _parties(call))


def _waiting(data: EscrowReleaseRequested, reason: WaitReason) -> Done:
    said = RecordTransferWaiting(contract_id=data.contract_id, transaction_id=data.transaction_id, attempt=data.attempt, reason=reason)
    return Done((said,))


def _created(data: EscrowReleaseRequested, transfer: Transfer) -> CommandData:
    return RecordTransferCreated(
        contract_id=data.contract_id,
        transaction_id=data.transaction_id,
        transfer_id=transfer.id,
        amount=transfer.amount,
        currency=transfer.currency,
        destination=transfer.destination,
    )


def _transfer_failed(data: EscrowReleaseRequested, refusal: Refusal) -> CommandData:
    return RecordTransferFailed(
        contract_id=data.contract_id,
        transaction_id=data.transaction_id,
        attempt=data.attempt,
        code=refusal.code,
        message=refusal.message,
    )


def _parties(call: Call[DepositRequested] | Call[EscrowReleaseRequested]) -> Parties:
    data = call.event.data
    return Parties(data.contract_id, data.transaction_id, data.client_id, data.contractor_id, call.environment)
