"""PaymentIntents: https://docs.stripe.com/api/payment_intents, and what the payer's side does to them."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from workers.ops.fakes.stripe.errors import NotExecuted, StripeError, no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.money import amount_of, currency_of, refuse_unchargeable
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.search import search
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.wire import Json, JsonObject, filled


class IntentStatus(StrEnum):
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


CANCELLATION_REASONS = frozenset({"abandoned", "duplicate", "fraudulent", "requested_by_customer"})


@dataclass(frozen=True, slots=True)
class PaymentIntent:
    """SUCCEEDED and CANCELED are final. After a decline it is back in REQUIRES_PAYMENT_METHOD and may still succeed."""

    id: str
    created: int
    amount: int
    currency: str
    client_secret: str
    status: IntentStatus = IntentStatus.REQUIRES_PAYMENT_METHOD
    amount_received: int = 0
    description: str | None = None
    latest_charge: str | None = None
    payment_method: str | None = None
    payment_method_types: tuple[str, ...] = ("card", "us_bank_account")
    transfer_group: str | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    last_payment_error: JsonObject | None = None
    account: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def body(self) -> JsonObject:
        return filled(
            "payment_intent",
            id=self.id,
            created=self.created,
            amount=self.amount,
            amount_received=self.amount_received,
            canceled_at=self.canceled_at,
            cancellation_reason=self.cancellation_reason,
            client_secret=self.client_secret,
            currency=self.currency,
            description=self.description,
            last_payment_error=self.last_payment_error,
            latest_charge=self.latest_charge,
            metadata=self.metadata,
            payment_method=self.payment_method,
            payment_method_types=self.payment_method_types,
            status=self.status.value,
            transfer_group=self.transfer_group,
        )


def intent_of(state: StripeState, intent_id: str) -> PaymentIntent:
    if (intent := state.table(PaymentIntent).get(intent_id)) is None:
        raise no_such("payment_intent", intent_id, "intent")
    return intent


def create(state: StripeState, call: Call) -> JsonObject:
    given = call.parameters
    amount, currency = amount_of(given), currency_of(given)
    refuse_unchargeable(amount, currency)
    if given.flag("confirm"):
        raise NotExecuted("This fake confirms by POST /_fake/payment_intents/{id}/confirm, not with `confirm`.", param="confirm")
    description, group, metadata = given.text("description"), given.text("transfer_group"), given.strings("metadata")
    intent_id = state.ids.draw("pi")
    intent = PaymentIntent(
        id=intent_id,
        created=state.clock.now(),
        amount=amount,
        currency=currency,
        client_secret=state.ids.draw(f"{intent_id}_secret"),
        description=description,
        payment_method_types=given.items("allowed_payment_method_types") or ("card", "us_bank_account"),
        transfer_group=group,
        account=call.account,
        metadata=metadata,
    )
    state.emit("payment_intent.created", state.add(intent), call.cause)
    return intent.body()


def retrieve(state: StripeState, call: Call) -> JsonObject:
    return intent_of(state, call.path["id"]).body()


def list_intents(state: StripeState, call: Call) -> JsonObject:
    return page(state.table(PaymentIntent).values(), call.parameters, "/v1/payment_intents")


def search_intents(state: StripeState, call: Call) -> JsonObject:
    indexed = state.clock.now() - state.terms.search_lag_seconds
    found = [intent for intent in state.table(PaymentIntent).values() if intent.created <= indexed]
    return search(found, call.parameters, "/v1/payment_intents/search")


def cancel(state: StripeState, call: Call) -> JsonObject:
    reason = call.parameters.one_of("cancellation_reason", CANCELLATION_REASONS)
    intent = intent_of(state, call.path["id"])
    if intent.status is not IntentStatus.REQUIRES_PAYMENT_METHOD:
        raise _unexpected_state(intent)
    canceled = replace(intent, status=IntentStatus.CANCELED, canceled_at=state.clock.now(), cancellation_reason=reason)
    state.emit("payment_intent.canceled", state.put(canceled), call.cause)
    return canceled.body()


def _unexpected_state(intent: PaymentIntent) -> StripeError:
    # The real one also cancels some intents in processing; escrow deposits (bank debits) are not among them.
    message = (
        f"You cannot cancel this PaymentIntent because it has a status of {intent.status}. Only a PaymentIntent with one of the "
        "following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action."
    )
    more: dict[str, Json] = {"payment_intent": intent.body()}
    return StripeError(message, code="payment_intent_unexpected_state", more=more)


ROUTES = (
    Route("POST /v1/payment_intents", create),
    Route("GET /v1/payment_intents", list_intents),
    Route("GET /v1/payment_intents/search", search_intents),
    Route("GET /v1/payment_intents/{id}", retrieve),
    Route("POST /v1/payment_intents/{id}/cancel", cancel),
)
