"""The escrow of a contract: its books, how a ledger row moves them, and its opening.

What commands do to deposits and releases, and how an escrow ends, stands in deposits.py, releases.py and closing.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypedDict

from pydantic import Field

from contracts.message import EventData, Value
from contracts.payment.commands import OpenEscrow
from contracts.payment.events import EscrowAnomalyDetected, EscrowBalanceNegative, EscrowClosed, EscrowOpened, EscrowReopened
from contracts.payment.values import Anomaly
from contracts.types import (
    Amount,
    Balance,
    ClientId,
    CommandId,
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
from workers.engine.decision import UNCHANGED, Accepted, CancelTimer, Command, Decision, ItemRef, Refused, ScheduleTimer
from workers.services.payment.ledger import Transaction, TransactionType, reserve, target
from workers.services.payment.timers import closing_reminder

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
    amount: Amount
    reason: Text500


class Parties(TypedDict):
    """What every escrow event says."""

    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId
    client_user_id: UserId
    contractor_user_id: UserId
    currency: Currency
    balance: int
    available: int


class Escrow(Value):
    """``deposits``: id -> charge, of deposits that may still bring money or did; the charge is empty until then."""

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
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

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

    def said(self) -> Parties:
        return Parties(
            contract_id=self.contract_id,
            client_id=self.client_id,
            contractor_id=self.contractor_id,
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

    def with_escrow(self, **changes: object) -> "EscrowState":
        return replace(self, escrow=self.opened.model_copy(update=changes))

    def with_row(self, row: Transaction) -> "EscrowState":
        """For changes that move no money; what may move some is booked."""
        return replace(self, rows=MappingProxyType({**self.rows, row.id: row}))


@dataclass(frozen=True, slots=True)
class Booked:
    """The books after a row changed. ``crossed`` and ``timers``: what follows when the escrow crossed a line by it."""

    state: EscrowState
    crossed: tuple[EventData, ...] = ()
    timers: tuple[ScheduleTimer | CancelTimer, ...] = ()

    @property
    def said(self) -> Parties:
        return self.state.opened.said()

    def accepted(self, *events: EventData, timers: tuple[ScheduleTimer | CancelTimer, ...] = ()) -> Accepted[EscrowState]:
        return Accepted(self.state, (*events, *self.crossed), (*timers, *self.timers))


def book(state: EscrowState, row: Transaction, at: Timestamp) -> Booked:
    """Put ``row`` into the ledger at its posted target and move the escrow by the difference, in one change."""
    before = state.opened
    old = state.rows.get(row.id)
    row = row.model_copy(update={"posted": target(row, before.currency)})
    moved = row.posted - (old.posted if old else 0)
    changes: dict[str, object] = {
        "balance": before.balance + moved,
        "reserved": before.reserved + reserve(row) - (reserve(old) if old else 0),
    }
    if moved:
        movement = Movement(transaction_id=row.id, type=row.type, amount=moved, timestamp=at)
        changes |= {"transactions": (*before.transactions, movement)[-SHOWN:], "last_transaction_id": row.id}
    return cross(state.with_row(row).with_escrow(**changes), before, row.id, at)


def cross(state: EscrowState, before: Escrow, cause: str, at: Timestamp) -> Booked:
    """Says what line the books crossed since ``before``: below zero, emptied after the end, or filled again after closing."""
    now = state.opened
    negative = now.balance < 0 <= before.balance
    if now.status is EscrowStatus.CLOSING and now.settled:
        state = state.with_escrow(status=EscrowStatus.CLOSED)
        return Booked(state, (EscrowClosed(**now.said()),))
    deficit = (EscrowBalanceNegative(**now.said(), deficit=-now.balance),) if negative else ()
    if now.status is EscrowStatus.CLOSED and not now.settled:
        state = state.with_escrow(status=EscrowStatus.CLOSING, closing_since=at)
        return Booked(state, (*deficit, EscrowReopened(**now.said(), cause=cause)), (closing_reminder(now.contract_id, at),))
    return Booked(state, deficit)


def flagged(escrow: Escrow, transaction: TransactionId, anomaly: Anomaly, detail: str) -> EscrowAnomalyDetected:
    return EscrowAnomalyDetected(**escrow.said(), transaction_id=transaction, kind=anomaly, detail=detail)


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


def load(key: str, items: Items) -> EscrowState:
    escrow = items.get(ItemRef(ESCROWS, key))
    rows = {TransactionId(ref.key): Transaction.from_item(item) for ref, item in items.items() if ref.table == TRANSACTIONS}
    return EscrowState(ContractId(key), Escrow.from_item(escrow) if escrow else None, MappingProxyType(rows))


def save(state: EscrowState) -> Items:
    rows: dict[ItemRef, dict[str, Any]] = {row_ref(row.id): row.to_item() for row in state.rows.values()}
    return rows | ({ItemRef(ESCROWS, state.contract_id): state.escrow.to_item()} if state.escrow else {})


ESCROW = Aggregate(table=ESCROWS, load=load, save=save)
