"""The ledger rule: what each row contributes to its escrow's books. Pure arithmetic on values, in minor units.

Every fact changes a row; the row's *target* follows from the row alone, and the escrow moves by target - posted. So repeats and any
order of deliveries end at the same numbers, and the sum of ``posted`` over a contract's rows is its balance.
"""

from enum import StrEnum
from typing import Any

from contracts.payment.values import CurrencyCode, WaitReason
from contracts.types import (
    Amount,
    Balance,
    ClientId,
    Code,
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
from workers.engine.row import Row


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
PAID_BACK = frozenset({TransactionStatus.PROCESSING, TransactionStatus.COMPLETED})
"""Of a withdrawal: the refund exists and has neither failed nor been cancelled."""
ASKED_FOR = frozenset({TransactionType.PAYMENT, TransactionType.WITHDRAWAL})
"""What leaves the escrow because somebody here asked for it."""


class Transaction(Row):
    """One row of payment-transactions. ``provider_as_of``: the provider's own time of the newest fact that was applied.

    ``waits_told``: reasons of waiting that people have been told of. ``idempotency_key``: the effect that last called the provider.
    ``children``: withdrawals and disputes of a deposit, ``parent_id`` their way back. ``refund_gross`` and ``refund_net``: what a deposit's
    withdrawals add up to, with and without those that bounced; ``refund_seen``: the provider's own total. ``moved``, ``movements``,
    ``moved_currency``: what a dispute's balance transactions add up to, how many they are, and in which currency.
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
    reversal_reason: Text500 | None = None
    moved: int = 0
    moved_currency: CurrencyCode | None = None
    movements: int = 0
    dispute_status: Code | None = None
    fee_amount: int = 0
    attempt: int = 0
    wait_reason: WaitReason | None = None
    waits_told: tuple[WaitReason, ...] = ()
    failure_code: Code | None = None
    failure_message: Text500 | None = None
    provider_as_of: Timestamp | None = None
    note: Text500 | None = None
    initiated_by: str | None = None
    approved_by: Text200 | None = None
    idempotency_key: EffectId | None = None

    def to_item(self) -> dict[str, Any]:
        item = {name: value for name, value in super().to_item().items() if value not in (0, []) or name == "posted"}
        # Present only while open, so that the status index stays as small as the work at hand.
        return item | {"openStatus": self.status.value} if self.status in OPEN else item


# --- what a row contributes ----------------------------------------------------------------------------------------


def target(row: Transaction, currency: Currency, deposit: Transaction | None = None) -> int:
    """What ``row`` contributes to the balance of an escrow in ``currency``; ``deposit``: the one a withdrawal or dispute is of.

    Money of another currency contributes nothing, nor does what is taken from it.
    """
    match row.type:
        case TransactionType.DEPOSIT:
            return row.amount_received - refund_gap(row) if _posts(row, currency) else 0
        case TransactionType.PAYMENT if row.status in TRANSFERRED and row.currency == currency:
            return row.amount_reversed - row.amount
        case TransactionType.WITHDRAWAL if deposit and _posts(deposit, currency):
            return -row.amount if row.status in PAID_BACK and row.currency == currency else 0
        case TransactionType.DISPUTE if deposit and _posts(deposit, currency):
            return funds(row, currency)
        case TransactionType.ADJUSTMENT:
            return row.posted
        case _:
            return 0


def _posts(deposit: Transaction, currency: Currency) -> bool:
    return deposit.status in RECEIVED and deposit.currency == currency


def funds(dispute: Transaction, currency: Currency) -> int:
    """What a dispute has moved, in the escrow's currency if its balance transactions are; else its amount while the money is away."""
    if dispute.moved_currency == currency:
        return dispute.moved
    return -dispute.amount if dispute.moved < 0 else 0


def reserve(row: Transaction, currency: Currency) -> int:
    """What ``row`` keeps from being spent twice: asked for, and neither posted nor failed."""
    asked = row.type in ASKED_FOR and row.status is TransactionStatus.PENDING and row.currency == currency
    return row.amount if asked else 0


def held_part(dispute: Transaction, currency: Currency, deposit: Transaction | None) -> int:
    """What an open dispute keeps from leaving as long as it has moved nothing itself; an inquiry moves nothing."""
    waits = is_disputed(dispute) and not dispute.movements and deposit is not None and _posts(deposit, currency)
    return dispute.amount if waits else 0


def is_disputed(row: Transaction) -> bool:
    """A dispute that is still open."""
    return row.type is TransactionType.DISPUTE and row.status in (TransactionStatus.PENDING, TransactionStatus.PROCESSING)


# --- a deposit and what is taken from it ---------------------------------------------------------------------------


def refund_gap(deposit: Transaction) -> int:
    """Refunded by the provider's total, and not yet told of refund by refund."""
    return max(0, deposit.refund_seen - deposit.refund_gross)


def left_of(deposit: Transaction) -> int:
    """What can still be refunded."""
    return deposit.amount_received - deposit.refund_net - refund_gap(deposit)


def with_child(deposit: Transaction, before: Transaction | None, now: Transaction) -> Transaction:
    """``deposit`` after its withdrawal or dispute changed from ``before`` to ``now``."""
    children = deposit.children if now.id in deposit.children else (*deposit.children, now.id)
    gross = deposit.refund_gross + _gross(now) - (_gross(before) if before else 0)
    net = deposit.refund_net + _net(now) - (_net(before) if before else 0)
    return deposit.model_copy(update={"children": children, "refund_gross": gross, "refund_net": net})


def _gross(row: Transaction) -> int:
    never_created = row.status is TransactionStatus.FAILED and row.stripe_payment_id is None
    return 0 if row.type is not TransactionType.WITHDRAWAL or never_created else row.amount


def _net(row: Transaction) -> int:
    return 0 if row.status in (TransactionStatus.FAILED, TransactionStatus.CANCELLED) else _gross(row)


def settled(row: Transaction, currency: Currency, deposit: Transaction | None = None) -> Transaction:
    """``row`` at its posted target; a deposit of which nothing is left is refunded, a payment that is back whole is reversed."""
    changes: dict[str, object] = {"posted": target(row, currency, deposit)}
    if row.type is TransactionType.DEPOSIT and row.status in RECEIVED:
        changes["status"] = TransactionStatus.REFUNDED if left_of(row) <= 0 else TransactionStatus.COMPLETED
    if row.type is TransactionType.PAYMENT and row.status in TRANSFERRED:
        changes["status"] = TransactionStatus.REVERSED if row.amount_reversed >= row.amount else TransactionStatus.COMPLETED
    return row.model_copy(update=changes)
