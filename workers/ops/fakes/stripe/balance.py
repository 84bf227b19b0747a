"""Balances of the platform and of each connected account, and the balance transactions they are made of."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from workers.ops.fakes.stripe.errors import no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.wire import Json, JsonObject, filled


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """One movement. No fee is taken here: what the real Stripe keeps depends on the contract with it."""

    id: str
    created: int
    account: str | None
    amount: int
    currency: str
    available_on: int
    type: str
    source: str

    def body(self) -> JsonObject:
        return filled(
            "balance_transaction",
            id=self.id,
            created=self.created,
            amount=self.amount,
            net=self.amount,
            currency=self.currency,
            available_on=self.available_on,
            type=self.type,
            reporting_category=self.type,
            source=self.source,
        )


def post(
    state: StripeState, account: str | None, amount: int, currency: str, kind: str, source: str, available_on: int = 0
) -> BalanceTransaction:
    """Moves a balance. Money in counts as available from `available_on`; money out at once."""
    now = state.clock.now()
    txn = BalanceTransaction(state.ids.draw("txn"), now, account, amount, currency, max(now, available_on), kind, source)
    return state.add(txn)


def _of(state: StripeState, account: str | None) -> Iterator[BalanceTransaction]:
    return (txn for txn in state.table(BalanceTransaction).values() if txn.account == account)


def available(state: StripeState, account: str | None, currency: str) -> int:
    now = state.clock.now()
    return sum(txn.amount for txn in _of(state, account) if txn.currency == currency and txn.available_on <= now)


def currencies(state: StripeState, account: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(txn.currency for txn in _of(state, account)))


def retrieve_balance(state: StripeState, call: Call) -> JsonObject:
    now = state.clock.now()
    ready: dict[str, int] = defaultdict(int)
    pending: dict[str, int] = defaultdict(int)
    for txn in _of(state, call.account):
        (ready if txn.available_on <= now else pending)[txn.currency] += txn.amount
    return {"object": "balance", "available": _amounts(ready), "livemode": False, "pending": _amounts(pending)}


def _amounts(by_currency: dict[str, int]) -> list[Json]:
    return [{"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in by_currency.items()]


def retrieve_transaction(state: StripeState, call: Call) -> JsonObject:
    txn = state.table(BalanceTransaction).get(call.path["id"])
    if txn is None or txn.account != call.account:
        raise no_such("balance transaction", call.path["id"], "id")
    return txn.body()


def list_transactions(state: StripeState, call: Call) -> JsonObject:
    wanted = {name: call.parameters.text(name) for name in ("source", "type", "currency")}
    found = [txn for txn in _of(state, call.account) if all(value in (None, getattr(txn, name)) for name, value in wanted.items())]
    return page(found, call.parameters, "/v1/balance_transactions")


ROUTES = (
    Route("GET /v1/balance", retrieve_balance),
    Route("GET /v1/balance_transactions", list_transactions),
    Route("GET /v1/balance_transactions/{id}", retrieve_transaction),
)
