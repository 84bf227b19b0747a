"""Connected accounts: https://docs.stripe.com/api/accounts."""

import re
from dataclasses import dataclass, field, replace

from workers.ops.fakes.stripe.errors import NotExecuted, StripeError
from workers.ops.fakes.stripe.listing import page
from workers.ops.fakes.stripe.parameters import Parameters
from workers.ops.fakes.stripe.routing import Call, Route
from workers.ops.fakes.stripe.state import StripeObject, StripeState
from workers.ops.fakes.stripe.wire import Json, JsonObject, filled

UNSUPPORTED_COUNTRIES = frozenset({"CU", "IR", "KP", "SY"})
CURRENCIES = {"AE": "aed", "EG": "egp", "GB": "gbp", "DE": "eur", "FR": "eur", "ES": "eur", "IT": "eur", "NL": "eur", "IE": "eur"}
DUE_AT_BIRTH = ("external_account", "tos_acceptance.date", "tos_acceptance.ip")


@dataclass(frozen=True, slots=True)
class Account:
    """`due` is what onboarding still asks for; `external_accounts` are its banks, in the order they were added."""

    id: str
    created: int
    country: str
    default_currency: str
    email: str | None = None
    business_type: str | None = None
    transfers_requested: bool = False
    transfers_active: bool = False
    payouts_enabled: bool = False
    due: tuple[str, ...] = DUE_AT_BIRTH
    disabled_reason: str | None = "requirements.past_due"
    deauthorized: bool = False
    external_accounts: tuple[StripeObject, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        return self.id

    def body(self) -> JsonObject:
        status = "active" if self.transfers_active else "inactive"
        banks: list[Json] = [bank.body() for bank in self.external_accounts]
        url = f"/v1/accounts/{self.id}/external_accounts"
        return filled(
            "account",
            id=self.id,
            business_type=self.business_type,
            capabilities={"transfers": status} if self.transfers_requested else {},
            charges_enabled=False,
            country=self.country,
            created=self.created,
            default_currency=self.default_currency,
            details_submitted=not self.due,
            email=self.email,
            external_accounts={"object": "list", "data": banks, "has_more": False, "url": url},
            metadata=self.metadata,
            payouts_enabled=self.payouts_enabled,
            requirements=self._requirements(),
        )

    def _requirements(self) -> JsonObject:
        return {
            "alternatives": [],
            "current_deadline": None,
            "currently_due": self.due,
            "disabled_reason": self.disabled_reason,
            "errors": [],
            "eventually_due": self.due,
            "past_due": self.due if self.disabled_reason else [],
            "pending_verification": [],
        }


def account_of(state: StripeState, account_id: str) -> Account:
    """Unknown and deauthorized accounts look alike from outside: 403 account_invalid."""
    account = state.table(Account).get(account_id)
    if account is None or account.deauthorized:
        message = (
            f"The provided key 'sk_test_***' does not have access to account '{account_id}' (or that account does not exist). "
            "Application access may have been revoked."
        )
        raise StripeError(message, code="account_invalid", status=403)
    return account


def _country_of(given: Parameters) -> str:
    country = (given.text("country") or "US").upper()
    if not re.fullmatch("[A-Z]{2}", country):
        message = f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US' or 'EG'."
        raise NotExecuted(message, param="country")
    if country in UNSUPPORTED_COUNTRIES:
        raise StripeError(f"{country} is not currently supported by Stripe.", code="country_unsupported", param="country")
    return country


def _transfers_requested(given: Parameters) -> bool | None:
    return given.within("capabilities").within("transfers").flag("requested")


def create(state: StripeState, call: Call) -> JsonObject:
    """Born with nothing enabled: onboarding (a control of the fake) activates transfers and payouts."""
    given = call.parameters
    country, metadata = _country_of(given), given.strings("metadata")
    account = Account(
        id=state.ids.draw("acct"),
        created=state.clock.now(),
        country=country,
        default_currency=given.text("default_currency") or CURRENCIES.get(country, "usd"),
        email=given.text("email"),
        business_type=given.text("business_type"),
        transfers_requested=bool(_transfers_requested(given)),
        metadata=metadata,
    )
    return state.add(account).body()


def retrieve(state: StripeState, call: Call) -> JsonObject:
    return account_of(state, call.path["id"]).body()


def list_accounts(state: StripeState, call: Call) -> JsonObject:
    """Those that are connected."""
    return page([account for account in state.table(Account).values() if not account.deauthorized], call.parameters, "/v1/accounts")


def update(state: StripeState, call: Call) -> JsonObject:
    """Metadata is merged key by key; what this fake does not model is taken and ignored."""
    given = call.parameters
    before = account_of(state, call.path["id"])
    requested = _transfers_requested(given)
    after = replace(
        before,
        email=given.text("email") or before.email,
        business_type=given.text("business_type") or before.business_type,
        transfers_requested=before.transfers_requested if requested is None else requested,
        metadata=before.metadata | given.strings("metadata"),
    )
    if after != before:
        state.emit("account.updated", state.put(after), call.cause, before)
    return after.body()


ROUTES = (
    Route("POST /v1/accounts", create),
    Route("GET /v1/accounts", list_accounts),
    Route("GET /v1/accounts/{id}", retrieve),
    Route("POST /v1/accounts/{id}", update),
)
