"""Bank accounts of a connected account: https://docs.stripe.com/api/external_accounts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from workers.ops.fakes.stripe.accounts import Account, account_of
from workers.ops.fakes.stripe.errors import NotExecuted, StripeError, missing_parameter, no_such
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.parameters import Parameters
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import Cause, StripeState
from workers.ops.fakes.stripe.wire import JsonObject, filled


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Of the number only the last four digits and a fingerprint are kept. `status` errored: a payout to it bounced."""

    id: str
    created: int
    account: str
    country: str
    currency: str
    last4: str
    fingerprint: str
    routing_number: str | None = None
    account_holder_name: str | None = None
    default_for_currency: bool = False
    status: str = "new"
    metadata: dict[str, str] = field(default_factory=dict)

    def body(self) -> JsonObject:
        return filled(
            "bank_account",
            id=self.id,
            account=self.account,
            account_holder_name=self.account_holder_name,
            country=self.country,
            currency=self.currency,
            default_for_currency=self.default_for_currency,
            fingerprint=self.fingerprint,
            last4=self.last4,
            metadata=self.metadata,
            routing_number=self.routing_number,
            status=self.status,
        )


def banks_of(state: StripeState, account_id: str) -> list[BankAccount]:
    return [bank for bank in state.table(BankAccount).values() if bank.account == account_id]


def store(state: StripeState, account_id: str, banks: Iterable[BankAccount]) -> Account:
    """Keeps the account's own list equal to its banks, default first, and drops banks that are gone."""
    table, kept = state.table(BankAccount), sorted(banks, key=lambda bank: not bank.default_for_currency)
    for gone in {bank.id for bank in banks_of(state, account_id)} - {bank.id for bank in kept}:
        del table[gone]
    for bank in kept:
        state.put(bank)
    return state.put(replace(state.table(Account)[account_id], external_accounts=tuple(kept)))


def _bank_of(state: StripeState, call: Call) -> BankAccount:
    account = account_of(state, call.path["id"])
    bank = state.table(BankAccount).get(call.path["external_id"])
    if bank is None or bank.account != account.id:
        raise no_such("external account", call.path["external_id"], "id")
    return bank


def create(state: StripeState, call: Call) -> JsonObject:
    """The first bank of a currency becomes its default, as does one that asks for it."""
    given = call.parameters
    account = account_of(state, call.path["id"])
    details, metadata, asked = _details(given), given.strings("metadata"), given.flag("default_for_currency")
    number, routing = details.required("account_number").replace(" ", "").upper(), details.text("routing_number")
    country, currency = details.required("country").upper(), details.required("currency").lower()
    _refuse_bad_numbers(number, routing, country)
    alike = [bank for bank in banks_of(state, account.id) if bank.currency == currency]
    bank = BankAccount(
        id=state.ids.draw("ba"),
        created=state.clock.now(),
        account=account.id,
        country=country,
        currency=currency,
        last4=number[-4:],
        fingerprint=sha256(f"{country}:{routing}:{number}".encode()).hexdigest()[:16],
        routing_number=routing,
        account_holder_name=details.text("account_holder_name"),
        default_for_currency=bool(asked) or not alike,
        metadata=metadata,
    )
    return _announce(state, "created", state.add(bank), call.cause)


def _details(given: Parameters) -> Parameters:
    try:
        token = given.text("external_account")
    except NotExecuted:
        return given.within("external_account")
    if token is None:
        raise missing_parameter("external_account")
    raise NotExecuted(f"No such token: '{token}'. This fake takes bank details, not tokens.", param="external_account")


def _refuse_bad_numbers(number: str, routing: str | None, country: str) -> None:
    if country == "US" and not re.fullmatch(r"\d{9}", routing or ""):
        param = "external_account[routing_number]"
        raise StripeError("Routing number must have 9 digits", code="routing_number_invalid", param=param)
    if not re.fullmatch(r"[A-Z0-9]{4,34}", number) or (country == "US" and not re.fullmatch(r"\d{4,17}", number)):
        param = "external_account[account_number]"
        raise StripeError("You must use a valid bank account number.", code="account_number_invalid", param=param)


def _announce(state: StripeState, verb: str, bank: BankAccount, cause: Cause) -> JsonObject:
    """Stores the bank, takes the default from its siblings if it has it now, and emits both events."""
    before = state.table(Account)[bank.account]
    others = [
        replace(other, default_for_currency=False) if bank.default_for_currency and other.currency == bank.currency else other
        for other in banks_of(state, bank.account)
        if other.id != bank.id
    ]
    met = replace(before, due=tuple(name for name in before.due if name != "external_account"))
    state.put(met)
    after = store(state, bank.account, [*others, bank])
    state.emit(f"account.external_account.{verb}", bank, cause)
    state.emit("account.updated", after, cause, before)
    return bank.body()


def update(state: StripeState, call: Call) -> JsonObject:
    bank, given = _bank_of(state, call), call.parameters
    changed = replace(
        bank,
        account_holder_name=given.text("account_holder_name") or bank.account_holder_name,
        default_for_currency=bank.default_for_currency or bool(given.flag("default_for_currency")),
        metadata=bank.metadata | given.strings("metadata"),
    )
    return _announce(state, "updated", changed, call.cause)


def delete(state: StripeState, call: Call) -> JsonObject:
    """A default goes only when it is the last of a currency that is not the account's own."""
    bank = _bank_of(state, call)
    before = state.table(Account)[bank.account]
    others = [other for other in banks_of(state, bank.account) if other.id != bank.id]
    needed = bank.currency == before.default_currency or any(other.currency == bank.currency for other in others)
    if bank.default_for_currency and needed:
        message = (
            "You cannot delete the default external account for your default currency. Please make another external account "
            "the default using the `default_for_currency` param, and then delete this one."
        )
        raise StripeError(message)
    after = store(state, bank.account, others)
    state.emit("account.external_account.deleted", bank, call.cause)
    state.emit("account.updated", after, call.cause, before)
    return {"id": bank.id, "object": "bank_account", "currency": bank.currency, "deleted": True}


def retrieve(state: StripeState, call: Call) -> JsonObject:
    return _bank_of(state, call).body()


def list_banks(state: StripeState, call: Call) -> JsonObject:
    account = account_of(state, call.path["id"])
    wanted = call.parameters.one_of("object", frozenset({"bank_account", "card"}))
    found = [] if wanted == "card" else banks_of(state, account.id)
    return page(found, call.parameters, f"/v1/accounts/{account.id}/external_accounts")


_ONE = "/v1/accounts/{id}/external_accounts/{external_id}"
ROUTES = (
    Route("POST /v1/accounts/{id}/external_accounts", create),
    Route("GET /v1/accounts/{id}/external_accounts", list_banks),
    Route(f"GET {_ONE}", retrieve),
    Route(f"POST {_ONE}", update),
    Route(f"DELETE {_ONE}", delete),
)
