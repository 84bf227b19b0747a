"""Payouts from a connected account to its bank: https://docs.stripe.com/api/payouts."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from workers.ops.fakes.stripe.accounts import Account, account_of
from workers.ops.fakes.stripe.balance import available, post
from workers.ops.fakes.stripe.errors import StripeError, no_such
from workers.ops.fakes.stripe.external_accounts import BankAccount, banks_of
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.money import amount_of, currency_of
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import NOBODY, Cause, StripeState
from workers.ops.fakes.stripe.wire import JsonObject, filled


class PayoutStatus(StrEnum):
    """PAID is not final: it may still become FAILED within some days."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Payout:
    id: str
    created: int
    account: str | None
    amount: int
    currency: str
    destination: str
    balance_transaction: str
    arrival_date: int
    automatic: bool
    status: PayoutStatus = PayoutStatus.PENDING
    failure_code: str | None = None
    failure_message: str | None = None
    failure_balance_transaction: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def body(self) -> JsonObject:
        return filled(
            "payout",
            id=self.id,
            created=self.created,
            amount=self.amount,
            arrival_date=self.arrival_date,
            automatic=self.automatic,
            balance_transaction=self.balance_transaction,
            currency=self.currency,
            description="STRIPE PAYOUT" if self.automatic else None,
            destination=self.destination,
            failure_balance_transaction=self.failure_balance_transaction,
            failure_code=self.failure_code,
            failure_message=self.failure_message,
            metadata=self.metadata,
            reconciliation_status="in_progress" if self.automatic else "not_applicable",
            status=self.status.value,
        )


def usable_bank(state: StripeState, account_id: str, currency: str) -> BankAccount | None:
    """The default bank of the currency, unless a payout to it bounced."""
    banks = (bank for bank in banks_of(state, account_id) if bank.currency == currency and bank.default_for_currency)
    return next((bank for bank in banks if bank.status != "errored"), None)


def begin(
    state: StripeState,
    account: Account,
    amount: int,
    currency: str,
    automatic: bool,
    cause: Cause = NOBODY,
    metadata: dict[str, str] | None = None,
) -> Payout:
    """Takes the amount from the account's balance and emits payout.created. Raises StripeError if it cannot be paid out."""
    if not account.payouts_enabled:
        raise StripeError("Cannot create payouts: payouts are not enabled on this account.", code="payouts_not_allowed")
    if (bank := usable_bank(state, account.id, currency)) is None:
        message = f"Sorry, you don't have any external accounts in that currency ({currency})."
        raise StripeError(message, code="payouts_not_allowed")
    if available(state, account.id, currency) < amount:
        raise StripeError("You have insufficient funds in your Stripe account for this transfer.", code="balance_insufficient")
    payout_id = state.ids.draw("po")
    payout = Payout(
        id=payout_id,
        created=state.clock.now(),
        account=account.id,
        amount=amount,
        currency=currency,
        destination=bank.id,
        balance_transaction=post(state, account.id, -amount, currency, "payout", payout_id).id,
        arrival_date=state.clock.now() + state.terms.payout_seconds,
        automatic=automatic,
        metadata=metadata or {},
    )
    state.emit("payout.created", state.add(payout), cause)
    return payout


def create(state: StripeState, call: Call) -> JsonObject:
    given, account = call.parameters, _owner(state, call)
    amount, currency = amount_of(given), currency_of(given)
    return begin(state, account, amount, currency, False, call.cause, given.strings("metadata")).body()


def _owner(state: StripeState, call: Call) -> Account:
    if call.account is None:
        raise StripeError("This fake pays out connected accounts only: send the Stripe-Account header.")
    return account_of(state, call.account)


def _payout_of(state: StripeState, call: Call) -> Payout:
    payout = state.table(Payout).get(call.path["id"])
    if payout is None or payout.account != call.account:
        raise no_such("payout", call.path["id"], "id")
    return payout


def retrieve(state: StripeState, call: Call) -> JsonObject:
    return _payout_of(state, call).body()


def cancel(state: StripeState, call: Call) -> JsonObject:
    payout = _payout_of(state, call)
    if payout.status is not PayoutStatus.PENDING:
        raise StripeError("Payouts can only be canceled while they are pending.")
    back = post(state, payout.account, payout.amount, payout.currency, "payout_cancel", payout.id)
    canceled = replace(payout, status=PayoutStatus.CANCELED, failure_balance_transaction=back.id)
    state.emit("payout.canceled", state.put(canceled), call.cause)
    return canceled.body()


def list_payouts(state: StripeState, call: Call) -> JsonObject:
    status = call.parameters.text("status")
    found = [payout for payout in state.table(Payout).values() if payout.account == call.account and status in (None, payout.status.value)]
    return page(found, call.parameters, "/v1/payouts")


ROUTES = (
    Route("POST /v1/payouts", create),
    Route("GET /v1/payouts", list_payouts),
    Route("GET /v1/payouts/{id}", retrieve),
    Route("POST /v1/payouts/{id}/cancel", cancel),
)
