"""An escrow's books added up again from its rows, by none of the steps that wrote them. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from contracts.types import ContractId, TransactionId
from workers.services.payment.escrow import Escrow, EscrowStatus
from workers.services.payment.ledger import Transaction, TransactionStatus, TransactionType, held_part, is_disputed, reserve, target


class Book(StrEnum):
    """What does not add up. POSTED, REFUNDS: of one row. DISPUTES: held parts of those that are open. ORPHAN: rows without an escrow."""

    BALANCE = "balance"
    RESERVED = "reserved"
    HELD = "held"
    DISPUTES = "disputes"
    POSTED = "posted"
    REFUNDS = "refunds"
    CLOSED = "closed"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Fault:
    """``stored`` is what the table says, ``reckoned`` what follows from the rows; minor units."""

    contract_id: ContractId
    book: Book
    stored: int
    reckoned: int
    transaction_id: TransactionId | None = None


def all_faults(escrows: Iterable[Escrow], rows: Iterable[Transaction]) -> list[Fault]:
    """Of everything there is at one moment; rows of no contract (payouts) move no escrow."""
    of_contract: dict[ContractId, list[Transaction]] = defaultdict(list)
    for row in rows:
        if row.contract_id is not None:
            of_contract[row.contract_id].append(row)
    found = [fault for escrow in escrows for fault in faults(escrow, of_contract.pop(escrow.contract_id, ()))]
    return found + [orphan(row) for left in of_contract.values() for row in left]


def orphan(row: Transaction) -> Fault:
    """Of a row whose contract has no escrow."""
    assert row.contract_id is not None
    return Fault(row.contract_id, Book.ORPHAN, row.posted, 0, row.id)


def faults(escrow: Escrow, rows: Sequence[Transaction]) -> list[Fault]:
    """Empty when everything adds up."""
    by_id = {row.id: row for row in rows}
    disputed = {row.id: held_part(row, escrow.currency, _deposit(row, by_id)) for row in rows if is_disputed(row)}
    holds = sum(hold.amount for hold in escrow.holds.values())
    pairs = [
        (Book.BALANCE, escrow.balance, sum(row.posted for row in rows)),
        (Book.RESERVED, escrow.reserved, sum(reserve(row, escrow.currency) for row in rows)),
        (Book.HELD, escrow.held, holds + sum(escrow.disputes.values())),
        (Book.DISPUTES, sum(escrow.disputes.values()), sum(disputed.values())),
        (Book.DISPUTES, len(escrow.disputes), len(disputed)),
        (Book.CLOSED, int(escrow.status is EscrowStatus.CLOSED and not escrow.settled), 0),
    ]
    found = [Fault(escrow.contract_id, book, stored, reckoned) for book, stored, reckoned in pairs if stored != reckoned]
    return found + [fault for row in rows for fault in _of_row(escrow, row, by_id)]


def _of_row(escrow: Escrow, row: Transaction, rows: Mapping[TransactionId, Transaction]) -> Iterator[Fault]:
    reckoned = target(row, escrow.currency, _deposit(row, rows))
    if row.posted != reckoned:
        yield Fault(escrow.contract_id, Book.POSTED, row.posted, reckoned, row.id)
    if row.type is TransactionType.DEPOSIT:
        refunded = sum(each.amount for each in rows.values() if each.parent_id == row.id and _counts(each))
        if row.refund_gross != refunded:
            yield Fault(escrow.contract_id, Book.REFUNDS, row.refund_gross, refunded, row.id)


def _counts(row: Transaction) -> bool:
    """Withdrawals that exist at Stripe or are asked for."""
    never_created = row.status is TransactionStatus.FAILED and row.stripe_payment_id is None
    return row.type is TransactionType.WITHDRAWAL and not never_created


def _deposit(row: Transaction, rows: Mapping[TransactionId, Transaction]) -> Transaction | None:
    return rows.get(row.parent_id) if row.parent_id else None
