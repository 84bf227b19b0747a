"""How ledger rows move an escrow: one row changes, its family settles, the balance follows, and lines crossed are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.message import EventData
from contracts.payment.events import EscrowAnomalyDetected, EscrowBalanceNegative, EscrowClosed, EscrowReopened
from contracts.payment.values import Anomaly
from contracts.types import Currency, Timestamp, TransactionId
from workers.engine.decision import Accepted, CancelTimer, ScheduleTimer
from workers.services.payment.escrow import SHOWN, Escrow, EscrowState, EscrowStatus, Movement, Parties
from workers.services.payment.ledger import (
    Transaction,
    TransactionStatus,
    TransactionType,
    held_part,
    is_disputed,
    reserve,
    settled,
    with_child,
)
from workers.services.payment.timers import closing_reminder

Rows = Mapping[TransactionId, Transaction]


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
    """Put ``row`` into the ledger, its family at their posted targets, and move the escrow by the differences, in one change.

    Its family: its deposit and what else was taken from that, as far as the command named them.
    """
    before, old = state.opened, state.rows
    family = _family(old, row, before.currency)
    moves = [(each, each.posted - (old[each.id].posted if each.id in old else 0)) for each in family]
    reserved = sum(reserve(each, before.currency) - (reserve(old[each.id], before.currency) if each.id in old else 0) for each in family)
    for each in family:
        state = state.with_row(each)
    state = state.with_escrow(balance=before.balance + sum(moved for _, moved in moves), reserved=before.reserved + reserved)
    state = _shown(state, [(each, moved) for each, moved in moves if moved], at)
    return cross(_with_disputes(_with_charges(state, family), family), before, row.id, at)


def _family(rows: Rows, row: Transaction, currency: Currency) -> Sequence[Transaction]:
    """A deposit comes first, then what was taken from it in the order of ids: movements are shown alike whenever they are judged."""
    deposit = rows.get(row.parent_id) if row.parent_id else row
    if deposit is None or deposit.type is not TransactionType.DEPOSIT:
        return (settled(row, currency),)
    if deposit is not row:
        deposit = with_child(deposit, rows.get(row.id), row)
    deposit = settled(deposit, currency)
    children = {each.id: each for each in rows.values() if each.parent_id == deposit.id}
    if row.id != deposit.id:
        children[row.id] = row
    return (deposit, *(settled(children[name], currency, deposit) for name in sorted(children)))


def _shown(state: EscrowState, moves: Sequence[tuple[Transaction, int]], at: Timestamp) -> EscrowState:
    if not moves:
        return state
    latest = tuple(Movement(transaction_id=row.id, type=row.type, amount=moved, timestamp=at) for row, moved in moves)
    return state.with_escrow(transactions=(*state.opened.transactions, *latest)[-SHOWN:], last_transaction_id=moves[-1][0].id)


def _with_charges(state: EscrowState, family: Sequence[Transaction]) -> EscrowState:
    """A release takes its money from a charge only while some of that is left."""
    deposits = dict(state.opened.deposits)
    for row in family:
        if row.id in deposits and row.type is TransactionType.DEPOSIT:
            ours = row.status is TransactionStatus.COMPLETED and row.currency == state.opened.currency
            deposits[row.id] = (row.charge_id or "") if ours else ""
    return state if deposits == state.opened.deposits else state.with_escrow(deposits=deposits)


def _with_disputes(state: EscrowState, family: Sequence[Transaction]) -> EscrowState:
    disputes = {name: held for name, held in state.opened.disputes.items() if name not in {row.id for row in family}}
    disputes |= {row.id: held_part(row, state.opened.currency, family[0]) for row in family if is_disputed(row)}
    return state if disputes == state.opened.disputes else state.with_held(disputes=disputes)


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
