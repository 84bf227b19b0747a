"""The end of an escrow, and facts that come after it."""

from contracts.payment.commands import BeginEscrowClosing, RemindEscrowClosing
from contracts.payment.events import DepositReceived, EscrowClosed, EscrowClosing, EscrowClosingReminderDue, EscrowReleased, EscrowReopened
from contracts.types import TransactionId
from tests.unit.services.payment.books import (
    AS_CLIENT,
    CONTRACT,
    DEPOSIT,
    Books,
    asked_for,
    funded,
    later,
    opened,
    release,
    request_deposit,
    said,
    succeeded,
    transferred,
)
from workers.engine.decision import UNCHANGED, Refused, ScheduleTimer

BEGIN = BeginEscrowClosing(contract_id=CONTRACT, reason="completed")
REMIND = RemindEscrowClosing(contract_id=CONTRACT)
SECOND = TransactionId("55555555-5555-4555-8555-555555555555")


def test_an_empty_escrow_closes_at_once() -> None:
    books = opened()
    books.send(BEGIN)
    assert books.events[1:] == [EscrowClosed(**said())]
    assert (books.escrow["status"], books.timers) == ("closed", {})
    assert books.send(BEGIN) is UNCHANGED


def test_without_an_escrow_there_is_nothing_to_close() -> None:
    assert Books().send(BEGIN) is UNCHANGED
    assert Books().send(REMIND) == Refused("not_found")


def test_an_escrow_with_money_waits_until_it_has_left() -> None:
    books = funded()
    books.send(BEGIN)
    assert books.last() == EscrowClosing(**said(150_000), reason="completed")
    assert books.timers["escrow-closing-reminder", CONTRACT] == ScheduleTimer("escrow-closing-reminder", CONTRACT, later(days=14), REMIND)
    assert books.send(BEGIN) is UNCHANGED
    assert books.ask(request_deposit(row=SECOND)) == Refused("escrow_closing")
    books.ask(release(150_000))
    assert books.escrow["status"] == "closing"
    books.send(transferred(150_000))
    assert isinstance(books.events[-2], EscrowReleased)
    assert books.last() == EscrowClosed(**said())
    assert books.send(release(1, SECOND), actor=AS_CLIENT) == Refused("escrow_closed")


def test_reminders_repeat_until_it_is_closed() -> None:
    books = funded()
    assert books.send(REMIND) is UNCHANGED
    books.send(BEGIN)
    books.send(REMIND, at=later(days=14))
    assert books.last() == EscrowClosingReminderDue(**said(150_000))
    assert books.timers["escrow-closing-reminder", CONTRACT].due_at == later(days=28)


def test_money_that_comes_after_the_end_opens_it_again() -> None:
    books = asked_for()
    books.send(BEGIN)
    assert books.escrow["status"] == "closed"
    books.send(succeeded(), at=later(days=1))
    assert isinstance(books.events[-2], DepositReceived)
    assert books.last() == EscrowReopened(**said(150_000), cause=DEPOSIT)
    assert (books.escrow["status"], books.escrow["closingSince"]) == ("closing", later(days=1))
    assert books.timers["escrow-closing-reminder", CONTRACT].due_at == later(days=15)
