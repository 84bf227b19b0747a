"""Disputes as snapshots: inquiries hold, funds move, and the end is won, lost or nothing."""

import pytest

from contracts.ids import dispute_row_id
from contracts.payment.commands import BeginEscrowClosing, RecordDispute
from contracts.payment.events import (
    DisputeClosed,
    DisputeFundsReinstated,
    DisputeFundsWithdrawn,
    DisputeOpened,
    EscrowBalanceNegative,
    EscrowClosed,
    EscrowReopened,
)
from contracts.payment.values import DisputeOutcome
from tests.unit.services.payment.books import (
    CONTRACT,
    DEPOSIT,
    Books,
    asked_for,
    disputed,
    funded,
    later,
    release,
    said,
    succeeded,
    transferred,
)
from workers.engine.decision import UNCHANGED, ItemRef, Refused

ROW = dispute_row_id("du_1")
ELSEWHERE = {"contractId": "22222222-1111-4111-8111-111111111111"}
BEGIN = BeginEscrowClosing(contract_id=CONTRACT, reason="completed")


def inquired() -> Books:
    books = funded()
    books.send(disputed("warning_needs_response", 0, 0))
    return books


def opening(balance: int, available: int, *, inquiry: bool) -> DisputeOpened:
    return DisputeOpened(
        **said(balance, available),
        dispute_id="du_1",
        deposit_id=DEPOSIT,
        amount=150_000,
        inquiry=inquiry,
        reason="fraudulent",
        due_by=later(days=14),
    )


def test_an_inquiry_holds_the_money_and_moves_none() -> None:
    books = inquired()
    assert books.last() == opening(150_000, 0, inquiry=True)
    assert (books.escrow["balance"], books.escrow["held"], books.escrow["disputes"]) == (150_000, 150_000, {ROW: 150_000})
    assert (books.row(ROW)["status"], books.row(ROW)["posted"], books.row(ROW)["parentId"]) == ("pending", 0, DEPOSIT)
    assert books.ask(release(1)) == Refused("insufficient_available")


def test_an_inquiry_that_is_closed_lets_go() -> None:
    books = inquired()
    books.send(disputed("warning_closed", 0, 0, 70))
    assert books.last() == DisputeClosed(**said(150_000), dispute_id="du_1", amount=150_000, outcome=DisputeOutcome.INQUIRY_CLOSED)
    assert (books.escrow["held"], books.escrow["disputes"], books.row(ROW)["status"]) == (0, {}, "cancelled")


def test_an_inquiry_becomes_a_dispute_that_is_lost() -> None:
    books = inquired()
    books.send(disputed(seconds=70))
    assert books.last() == DisputeFundsWithdrawn(**said(0), dispute_id="du_1", amount=150_000, fee=1_500)
    assert (books.escrow["held"], books.escrow["disputes"], books.row(ROW)["feeAmount"]) == (0, {ROW: 0}, 1_500)
    books.send(disputed("lost", seconds=80))
    assert books.last() == DisputeClosed(**said(0), dispute_id="du_1", amount=150_000, outcome=DisputeOutcome.LOST)
    assert (books.row(ROW)["status"], books.row(ROW)["posted"]) == ("completed", -150_000)


def test_a_dispute_that_is_won_gives_the_money_back() -> None:
    books = funded()
    books.send(disputed())
    assert books.events[-2:] == [
        opening(0, 0, inquiry=False),
        DisputeFundsWithdrawn(**said(0), dispute_id="du_1", amount=150_000, fee=1_500),
    ]
    books.send(disputed("won", seconds=70))
    assert (books.escrow["balance"], books.row(ROW)["status"]) == (0, "cancelled")
    books.send(disputed("won", 0, 2, 80))
    assert books.last() == DisputeFundsReinstated(**said(150_000), dispute_id="du_1", amount=150_000)
    assert books.row(ROW)["posted"] == 0


@pytest.mark.parametrize("old", [disputed(seconds=59), disputed("warning_needs_response", 0, 0, 60), disputed()])
def test_an_older_snapshot_says_nothing(old: RecordDispute) -> None:
    books = funded()
    books.send(disputed())
    assert books.send(old) is UNCHANGED


def test_of_one_second_more_movements_win_and_then_the_end() -> None:
    books = funded()
    books.send(disputed("warning_needs_response", 0, 0))
    books.send(disputed())
    books.send(disputed("lost"))
    assert books.row(ROW)["disputeStatus"] == "lost"
    assert books.send(disputed("under_review")) is UNCHANGED


def test_a_dispute_after_the_release_makes_the_balance_negative() -> None:
    books = funded()
    books.ask(release())
    books.send(transferred())
    books.send(disputed())
    assert books.last() == EscrowBalanceNegative(**said(-120_000), deficit=120_000)
    assert books.ask(release(1, ROW)) == Refused("id_conflict")


def test_a_dispute_outruns_its_deposit() -> None:
    books = asked_for()
    books.send(disputed("warning_needs_response", 0, 0))
    assert (books.escrow["held"], books.escrow["disputes"]) == (0, {ROW: 0})
    books.send(succeeded())
    assert (books.escrow["held"], books.escrow["balance"]) == (150_000, 150_000)


def test_funds_that_moved_in_another_currency_count_as_the_amount() -> None:
    books = funded()
    books.send(disputed(moved=-138_000, currency="EUR"))
    assert books.escrow["balance"] == 0
    books.send(disputed("won", moved=0, movements=2, currency="EUR", seconds=70))
    assert books.escrow["balance"] == 150_000


def test_money_of_another_currency_is_nobodys_loss() -> None:
    books = asked_for()
    books.send(succeeded(currency="GBP"))
    books.send(disputed())
    assert (books.escrow["balance"], books.escrow["held"]) == (0, 0)


def test_a_status_nobody_knows_is_an_open_dispute() -> None:
    books = funded()
    books.send(disputed("arbitration_of_tomorrow", 0, 0))
    assert (books.row(ROW)["status"], books.escrow["held"]) == ("processing", 150_000)


def test_a_dispute_opens_a_closed_escrow_again_and_its_end_closes_it() -> None:
    books = funded()
    books.ask(release(150_000))
    books.send(transferred(150_000))
    books.send(BEGIN)
    assert books.last() == EscrowClosed(**said())
    books.send(disputed("warning_needs_response", 0, 0), at=later(days=60))
    assert books.last() == EscrowReopened(**said(0, -150_000), cause=ROW)
    books.send(disputed("warning_closed", 0, 0, 70))
    assert books.last() == EscrowClosed(**said())


def test_a_dispute_that_is_a_row_of_another_contract_moves_nothing_here() -> None:
    books = inquired()
    ref = ItemRef("payment-transactions", ROW)
    books.items[ref] = {**books.items[ref], **ELSEWHERE}
    before = dict(books.items)
    assert books.send(disputed()) == Refused("id_conflict")
    assert books.items == before
