"""Holds and adjustments: what admins do to an escrow."""

import pytest
from pydantic import ValidationError

from contracts.payment.commands import BeginEscrowClosing, LiftHold, PlaceHold, PostAdjustment
from contracts.payment.events import EscrowAdjusted, EscrowBalanceNegative, EscrowClosed, EscrowHeld, EscrowHoldLifted
from contracts.types import CommandId, Currency, TransactionId
from tests.unit.services.payment.books import (
    AS_ADMIN,
    AS_CLIENT,
    AS_SYSTEM,
    CONTRACT,
    RELEASE,
    Books,
    funded,
    opened,
    release,
    releasing,
    said,
)
from workers.engine.decision import UNCHANGED, Decision, Refused
from workers.services.payment.holds import MOST_HOLDS

HOLD = "12121212-1212-4121-8121-121212121212"
ROW = TransactionId("77777777-7777-4777-8777-777777777777")
SECOND_ADMIN = "admin:88888888-8888-4888-8888-888888888888"
BEGIN = BeginEscrowClosing(contract_id=CONTRACT, reason="completed")


def hold(amount: object = 40_000, name: str = HOLD, reason: str = "Fraud warning") -> PlaceHold:
    return PlaceHold.model_validate({"contractId": CONTRACT, "holdId": name, "amount": amount, "reason": reason})


LIFT = LiftHold(contract_id=CONTRACT, hold_id=HOLD)


def test_a_hold_keeps_money_from_leaving_until_it_is_lifted() -> None:
    books = funded()
    books.send(hold(), actor=AS_ADMIN)
    assert books.last() == EscrowHeld(**said(150_000, 110_000), hold_id=HOLD, amount=40_000, reason="Fraud warning")
    assert books.escrow["holds"] == {HOLD: {"amount": 40_000, "reason": "Fraud warning"}}
    assert books.ask(release(110_001)) == Refused("insufficient_available")
    books.send(LIFT, actor=AS_ADMIN)
    assert books.last() == EscrowHoldLifted(**said(150_000), hold_id=HOLD, amount=40_000, reason="Fraud warning")
    assert books.send(LIFT, actor=AS_ADMIN) is UNCHANGED


def test_all_is_what_is_available_then() -> None:
    books = releasing()
    books.send(hold("all"), actor=AS_ADMIN)
    assert books.last() == EscrowHeld(**said(150_000, 0), hold_id=HOLD, amount=30_000, reason="Fraud warning")
    assert books.send(hold("all"), actor=AS_ADMIN) is UNCHANGED
    assert books.send(hold("all", RELEASE), actor=AS_ADMIN) == Refused("invalid_state")


def test_a_hold_may_exceed_what_is_there() -> None:
    books = funded()
    books.send(hold(200_000), actor=AS_ADMIN)
    assert books.last() == EscrowHeld(**said(150_000, -50_000), hold_id=HOLD, amount=200_000, reason="Fraud warning")


def test_refused_holds() -> None:
    assert Books().send(hold(), actor=AS_ADMIN) == Refused("not_found")
    assert Books().send(LIFT, actor=AS_ADMIN) == Refused("not_found")
    books = funded()
    assert books.send(hold(), actor=AS_CLIENT) == Refused("forbidden")
    assert books.send(LIFT, actor=AS_CLIENT) == Refused("forbidden")
    books.send(hold(), actor=AS_ADMIN)
    assert books.send(hold(reason="Another"), actor=AS_ADMIN) == Refused("id_conflict")
    for number in range(1, MOST_HOLDS):
        books.send(hold(1, f"12121212-1212-4121-8121-{number:012d}"), actor=AS_ADMIN)
    assert books.send(hold(1, RELEASE), actor=AS_ADMIN) == Refused("too_many_holds")


def test_an_ended_escrow_closes_when_its_last_hold_is_lifted() -> None:
    books = opened()
    books.send(hold(1), actor=AS_ADMIN)
    books.send(BEGIN)
    assert books.escrow["status"] == "closing"
    books.send(LIFT, actor=AS_ADMIN)
    assert books.last() == EscrowClosed(**said())
    assert books.send(hold(1), actor=AS_ADMIN) == Refused("invalid_state")


# --- adjustments ---------------------------------------------------------------------------------------------------


def adjustment(amount: int = -1_500, currency: Currency = Currency.USD, approver: str = SECOND_ADMIN) -> PostAdjustment:
    return PostAdjustment(
        contract_id=CONTRACT, transaction_id=ROW, amount=amount, currency=currency, reason="Dispute fee", approved_by=approver
    )


def posted(books: Books, command: PostAdjustment) -> Decision[object]:
    return books.send(command, actor=AS_ADMIN)


@pytest.mark.parametrize("amount", [-1_500, 1_500])
def test_two_admins_correct_the_balance(amount: int) -> None:
    books, command = funded(), CommandId(HOLD)
    books.send(adjustment(amount), actor=AS_ADMIN, id=command)
    balance = 150_000 + amount
    assert books.last() == EscrowAdjusted(**said(balance), transaction_id=ROW, amount=amount, reason="Dispute fee")
    row = books.row(ROW)
    assert (row["type"], row["status"], row["amount"], row["posted"]) == ("adjustment", "completed", 1_500, amount)
    assert (row["initiatedBy"], row["approvedBy"], books.posted()) == (AS_ADMIN, SECOND_ADMIN, balance)
    assert books.send(adjustment(amount), actor=AS_ADMIN, id=command) is UNCHANGED
    assert posted(books, adjustment(amount)) == Refused("id_conflict")


def test_an_adjustment_may_go_below_zero() -> None:
    books = opened()
    posted(books, adjustment())
    assert books.last() == EscrowBalanceNegative(**said(-1_500), deficit=1_500)


@pytest.mark.parametrize("approver", [AS_ADMIN, AS_CLIENT, "99999999-9999-4999-8999-999999999999"])
def test_one_admin_is_not_enough(approver: str) -> None:
    assert posted(funded(), adjustment(approver=approver)) == Refused("second_approver_required")


def test_refused_adjustments() -> None:
    assert posted(Books(), adjustment()) == Refused("not_found")
    assert funded().send(adjustment(), actor=AS_SYSTEM) == Refused("forbidden")
    assert posted(funded(), adjustment(currency=Currency.EUR)) == Refused("currency_mismatch")
    with pytest.raises(ValidationError, match="must not be 0"):
        adjustment(0)
