"""Charges: the attempts of a PaymentIntent to collect money."""

from dataclasses import dataclass, field

from workers.ops.fakes.stripe.errors import no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.wire import JsonObject, filled


@dataclass(frozen=True, slots=True)
class Charge:
    """`status` is pending, succeeded or failed. Metadata and transfer_group are copied from the intent at creation."""

    id: str
    created: int
    amount: int
    currency: str
    payment_intent: str
    payment_method: str
    status: str = "pending"
    balance_transaction: str | None = None
    available_on: int = 0
    amount_refunded: int = 0
    decline_code: str | None = None
    transfer_group: str | None = None
    account: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def body(self) -> JsonObject:
        paid = self.status == "succeeded"
        shown = filled(
            "charge",
            id=self.id,
            created=self.created,
            amount=self.amount,
            amount_captured=self.amount if paid else 0,
            amount_refunded=self.amount_refunded,
            balance_transaction=self.balance_transaction,
            captured=paid,
            currency=self.currency,
            metadata=self.metadata,
            paid=paid,
            payment_intent=self.payment_intent,
            payment_method=self.payment_method,
            refunded=paid and self.amount_refunded == self.amount,
            status=self.status,
            transfer_group=self.transfer_group,
        )
        return shown if self.decline_code is None else shown | _declined(self.decline_code)


def _declined(code: str) -> JsonObject:
    return {
        "failure_code": "card_declined",
        "failure_message": "Your card was declined.",
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "declined_by_network",
            "reason": code,
            "seller_message": "The bank did not accept the charge.",
            "type": "issuer_declined",
        },
    }


def charge_of(state: StripeState, charge_id: str, param: str, status: int) -> Charge:
    if (charge := state.table(Charge).get(charge_id)) is None:
        raise no_such("charge", charge_id, param, status)
    return charge


def retrieve(state: StripeState, call: Call) -> JsonObject:
    return charge_of(state, call.path["id"], "id", 404).body()


def list_charges(state: StripeState, call: Call) -> JsonObject:
    intent, group = call.parameters.text("payment_intent"), call.parameters.text("transfer_group")
    found = [
        charge
        for charge in state.table(Charge).values()
        if intent in (None, charge.payment_intent) and group in (None, charge.transfer_group)
    ]
    return page(found, call.parameters, "/v1/charges")


ROUTES = (
    Route("GET /v1/charges", list_charges),
    Route("GET /v1/charges/{id}", retrieve),
)
