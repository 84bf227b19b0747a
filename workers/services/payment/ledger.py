"""The ledger rule: what each row contributes to its escrow's books. Pure arithmetic on values, in minor units.

Every fact changes a row; the row's *target* follows from the row alone, and the escrow moves by target - posted. So repeats and any
order of deliveries end at the same numbers, and the sum of ``posted`` over a contract's rows is its balance.
"""

from enum import StrEnum
from typing import Any

from contracts.message import Value
from contracts.payment.values import CurrencyCode, WaitReason
from contracts.types import (
    Amount,
    Balance,
    ClientId,
    Code,
    CommandId,
    ContractId,
    ContractorId,
    Currency,
    EffectId,
    ProviderId,
    Text200,
    Text500,
    Timestamp,
    TransactionId,
)


class TransactionType(StrEnum):
    DEPOSIT = "deposit"
    PAYMENT = "payment"
    WITHDRAWAL = "withdrawal"
    DISPUTE = "dispute"
    ADJUSTMENT = "adjustment"
    PAYOUT = "payout"


class TransactionStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    REVERSED = "reversed"


OPEN = frozenset({TransactionStatus.PENDING, TransactionStatus.PROCESSING, TransactionStatus.FAILED})
"""Shown to admins as not settled; only these have ``openStatus``."""
RECEIVED = frozenset({TransactionStatus.COMPLETED, TransactionStatus.REFUNDED})
TRANSFERRED = frozenset({TransactionStatus.COMPLETED, TransactionStatus.REVERSED})


class Transaction(Value):
    """One row of payment-transactions. ``provider_as_of``: the provider's own time of the newest fact that was applied.

    ``waits_told``: reasons of waiting that people have been told of. ``idempotency_key``: the effect that last called the provider.
    """

    id: TransactionId
    type: TransactionType
    contract_id: ContractId | None = None
    contractor_id: ContractorId
    client_id: ClientId | None = None
    amount: Amount
    currency: CurrencyCode
    status: TransactionStatus
    posted: Balance = 0
    stripe_payment_id: ProviderId | None = None
    parent_id: TransactionId | None = None
    children: tuple[TransactionId, ...] = ()
    charge_id: ProviderId | None = None
    amount_received: int = 0
    refund_gross: int = 0
    refund_net: int = 0
    refund_seen: int = 0
    amount_reversed: int = 0
    attempt: int = 0
    wait_reason: WaitReason | None = None
    waits_told: tuple[WaitReason, ...] = ()
    failure_code: Code | None = None
    failure_message: Text500 | None = None
    provider_as_of: Timestamp | None = None
    note: Text200 | None = None
    initiated_by: str | None = None
    idempotency_key: EffectId | None = None
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    def to_item(self) -> dict[str, Any]:
        item = {name: value for name, value in super().to_item().items() if value not in (0, []) or name == "posted"}
        # Present only while open, so that the status index stays as small as the work at hand.
        return item | {"openStatus": self.status.value} if self.status in OPEN else item


def target(row: Transaction, currency: Currency) -> int:
    """What ``row`` contributes to the balance of an escrow in ``currency``. Money in another currency contributes nothing."""
    if row.currency != currency:
        return 0
    match row.type:
        case TransactionType.DEPOSIT if row.status in RECEIVED:
            return row.amount_received - max(0, row.refund_seen - row.refund_gross)
        case TransactionType.PAYMENT if row.status in TRANSFERRED:
            return row.amount_reversed - row.amount
        case _:
            return 0


def reserve(row: Transaction) -> int:
    """What ``row`` keeps from being spent twice: asked for, and neither posted nor failed."""
    asked = row.type is TransactionType.PAYMENT and row.status is TransactionStatus.PENDING
    return row.amount if asked else 0
