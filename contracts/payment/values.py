"""Words that commands, events and rows of payment share."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.types import Text200

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 as a provider reports it: a fact in a currency we do not trade in is flagged, never undecodable."""
Requirements = Annotated[tuple[Text200, ...], Field(max_length=50)]


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
