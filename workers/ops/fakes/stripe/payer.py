"""What the payer's side does to a PaymentIntent: pay by bank debit or card, now or after days, or be declined."""

from dataclasses import replace

from workers.ops.fakes.stripe.balance import post
from workers.ops.fakes.stripe.charges import Charge
from workers.ops.fakes.stripe.payment_intents import IntentStatus, PaymentIntent, intent_of
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.wire import JsonObject

DECLINES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "generic_decline": "Your card was declined.",
    "lost_card": "Your card was declined.",
    "expired_card": "Your card has expired.",
}


class NotPossible(Exception):
    """A control that does not fit the object's state. Its text is for a person."""


def _payable(state: StripeState, intent_id: str) -> PaymentIntent:
    intent = intent_of(state, intent_id)
    if intent.status in (IntentStatus.SUCCEEDED, IntentStatus.CANCELED):
        raise NotPossible(f"PaymentIntent {intent_id} is {intent.status}, which is final: create another one.")
    return intent


def start_processing(state: StripeState, intent_id: str) -> PaymentIntent:
    """The payer confirmed; the money is under way. Already under way: nothing changes."""
    intent = _payable(state, intent_id)
    if intent.status is IntentStatus.PROCESSING:
        return intent
    method = state.ids.draw("pm")
    charge = Charge(
        id=state.ids.draw("ch"),
        created=state.clock.now(),
        amount=intent.amount,
        currency=intent.currency,
        payment_intent=intent.id,
        payment_method=method,
        transfer_group=intent.transfer_group,
        account=intent.account,
        metadata=intent.metadata,
    )
    processing = replace(intent, status=IntentStatus.PROCESSING, latest_charge=charge.id, payment_method=method, last_payment_error=None)
    state.emit("charge.pending", state.add(charge))
    state.emit("payment_intent.processing", state.put(processing))
    return processing


def succeed(state: StripeState, intent_id: str, amount_received: int | None = None) -> PaymentIntent:
    """The money arrived; `amount_received` may differ from what was asked."""
    intent = start_processing(state, intent_id)
    received = intent.amount if amount_received is None else amount_received
    charge = state.table(Charge)[intent.latest_charge or ""]
    available_on = state.clock.now() + state.terms.settle_seconds
    txn = post(state, intent.account, received, intent.currency, "charge", charge.id, available_on)
    paid = replace(charge, status="succeeded", amount=received, balance_transaction=txn.id, available_on=available_on)
    done = replace(intent, status=IntentStatus.SUCCEEDED, amount_received=received)
    state.emit("charge.succeeded", state.put(paid))
    state.emit("payment_intent.succeeded", state.put(done))
    return done


def decline(state: StripeState, intent_id: str, decline_code: str = "insufficient_funds") -> PaymentIntent:
    """The money did not come. Not final: the same intent can be paid afterwards."""
    intent = start_processing(state, intent_id)
    charge = state.table(Charge)[intent.latest_charge or ""]
    failed = replace(charge, status="failed", decline_code=decline_code)
    back = replace(
        intent,
        status=IntentStatus.REQUIRES_PAYMENT_METHOD,
        payment_method=None,
        last_payment_error=_payment_error(failed),
    )
    state.emit("charge.failed", state.put(failed))
    state.emit("payment_intent.payment_failed", state.put(back))
    return back


def _payment_error(charge: Charge) -> JsonObject:
    return {
        "charge": charge.id,
        "code": "card_declined",
        "decline_code": charge.decline_code,
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "message": DECLINES.get(charge.decline_code or "", "Your card was declined."),
        "payment_method": {"id": charge.payment_method, "object": "payment_method", "type": "card"},
        "type": "card_error",
    }
