"""Transfers from the platform to a connected account: https://docs.stripe.com/api/transfers."""

from dataclasses import dataclass, field

from workers.ops.fakes.stripe.accounts import Account
from workers.ops.fakes.stripe.balance import available, post
from workers.ops.fakes.stripe.charges import Charge, charge_of
from workers.ops.fakes.stripe.errors import StripeError, missing_parameter, no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.money import amount_of, currency_of, written
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.wire import JsonObject, filled


@dataclass(frozen=True, slots=True)
class Transfer:
    """Immediate and without a status; only a reversal (`amount_reversed`) takes money back."""

    id: str
    created: int
    amount: int
    currency: str
    destination: str
    destination_payment: str
    balance_transaction: str
    description: str | None = None
    source_transaction: str | None = None
    transfer_group: str | None = None
    amount_reversed: int = 0
    account: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def body(self) -> JsonObject:
        return filled(
            "transfer",
            id=self.id,
            created=self.created,
            amount=self.amount,
            amount_reversed=self.amount_reversed,
            balance_transaction=self.balance_transaction,
            currency=self.currency,
            description=self.description,
            destination=self.destination,
            destination_payment=self.destination_payment,
            metadata=self.metadata,
            reversals={"data": [], "has_more": False, "object": "list", "url": f"/v1/transfers/{self.id}/reversals"},
            reversed=self.amount_reversed == self.amount,
            source_transaction=self.source_transaction,
            transfer_group=self.transfer_group,
        )


def create(state: StripeState, call: Call) -> JsonObject:
    given = call.parameters
    currency, source = currency_of(given), given.text("source_transaction")
    destination, metadata, group = given.required("destination"), given.strings("metadata"), given.text("transfer_group")
    if "amount" not in given.given() and source is None:
        raise missing_parameter("amount")
    asked = amount_of(given) if "amount" in given.given() else None
    _refuse_unready(state, destination)
    charge = None if source is None else charge_of(state, source, "source_transaction", 400)
    amount = asked or (charge.amount if charge else 0)
    if charge is None:
        _refuse_uncovered(state, amount, currency)
    else:
        _refuse_beyond_charge(state, amount, currency, charge)
        group = _group_of(group, charge)
    return _move(state, call, amount, currency, destination, charge, group, metadata).body()


def _move(
    state: StripeState,
    call: Call,
    amount: int,
    currency: str,
    destination: str,
    charge: Charge | None,
    group: str | None,
    metadata: dict[str, str],
) -> Transfer:
    transfer_id, payment_id = state.ids.draw("tr"), state.ids.draw("py")
    # Money of a charge that has not settled arrives pending, and leaves the platform's pending part.
    available_on = charge.available_on if charge else 0
    txn = post(state, None, -amount, currency, "transfer", transfer_id, available_on)
    post(state, destination, amount, currency, "payment", payment_id, available_on)
    transfer = Transfer(
        id=transfer_id,
        created=state.clock.now(),
        amount=amount,
        currency=currency,
        destination=destination,
        destination_payment=payment_id,
        balance_transaction=txn.id,
        description=call.parameters.text("description"),
        source_transaction=charge.id if charge else None,
        transfer_group=group,
        metadata=metadata,
    )
    state.emit("transfer.created", state.add(transfer), call.cause)
    return transfer


def _refuse_unready(state: StripeState, destination: str) -> None:
    account = state.table(Account).get(destination)
    if account is None or account.deauthorized:
        raise no_such("destination", destination, "destination", status=400)
    if not account.transfers_active:
        message = (
            "Your destination account needs to have at least one of the following capabilities enabled: "
            "transfers, crypto_transfers, legacy_payments"
        )
        raise StripeError(message, code="insufficient_capabilities_for_transfer")


def _refuse_uncovered(state: StripeState, amount: int, currency: str) -> None:
    if available(state, None, currency) < amount:
        message = (
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance "
            "by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing#available-balance"
        )
        raise StripeError(message, code="balance_insufficient")


def _refuse_beyond_charge(state: StripeState, amount: int, currency: str, charge: Charge) -> None:
    if charge.status != "succeeded":
        raise StripeError(f"The charge {charge.id} has not succeeded and cannot be a source_transaction.", param="source_transaction")
    if charge.currency != currency:
        message = (
            f"The currency of source_transaction's balance transaction ({charge.currency}) must be the same as the "
            f"transfer currency ({currency})"
        )
        raise StripeError(message, param="currency")
    moved = sum(transfer.amount for transfer in state.table(Transfer).values() if transfer.source_transaction == charge.id)
    if moved + amount > charge.amount:
        limit, already = written(charge.amount, currency), written(moved, currency)
        message = f"Transfers using this transaction as a source must not exceed the source amount of {limit}. (Transferred: {already})"
        raise StripeError(message, param="amount")


def _group_of(asked: str | None, charge: Charge) -> str | None:
    if asked and charge.transfer_group and asked != charge.transfer_group:
        message = f"The transfer_group must be that of the source_transaction, '{charge.transfer_group}'."
        raise StripeError(message, param="transfer_group")
    return asked or charge.transfer_group


def retrieve(state: StripeState, call: Call) -> JsonObject:
    if (transfer := state.table(Transfer).get(call.path["id"])) is None:
        raise no_such("transfer", call.path["id"], "id")
    return transfer.body()


def list_transfers(state: StripeState, call: Call) -> JsonObject:
    group, destination = call.parameters.text("transfer_group"), call.parameters.text("destination")
    found = [
        transfer
        for transfer in state.table(Transfer).values()
        if group in (None, transfer.transfer_group) and destination in (None, transfer.destination)
    ]
    return page(found, call.parameters, "/v1/transfers")


ROUTES = (
    Route("POST /v1/transfers", create),
    Route("GET /v1/transfers", list_transfers),
    Route("GET /v1/transfers/{id}", retrieve),
)
