"""Amounts and currencies as Stripe checks them: integers in the minor unit, lower-case codes."""

import re

from workers.ops.fakes.stripe.errors import NotExecuted, missing_parameter
from workers.ops.fakes.stripe.parameters import Parameters

ZERO_DECIMALS = frozenset({"jpy", "krw", "vnd", "clp", "xof", "xaf", "ugx"})
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_LISTED = (
    "aed ars aud brl cad chf cny cop czk dkk egp eur gbp ghs hkd hrk huf idr ils inr kes lkr mad mxn myr ngn "
    "nok nzd pen php pkr pln qar ron sar sek sgd thb try twd uah usd zar"
)
TWO_DECIMALS = frozenset(re.findall("[a-z]{3}", _LISTED))
# Stripe's smallest charges; a currency that is not listed takes from 1 on here.
SMALLEST = {"usd": 50, "eur": 50, "aed": 200, "gbp": 30, "jpy": 50, "chf": 50, "cad": 50, "aud": 50}
LARGEST = 99_999_999


def currency_of(parameters: Parameters) -> str:
    code = parameters.required("currency").lower()
    if code not in ZERO_DECIMALS | TWO_DECIMALS | THREE_DECIMALS:
        raise NotExecuted(f"Invalid currency: {code}. Stripe does not support it in this fake.", param="currency")
    return code


def amount_of(parameters: Parameters) -> int:
    """A positive amount; KWD and its like must end in 0."""
    amount = parameters.integer("amount")
    if amount is None:
        raise missing_parameter("amount")
    if amount < 1:
        raise NotExecuted("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount")
    return amount


def refuse_unchargeable(amount: int, currency: str) -> None:
    smallest = SMALLEST.get(currency, 1)
    if amount < smallest:
        raise NotExecuted(f"Amount must be at least {written(smallest, currency)}", code="amount_too_small", param="amount")
    if amount > LARGEST:
        raise NotExecuted(f"Amount must be no more than {written(LARGEST, currency)}", code="amount_too_large", param="amount")
    if currency in THREE_DECIMALS and amount % 10:
        raise NotExecuted(f"The amount must be a multiple of 10 for {currency}.", code="parameter_invalid_integer", param="amount")


def written(amount: int, currency: str) -> str:
    """150000, usd -> "1500.00 usd"."""
    digits = 0 if currency in ZERO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    text = str(amount).zfill(digits + 1)
    return f"{text[:-digits]}.{text[-digits:]} {currency}" if digits else f"{text} {currency}"
