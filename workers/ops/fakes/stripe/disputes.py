"""Disputes: https://docs.stripe.com/api/disputes, and what a payer's bank does with one."""

from dataclasses import dataclass, replace

from workers.ops.fakes.stripe.balance import BalanceTransaction, post
from workers.ops.fakes.stripe.charges import Charge
from workers.ops.fakes.stripe.errors import no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.payer import NotPossible
from workers.ops.fakes.stripe.payment_intents import intent_of
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.statuses import in_status
from workers.ops.fakes.stripe.wire import Json, JsonObject, filled

FEE = 1_500
ANSWER_SECONDS = 14 * 24 * 3600
CLOSED = ("won", "lost", "warning_closed")


@dataclass(frozen=True, slots=True)
class Dispute:
    """Every event shows it whole. `warning_*` is an inquiry: no money has moved."""

    id: str
    created: int
    amount: int
    currency: str
    charge: str
    payment_intent: str
    reason: str
    status: str
    transactions: tuple[JsonObject, ...] = ()
    account: str | None = None

    def body(self) -> JsonObject:
        evidence: JsonObject = {
            "due_by": self.created + ANSWER_SECONDS,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "enhanced_eligibility": {},
        }
        movements: list[Json] = list(self.transactions)
        return filled(
            "dispute",
            id=self.id,
            created=self.created,
            amount=self.amount,
            balance_transactions=movements,
            charge=self.charge,
            currency=self.currency,
            evidence_details=evidence,
            is_charge_refundable=not movements and self.status not in CLOSED,
            payment_intent=self.payment_intent,
            reason=self.reason,
            status=self.status,
        )


def is_disputed(state: StripeState, charge_id: str) -> bool:
    """Whether a bank has taken the charge's money away, for now or for good."""
    return any(each.charge == charge_id and each.transactions and each.status != "won" for each in state.table(Dispute).values())


def open_dispute(
    state: StripeState, intent_id: str, amount: int | None = None, inquiry: bool = False, reason: str = "fraudulent"
) -> Dispute:
    """charge.dispute.created; unless it is an inquiry the money goes at once, with charge.dispute.funds_withdrawn."""
    intent = intent_of(state, intent_id)
    charge = state.table(Charge).get(intent.latest_charge or "")
    if charge is None or charge.status != "succeeded":
        raise NotPossible(f"PaymentIntent {intent_id} has no succeeded charge to dispute: confirm it first.")
    dispute = Dispute(
        id=state.ids.draw("du"),
        created=state.clock.now(),
        amount=charge.amount if amount is None else amount,
        currency=charge.currency,
        charge=charge.id,
        payment_intent=intent.id,
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
        account=charge.account,
    )
    if not inquiry:
        dispute = _moved(state, dispute, -1)
    state.emit("charge.dispute.created", state.add(dispute))
    if not inquiry:
        state.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def escalate(state: StripeState, dispute_id: str) -> Dispute:
    """An inquiry becomes a dispute: charge.dispute.updated and charge.dispute.funds_withdrawn."""
    before = in_status(state, Dispute, dispute_id, "warning_needs_response", "warning_under_review")
    after = state.put(_moved(state, replace(before, status="needs_response"), -1))
    state.emit("charge.dispute.updated", after, before=before)
    state.emit("charge.dispute.funds_withdrawn", after)
    return after


def close(state: StripeState, dispute_id: str, outcome: str) -> Dispute:
    """won (the money comes back with charge.dispute.funds_reinstated), lost, or warning_closed for an inquiry."""
    starts = ("warning_needs_response", "warning_under_review") if outcome == "warning_closed" else ("needs_response", "under_review")
    if outcome not in CLOSED:
        raise NotPossible(f"`outcome` is one of {', '.join(CLOSED)}, not {outcome!r}.")
    before = in_status(state, Dispute, dispute_id, *starts)
    closed = state.put(replace(before, status=outcome))
    state.emit("charge.dispute.closed", closed, before=before)
    if outcome == "won":
        closed = state.put(_moved(state, closed, 1))
        state.emit("charge.dispute.funds_reinstated", closed)
    return closed


def _moved(state: StripeState, dispute: Dispute, sign: int) -> Dispute:
    txn: BalanceTransaction = post(state, dispute.account, sign * dispute.amount, dispute.currency, "adjustment", dispute.id)
    fee = FEE if sign < 0 else 0
    shown = txn.body() | {"fee": fee, "net": txn.amount - fee, "reporting_category": "dispute" if sign < 0 else "dispute_reversal"}
    return replace(dispute, transactions=(*dispute.transactions, shown))


def retrieve(state: StripeState, call: Call) -> JsonObject:
    if (dispute := state.table(Dispute).get(call.path["id"])) is None:
        raise no_such("dispute", call.path["id"], "id")
    return dispute.body()


def list_disputes(state: StripeState, call: Call) -> JsonObject:
    charge, intent = call.parameters.text("charge"), call.parameters.text("payment_intent")
    found = [
        dispute
        for dispute in state.table(Dispute).values()
        if charge in (None, dispute.charge) and intent in (None, dispute.payment_intent)
    ]
    return page(found, call.parameters, "/v1/disputes")


ROUTES = (
    Route("GET /v1/disputes", list_disputes),
    Route("GET /v1/disputes/{id}", retrieve),
)
