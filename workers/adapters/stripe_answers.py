"""The SDK's objects and errors in payment's words."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Final

import httpx
import stripe

from contracts.payment.values import RefundStatus
from contracts.timestamps import from_seconds
from contracts.types import Timestamp
from workers.services.payment.ports import (
    Account,
    Defect,
    Intent,
    IntentStatus,
    Lost,
    NoAnswer,
    Problem,
    Refund,
    Refusal,
    Transfer,
    Unavailable,
)

NEVER_REACHED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""Nothing left this machine, so nothing can have happened."""
UNPAID: Final = frozenset({401, 409, 429})
"""Not executed and not stored: a key that is not ours, a key in use, too many calls."""
MOST_REQUIREMENTS: Final = 50

_STATUS: Final[Mapping[str, IntentStatus]] = {
    "processing": IntentStatus.PROCESSING,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELLED,
}
_REFUND_STATUS: Final[Mapping[str, RefundStatus]] = {status.value: status for status in RefundStatus}


def intent_of(intent: stripe.PaymentIntent, response: stripe.StripeResponse | None = None) -> Intent:
    """``response``: the answer it came in, where it came in a list."""
    return Intent(
        id=intent.id,
        status=_STATUS.get(intent.status, IntentStatus.OPEN),
        amount=intent.amount,
        amount_received=intent.amount_received,
        currency=intent.currency.upper(),
        charge_id=_id(intent.latest_charge),
        cancellation_reason=intent.cancellation_reason,
        as_of=_answered(response or intent.last_response),
    )


def transfer_of(transfer: stripe.Transfer) -> Transfer:
    destination = _id(transfer.destination) or ""
    return Transfer(transfer.id, transfer.amount, transfer.currency.upper(), destination, transfer.amount_reversed)


def refund_of(refund: stripe.Refund, response: stripe.StripeResponse | None = None) -> Refund:
    """``response``: the answer it came in, where it came in a list. A status that is not known yet may still become any other."""
    return Refund(
        id=refund.id,
        amount=refund.amount,
        currency=refund.currency.upper(),
        status=_REFUND_STATUS.get(refund.status or "", RefundStatus.PENDING),
        failure_reason=getattr(refund, "failure_reason", None),
        as_of=_answered(response or refund.last_response),
    )


def account_of(account: stripe.Account) -> Account:
    capabilities, requirements = account.capabilities, account.requirements
    due = {*((requirements and requirements.currently_due) or ()), *((requirements and requirements.past_due) or ())}
    return Account(
        id=account.id,
        transfers_active=getattr(capabilities, "transfers", None) == "active",
        payouts_enabled=account.payouts_enabled is True,
        # One order for one content: a tie of two facts is told apart by what they say.
        requirements_due=tuple(sorted(name[:200] for name in due))[:MOST_REQUIREMENTS],
        disabled_reason=getattr(requirements, "disabled_reason", None),
        as_of=_answered(account.last_response),
    )


# --- errors --------------------------------------------------------------------------------------------------------


def problem_of(error: stripe.StripeError) -> Problem:
    """What a failed call means. Only what Stripe said in so many words is a refusal; what it didn't say may have happened."""
    status, headers = error.http_status, httpx.Headers(error.headers or {})
    if isinstance(error.__cause__, NEVER_REACHED):
        return Unavailable(f"not reached: {type(error.__cause__).__name__}")
    if status is None or status < 400 or status >= 500:
        return Lost(_reason(error), replayed=headers.get("idempotent-replayed") == "true")
    if status in UNPAID or headers.get("stripe-should-retry") == "true":
        return Unavailable(_reason(error), _seconds(headers.get("retry-after")))
    if isinstance(error, stripe.IdempotencyError):
        return Defect(f"same idempotency key, other parameters: {_reason(error)}")
    message = (error.user_message or "").strip()[:500] or _code(error)
    return Refusal(status, _code(error), message, _moment(headers.get("date")))


def read_problem(error: stripe.StripeError) -> Problem:
    """A read leaves nothing behind: what was lost is asked again."""
    problem = problem_of(error)
    return Unavailable(problem.reason) if isinstance(problem, Lost) else problem


def lookup_problem(error: stripe.StripeError) -> NoAnswer:
    problem = read_problem(error)
    if isinstance(problem, Unavailable | Defect):
        return problem
    return Defect(f"a look-up was refused: {_reason(error)}")


def _code(error: stripe.StripeError) -> str:
    """The SDK drops the code of rate limits and of missing permissions from the error itself; the body still has it."""
    said = error.error
    code = error.code or (said and (said.code or said.type))
    return (code or type(error).__name__)[:80]


def _reason(error: stripe.StripeError) -> str:
    """Names the error and the request, never what was sent: a bank's numbers may be in it."""
    cause = type(error.__cause__).__name__ if error.__cause__ else _code(error)
    return f"{error.http_status or 'no answer'} {cause} (request {error.request_id or 'unknown'})"


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None


def _answered(response: object) -> Timestamp:
    headers = httpx.Headers(response.headers if isinstance(response, stripe.StripeResponse) else {})
    return _moment(headers.get("date"))


def _moment(date: str | None) -> Timestamp:
    """Stripe's own clock, as its events are dated by it; ours only where a proxy took the header away."""
    return from_seconds(int(parsedate_to_datetime(date).timestamp() if date else time()))


def _id(value: object) -> str | None:
    """A reference, plain or expanded."""
    found = value if isinstance(value, str) else getattr(value, "id", None)
    return found if isinstance(found, str) else None
