"""Words that commands, events and rows of payment share."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from contracts.types import MAXIMUM_AMOUNT, MAXIMUM_BALANCE, Text200


def _not_nothing(amount: int) -> int:
    if amount == 0:
        raise ValueError("must not be 0")
    return amount


CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 as a provider reports it: a fact in a currency we do not trade in is flagged, never undecodable."""
Requirements = Annotated[tuple[Text200, ...], Field(max_length=50)]
Total = Annotated[int, Field(strict=True, ge=1, le=MAXIMUM_BALANCE)]
"""Minor units that several amounts may have added up to."""
Cumulative = Annotated[int, Field(strict=True, ge=0, le=MAXIMUM_AMOUNT)]
"""Minor units of everything so far; a provider's total that only its newest value counts of."""
Moved = Annotated[int, Field(strict=True, ge=-MAXIMUM_AMOUNT, le=MAXIMUM_AMOUNT)]
"""Minor units, signed: out of our account at the provider is negative."""
Adjustment = Annotated[int, Field(strict=True, ge=-MAXIMUM_AMOUNT, le=MAXIMUM_AMOUNT), AfterValidator(_not_nothing)]
"""Minor units, signed, never 0."""


class DepositMethod(StrEnum):
    CARD = "card"
    BANK_DEBIT = "bank_debit"


class WaitReason(StrEnum):
    """Why a release waits for its next attempt."""

    PAYEE_NOT_READY = "payee_not_ready"
    FUNDS_NOT_AVAILABLE = "funds_not_available"
    NOT_FOUND_AT_STRIPE = "not_found_at_stripe"


class Anomaly(StrEnum):
    """A fact that contradicts the model: accepted, posted and shown to people."""

    CURRENCY_MISMATCH = "currency_mismatch"
    SUCCEEDED_AFTER_CANCELLED = "succeeded_after_cancelled"
    CANCELLED_AFTER_COMPLETED = "cancelled_after_completed"
    TRANSFER_AFTER_FAILED = "transfer_after_failed"


class BlockedReason(StrEnum):
    KYC = "kyc"
    TRANSFERS = "transfers"
    PAYOUTS = "payouts"
    DEAUTHORIZED = "deauthorized"


class PayoutStatus(StrEnum):
    """Stripe's statuses of a payout; all there are."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class RefundReason(StrEnum):
    """What Stripe lets a refund be asked for."""

    REQUESTED_BY_CUSTOMER = "requested_by_customer"
    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"


class RefundStatus(StrEnum):
    """Stripe's statuses of a refund; all there are."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class DisputeOutcome(StrEnum):
    """INQUIRY_CLOSED: it ended before it became a dispute, so no money had moved."""

    WON = "won"
    LOST = "lost"
    INQUIRY_CLOSED = "inquiry_closed"
