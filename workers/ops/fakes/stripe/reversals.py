"""Reversals of a transfer: https://docs.stripe.com/api/transfer_reversals."""

from dataclasses import dataclass, field, replace

from workers.ops.fakes.stripe.balance import available, post
from workers.ops.fakes.stripe.errors import StripeError, no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.money import amount_of
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import NOBODY, Cause, StripeState
from workers.ops.fakes.stripe.transfers import Transfer
from workers.ops.fakes.stripe.wire import JsonObject, filled


@dataclass(frozen=True, slots=True)
class Reversal:
    """Immediate, as its transfer was."""

    id: str
    created: int
    amount: int
    currency: str
    transfer: str
    balance_transaction: str
    account: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def body(self) -> JsonObject:
        return filled(
            "transfer_reversal",
            id=self.id,
            created=self.created,
            amount=self.amount,
            balance_transaction=self.balance_transaction,
            currency=self.currency,
            metadata=self.metadata,
            transfer=self.transfer,
        )


def _transfer(state: StripeState, transfer_id: str) -> Transfer:
    if (transfer := state.table(Transfer).get(transfer_id)) is None:
        raise no_such("transfer", transfer_id, "id")
    return transfer


def create(state: StripeState, call: Call) -> JsonObject:
    given, transfer = call.parameters, _transfer(state, call.path["id"])
    amount = amount_of(given) if "amount" in given.given() else transfer.amount - transfer.amount_reversed
    return begin(state, transfer, amount, given.strings("metadata"), call.cause).body()


def begin(state: StripeState, transfer: Transfer, amount: int, metadata: dict[str, str], cause: Cause = NOBODY) -> Reversal:
    """Takes the amount from the connected account; transfer.reversed shows the transfer with its new total."""
    left = transfer.amount - transfer.amount_reversed
    if amount > left:
        message = f"Transfer {transfer.id} can be reversed by {left} at most: {transfer.amount_reversed} have been reversed already."
        raise StripeError(message, param="amount")
    if available(state, transfer.destination, transfer.currency) < amount:
        message = "The connected account does not have enough available funds for this reversal."
        raise StripeError(message, code="balance_insufficient")
    reversal_id = state.ids.draw("trr")
    post(state, transfer.destination, -amount, transfer.currency, "payment_refund", reversal_id)
    reversal = Reversal(
        id=reversal_id,
        created=state.clock.now(),
        amount=amount,
        currency=transfer.currency,
        transfer=transfer.id,
        balance_transaction=post(state, None, amount, transfer.currency, "transfer_refund", reversal_id).id,
        metadata=metadata,
    )
    state.add(reversal)
    after = state.put(replace(transfer, amount_reversed=transfer.amount_reversed + amount))
    state.emit("transfer.reversed", after, cause, transfer)
    return reversal


def reverse_transfer(state: StripeState, transfer_id: str, amount: int | None = None) -> Reversal:
    """What the dashboard's button does: a reversal without metadata of ours."""
    transfer = _transfer(state, transfer_id)
    return begin(state, transfer, transfer.amount - transfer.amount_reversed if amount is None else amount, {})


def _of(state: StripeState, transfer_id: str) -> list[Reversal]:
    return [each for each in state.table(Reversal).values() if each.transfer == _transfer(state, transfer_id).id]


def retrieve(state: StripeState, call: Call) -> JsonObject:
    found = next((each for each in _of(state, call.path["id"]) if each.id == call.path["reversal_id"]), None)
    if found is None:
        raise no_such("transfer reversal", call.path["reversal_id"], "id")
    return found.body()


def list_reversals(state: StripeState, call: Call) -> JsonObject:
    transfer = _transfer(state, call.path["id"])
    return page(_of(state, transfer.id), call.parameters, f"/v1/transfers/{transfer.id}/reversals")


ROUTES = (
    Route("POST /v1/transfers/{id}/reversals", create),
    Route("GET /v1/transfers/{id}/reversals", list_reversals),
    Route("GET /v1/transfers/{id}/reversals/{reversal_id}", retrieve),
)
