"""One escrow as a person reads it. Pure but for ``show``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from workers.ops.terminal import console
from workers.services.payment.audit import Fault, faults
from workers.services.payment.escrow import Escrow
from workers.services.payment.ledger import Transaction


@dataclass(frozen=True, slots=True)
class Line:
    """``posted``: what the row contributes now; ``balance``: after it and all rows before it."""

    at: str
    type: str
    status: str
    amount: int
    currency: str
    posted: int
    balance: int
    transaction_id: str
    stripe_id: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """Amounts are minor units of ``currency``."""

    contract_id: str
    currency: str
    status: str
    balance: int
    reserved: int
    held: int
    available: int
    lines: Sequence[Line]
    holds: Mapping[str, Mapping[str, Any]]
    disputes: Mapping[str, int]
    faults: Sequence[Fault]

    def told(self) -> dict[str, Any]:
        return asdict(self)


def of(escrow: Escrow, rows: Sequence[Transaction]) -> Statement:
    """``rows``: oldest first."""
    lines, balance = list[Line](), 0
    for row in rows:
        balance += row.posted
        lines.append(_line(row, balance))
    return Statement(
        contract_id=escrow.contract_id,
        currency=escrow.currency.value,
        status=escrow.status.value,
        balance=escrow.balance,
        reserved=escrow.reserved,
        held=escrow.held,
        available=escrow.available,
        lines=lines,
        holds={name: hold.to_item() for name, hold in escrow.holds.items()},
        disputes={str(name): held for name, held in escrow.disputes.items()},
        faults=faults(escrow, rows),
    )


def _line(row: Transaction, balance: int) -> Line:
    waits = row.wait_reason.value if row.wait_reason else None
    return Line(
        at=row.created_at or "",
        type=row.type.value,
        status=row.status.value,
        amount=row.amount_received or row.amount,
        currency=row.currency,
        posted=row.posted,
        balance=balance,
        transaction_id=row.id,
        stripe_id=row.stripe_payment_id,
        detail=waits or row.failure_code or row.dispute_status or row.note,
    )


def amount(minor: int) -> str:
    """Every currency of ours has two decimals."""
    whole, cents = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole:,}.{cents:02d}"


def show(told: Statement) -> None:
    console.print(f"escrow of contract {told.contract_id}, {told.status}, {told.currency}", markup=False, highlight=False)
    table = Table("at", "what", "status", "amount", "posted", "balance", "at Stripe", "detail", box=None)
    for line in told.lines:
        asked = f"{amount(line.amount)} {line.currency}"
        table.add_row(
            line.at, line.type, line.status, asked, amount(line.posted), amount(line.balance), line.stripe_id or "-", line.detail or ""
        )
    console.print(table)
    for hold in told.holds.values():
        console.print(f"hold {amount(hold['amount'])}: {hold['reason']}", markup=False, highlight=False, soft_wrap=True)
    for name, held in told.disputes.items():
        console.print(f"open dispute {name} holds {amount(held)}", markup=False, highlight=False, soft_wrap=True)
    sums = f"reserved {amount(told.reserved)}, held {amount(told.held)}, available {amount(told.available)}"
    console.print(f"balance {amount(told.balance)}, {sums}", markup=False, highlight=False)
    if told.faults:
        console.print("It does not add up: mindlinks doctor books says what.", style="red")
