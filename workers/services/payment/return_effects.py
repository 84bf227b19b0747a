"""Money on its way back, as asked of Stripe: refunds to the client, reversals from the contractor's account.

A list is cheap: before a call that may have happened already, and before any reversal, what is asked for is looked for.
"""

from contracts.payment.commands import RecordRefund, RecordRefundRejected, RecordReversalFailed, RecordTransferReversed
from contracts.payment.events import RefundRequested, ReleaseReversalRequested
from workers.engine.service import Call, Done, Result
from workers.services.payment.effects import Rows, outcome
from workers.services.payment.ports import (
    Lost,
    Parties,
    PaymentProvider,
    Problem,
    Refund,
    RefundRequest,
    Refusal,
    ReversalRequest,
    Transfer,
)

NOT_FOUND = "not_found_at_stripe"
"""The key is too old to ask again under it, and nothing shows that the earlier call did anything: people may ask anew."""


async def refund(call: Call[RefundRequested], _rows: Rows, port: PaymentProvider) -> Result:
    data = call.event.data
    found = await port.find_refund(data.payment_intent_id, data.transaction_id) if call.tries or call.stale else None
    if found is None and call.stale:
        return _rejected(data, NOT_FOUND)
    answer: Refund | Problem = found or await port.create_refund(_refund_request(call))
    if isinstance(answer, Lost) and answer.replayed:
        answer = await port.find_refund(data.payment_intent_id, data.transaction_id) or answer
    match answer:
        case Refund():
            return Done((_recorded(data, answer),), answer.id)
        case Refusal():
            return _rejected(data, answer.code)
        case _:
            return outcome(answer)


def _refund_request(call: Call[RefundRequested]) -> RefundRequest:
    data = call.event.data
    return RefundRequest(call.id, data.payment_intent_id, data.amount, data.reason, data.deposit_id, _parties(call))


def _recorded(data: RefundRequested, refund: Refund) -> RecordRefund:
    return RecordRefund(
        contract_id=data.contract_id,
        refund_id=refund.id,
        transaction_id=data.transaction_id,
        deposit_id=data.deposit_id,
        amount=refund.amount,
        currency=refund.currency,
        status=refund.status,
        failure_reason=refund.failure_reason,
        event_created=refund.as_of,
    )


def _rejected(data: RefundRequested, code: str) -> Done:
    return Done((RecordRefundRejected(contract_id=data.contract_id, transaction_id=data.transaction_id, code=code),))


async def reverse_transfer(call: Call[ReleaseReversalRequested], _rows: Rows, port: PaymentProvider) -> Result:
    data = call.event.data
    found = await port.find_reversal(data.transfer_id, data.reversal_id)
    if found is None and call.stale:
        return _reversal_failed(data, NOT_FOUND)
    request = ReversalRequest(call.id, data.transfer_id, data.reversal_id, data.amount, _parties(call))
    answer: Transfer | Problem = found or await port.reverse_transfer(request)
    if isinstance(answer, Lost) and answer.replayed:
        answer = await port.find_reversal(data.transfer_id, data.reversal_id) or answer
    match answer:
        case Transfer():
            return Done((_reversed(data, answer),), answer.id)
        case Refusal():
            return _reversal_failed(data, answer.code)
        case _:
            return outcome(answer)


def _reversed(data: ReleaseReversalRequested, transfer: Transfer) -> RecordTransferReversed:
    return RecordTransferReversed(
        contract_id=data.contract_id,
        transaction_id=data.transaction_id,
        transfer_id=transfer.id,
        amount_reversed=transfer.amount_reversed,
    )


def _reversal_failed(data: ReleaseReversalRequested, code: str) -> Done:
    said = RecordReversalFailed(contract_id=data.contract_id, transaction_id=data.transaction_id, reversal_id=data.reversal_id, code=code)
    return Done((said,))


def _parties(call: Call[RefundRequested] | Call[ReleaseReversalRequested]) -> Parties:
    data = call.event.data
    return Parties(data.contract_id, data.transaction_id, data.client_id, data.contractor_id, call.environment)
