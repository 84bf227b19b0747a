"""The escrow of a contract: who it is of, what it holds, and its opening.

How ledger rows move it stands in books.py; what commands do to those rows in deposits.py, releases.py, reversals.py, refunds.py,
disputes.py and adjustments.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypedDict

from pydantic import Field

from contracts.message import Value
from contracts.payment.commands import OpenEscrow
from contracts.payment.events import EscrowOpened
from contracts.payment.values import Total
from contracts.types import (
    Balance,
    ClientId,
    ContractId,
    ContractorId,
    Currency,
    ProviderId,
    Text500,
    Timestamp,
    TransactionId,
    UserId,
)
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, ItemRef, Refused
from workers.engine.row import Row
from workers.services.payment.ledger import Transaction, TransactionType

ESCROWS = "payment-escrow"
TRANSACTIONS = "payment-transactions"
SHOWN = 10
"""Movements kept on the escrow for display; the ledger itself is payment-transactions."""


class EscrowStatus(StrEnum):
    """CLOSING: the contract has ended, no more deposits. CLOSED: nothing is left; a late fact opens it again."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Movement(Value):
    """``amount`` is signed: what the balance moved by."""

    transaction_id: TransactionId
    type: TransactionType
    amount: Balance
    timestamp: Timestamp


class Hold(Value):
    amount: Total
    reason: Text500


class Between(TypedDict):
    """Whose money it is; every ledger row of an escrow says so."""

    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId


class Parties(Between):
    """What every escrow event says."""

    client_user_id: UserId
    contractor_user_id: UserId
    currency: Currency
    balance: int
    available: int


class Escrow(Row):
    """``deposits``: id -> charge, of deposits that may still bring money or did; the charge is empty until then, and once all of it is
    refunded. ``disputes``: those that are open, each with what it holds."""

    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId
    client_user_id: UserId
    contractor_user_id: UserId
    currency: Currency
    status: EscrowStatus = EscrowStatus.OPEN
    balance: Balance = 0
    held: int = 0
    reserved: int = 0
    holds: dict[str, Hold] = Field(default_factory=dict)
    disputes: dict[TransactionId, int] = Field(default_factory=dict)
    deposits: dict[TransactionId, str] = Field(default_factory=dict)
    transactions: tuple[Movement, ...] = ()
    last_transaction_id: TransactionId | None = None
    closing_since: Timestamp | None = None

    @property
    def available(self) -> int:
        return self.balance - self.held - self.reserved

    @property
    def settled(self) -> bool:
        return not (self.balance or self.reserved or self.held or self.disputes)

    @property
    def only_charge(self) -> ProviderId | None:
        """The charge all the money came from, if it was one: Stripe then lets it out before the charge settles."""
        charges = [charge for charge in self.deposits.values() if charge]
        return charges[0] if len(charges) == 1 else None

    def between(self) -> Between:
        return Between(contract_id=self.contract_id, client_id=self.client_id, contractor_id=self.contractor_id)

    def said(self) -> Parties:
        return Parties(
            **self.between(),
            client_user_id=self.client_user_id,
            contractor_user_id=self.contractor_user_id,
            currency=self.currency,
            balance=self.balance,
            available=self.available,
        )

    def is_client(self, actor: str) -> bool:
        return actor == f"company:{self.client_user_id}"


@dataclass(frozen=True, slots=True)
class EscrowState:
    """The escrow, if it is open yet, and the ledger rows that the command names."""

    contract_id: ContractId
    escrow: Escrow | None = None
    rows: Mapping[TransactionId, Transaction] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def opened(self) -> Escrow:
        """Raises LookupError before the escrow is open: decisions ask only for what they found a row of."""
        if self.escrow is None:
            raise LookupError(f"contract {self.contract_id} has ledger rows but no escrow")
        return self.escrow

    def row(self, transaction: TransactionId, kind: TransactionType) -> Transaction | None:
        """None for a row that is absent, of another contract or of another type."""
        found = self.rows.get(transaction)
        return found if found and found.contract_id == self.contract_id and found.type is kind else None

    def is_taken(self, transaction: TransactionId, kind: TransactionType) -> bool:
        """The row of this id is there and is not ours: what is one object at Stripe must not move two escrows."""
        return transaction in self.rows and self.row(transaction, kind) is None

    def with_escrow(self, **changes: object) -> "EscrowState":
        return replace(self, escrow=self.opened.model_copy(update=changes))

    def with_held(self, **changes: object) -> "EscrowState":
        """After ``changes`` of holds or disputes, with what they hold added up."""
        state = self.with_escrow(**changes)
        holds, disputes = state.opened.holds, state.opened.disputes
        return state.with_escrow(held=sum(hold.amount for hold in holds.values()) + sum(disputes.values()))

    def with_row(self, row: Transaction) -> "EscrowState":
        """For changes that move no money; what may move some is booked."""
        return replace(self, rows=MappingProxyType({**self.rows, row.id: row}))


def is_admin(actor: str) -> bool:
    return actor.startswith("admin:")


def is_system(actor: str) -> bool:
    """One of our own senders: a reaction, an effect, a timer, a webhook."""
    return actor.startswith("system:")


# --- opening -------------------------------------------------------------------------------------------------------


def open_escrow(state: EscrowState, command: Command[OpenEscrow], _at: Timestamp) -> Decision[EscrowState]:
    if state.escrow:
        return UNCHANGED if state.escrow.created_by == command.id else Refused("id_conflict")
    data = command.data
    escrow = Escrow(
        contract_id=data.contract_id,
        client_id=data.client_id,
        contractor_id=data.contractor_id,
        client_user_id=data.client_user_id,
        contractor_user_id=data.contractor_user_id,
        currency=data.currency,
    )
    return Accepted(replace(state, escrow=escrow), (EscrowOpened(**escrow.said()),))


# --- at rest -------------------------------------------------------------------------------------------------------


def row_ref(transaction: str) -> ItemRef:
    return ItemRef(TRANSACTIONS, transaction)


def named_row(_state: EscrowState, command: Command[Any]) -> Iterable[Read]:
    """The ledger row that a command names."""
    return (Read(row_ref(command.data.transaction_id)),)


def named_family(state: EscrowState, command: Command[Any]) -> Iterable[Read]:
    """The deposit that a command names, and once that is known, what was taken from it."""
    deposit = state.rows.get(command.data.transaction_id)
    children = deposit.children if deposit and deposit.contract_id == state.contract_id else ()
    return (*named_row(state, command), *(Read(row_ref(child)) for child in children))


def load(key: str, items: Items) -> EscrowState:
    escrow = items.get(ItemRef(ESCROWS, key))
    rows = {TransactionId(ref.key): Transaction.from_item(item) for ref, item in items.items() if ref.table == TRANSACTIONS}
    return EscrowState(ContractId(key), Escrow.from_item(escrow) if escrow else None, MappingProxyType(rows))


def save(state: EscrowState) -> Items:
    rows: dict[ItemRef, dict[str, Any]] = {row_ref(row.id): row.to_item() for row in state.rows.values()}
    return rows | ({ItemRef(ESCROWS, state.contract_id): state.escrow.to_item()} if state.escrow else {})


ESCROW = Aggregate(table=ESCROWS, load=load, save=save)
