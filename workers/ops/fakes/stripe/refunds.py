"""Refunds of a charge: https://docs.stripe.com/api/refunds, and the bank that sends one back."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from workers.ops.fakes.stripe.balance import available, post
from workers.ops.fakes.stripe.charges import Charge, charge_of
from workers.ops.fakes.stripe.disputes import is_disputed
from workers.ops.fakes.stripe.errors import StripeError, missing_parameter, no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.money import amount_of
from workers.ops.fakes.stripe.payer import NotPossible
from workers.ops.fakes.stripe.payment_intents import intent_of
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import NOBODY, Cause, StripeState
from workers.ops.fakes.stripe.statuses import in_status
from workers.ops.fakes.stripe.wire import JsonObject, filled

REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Refund:
    """PENDING while the platform's balance does not cover it. A bank may send back what SUCCEEDED."""

    id: str
    created: int
    amount: int
    currency: str
    charge: str
    payment_intent: str
    status: RefundStatus
    balance_transaction: str | None = None
    reason: str | None = None
    failure_reason: str | None = None
    failure_balance_transaction: str | None = None
    account: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def body(self) -> JsonObject:
        return filled(
            "refund",
            id=self.id,
            created=self.created,
            amount=self.amount,
            balance_transaction=self.balance_transaction,
            charge=self.charge,
            currency=self.currency,
            failure_balance_transaction=self.failure_balance_transaction,
            failure_reason=self.failure_reason,
            metadata=self.metadata,
            payment_intent=self.payment_intent,
            reason=self.reason,
            status=self.status.value,
        )


def create(state: StripeState, call: Call) -> JsonObject:
    given = call.parameters
    charge = _charge(state, call)
    amount = amount_of(given) if "amount" in given.given() else charge.amount - charge.amount_refunded
    reason, metadata = given.one_of("reason", REASONS), given.strings("metadata")
    return begin(state, charge, amount, reason, metadata, call.cause).body()


def _charge(state: StripeState, call: Call) -> Charge:
    named, intent = call.parameters.text("charge"), call.parameters.text("payment_intent")
    if named is None and intent is None:
        raise missing_parameter("payment_intent")
    latest = named or intent_of(state, intent or "").latest_charge
    if latest is None:
        raise StripeError(f"This PaymentIntent ({intent}) does not have a successful charge to refund.", param="payment_intent")
    return charge_of(state, latest, "charge", 400)


def begin(state: StripeState, charge: Charge, amount: int, reason: str | None, metadata: dict[str, str], cause: Cause = NOBODY) -> Refund:
    """Emits refund.created and charge.refunded. Raises StripeError for what can't be refunded."""
    _refuse(state, charge, amount)
    refund_id = state.ids.draw("re")
    covered = available(state, charge.account, charge.currency) >= amount
    refund = Refund(
        id=refund_id,
        created=state.clock.now(),
        amount=amount,
        currency=charge.currency,
        charge=charge.id,
        payment_intent=charge.payment_intent,
        status=RefundStatus.SUCCEEDED if covered else RefundStatus.PENDING,
        balance_transaction=post(state, charge.account, -amount, charge.currency, "refund", refund_id).id,
        reason=reason,
        account=charge.account,
        metadata=metadata,
    )
    state.emit("refund.created", state.add(refund), cause)
    after = state.put(replace(charge, amount_refunded=charge.amount_refunded + amount))
    state.emit("charge.refunded", after, cause, charge)
    return refund


def _refuse(state: StripeState, charge: Charge, amount: int) -> None:
    left = charge.amount - charge.amount_refunded
    if charge.status != "succeeded":
        raise StripeError(f"Charge {charge.id} has not succeeded and cannot be refunded.", code="charge_not_refundable")
    if is_disputed(state, charge.id):
        raise StripeError(f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left == 0:
        raise StripeError(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise StripeError(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount")


def settle(state: StripeState, refund_id: str) -> Refund:
    """pending -> succeeded: refund.updated and charge.refund.updated."""
    before = in_status(state, Refund, refund_id, RefundStatus.PENDING)
    after = state.put(replace(before, status=RefundStatus.SUCCEEDED))
    for kind in ("refund.updated", "charge.refund.updated"):
        state.emit(kind, after, before=before)
    return after


def bounce(state: StripeState, refund_id: str, failure_reason: str = "expired_or_canceled_card") -> Refund:
    """The bank sends it back, after it succeeded too: refund.updated, refund.failed, charge.refund.updated; the charge's total falls."""
    before = in_status(state, Refund, refund_id, RefundStatus.PENDING, RefundStatus.SUCCEEDED)
    back = post(state, before.account, before.amount, before.currency, "refund_failure", refund_id)
    failed = replace(before, status=RefundStatus.FAILED, failure_reason=failure_reason, failure_balance_transaction=back.id)
    state.put(failed)
    charge = state.table(Charge)[before.charge]
    state.put(replace(charge, amount_refunded=charge.amount_refunded - before.amount))
    for kind in ("refund.updated", "refund.failed", "charge.refund.updated"):
        state.emit(kind, failed, before=before)
    return failed


def refund_charge(state: StripeState, intent_id: str, amount: int | None = None) -> Refund:
    """What the dashboard's button does: a refund without metadata of ours."""
    intent = intent_of(state, intent_id)
    charge = state.table(Charge).get(intent.latest_charge or "")
    if charge is None:
        raise NotPossible(f"PaymentIntent {intent_id} has no charge to refund: confirm it first.")
    return begin(state, charge, charge.amount - charge.amount_refunded if amount is None else amount, None, {})


def retrieve(state: StripeState, call: Call) -> JsonObject:
    if (refund := state.table(Refund).get(call.path["id"])) is None:
        raise no_such("refund", call.path["id"], "id")
    return refund.body()


def list_refunds(state: StripeState, call: Call) -> JsonObject:
    charge, intent = call.parameters.text("charge"), call.parameters.text("payment_intent")
    found = [
        refund for refund in state.table(Refund).values() if charge in (None, refund.charge) and intent in (None, refund.payment_intent)
    ]
    return page(found, call.parameters, "/v1/refunds")


ROUTES = (
    Route("POST /v1/refunds", create),
    Route("GET /v1/refunds", list_refunds),
    Route("GET /v1/refunds/{id}", retrieve),
)
