"""Payouts: any order of deliveries ends at the highest rank; a failure after paid is trouble until another one is paid."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ids import payout_row_id
from contracts.payment.commands import RecordPayout
from contracts.payment.events import PayoutCancelled, PayoutFailed, PayoutPaid
from contracts.payment.values import PayoutStatus
from tests.unit.services.payment.books import ACCOUNT, CONTRACTOR, PERSON, Books, later, synced
from workers.engine.decision import UNCHANGED, Refused

PAYOUT = "po_1"


def payout(status: PayoutStatus, seconds: int = 0, name: str = PAYOUT) -> RecordPayout:
    return RecordPayout(
        contractor_id=CONTRACTOR,
        payout_id=name,
        stripe_account_id=ACCOUNT,
        amount=120_000,
        currency="EGP",
        status=status,
        arrival_date="2026-02-04",
        automatic=True,
        failure_code="account_closed" if status is PayoutStatus.FAILED else None,
        failure_message="The bank account has been closed." if status is PayoutStatus.FAILED else None,
        event_created=later(seconds=seconds),
    )


def payee() -> Books:
    books = Books()
    books.send(synced())
    return books


def row(books: Books, name: str = PAYOUT) -> dict[str, object]:
    return books.row(payout_row_id(name))


def test_a_payout_is_a_row_that_posts_nothing() -> None:
    books = payee()
    asked = len(books.events)
    books.send(payout(PayoutStatus.PENDING))
    books.send(payout(PayoutStatus.IN_TRANSIT, 1))
    assert len(books.events) == asked
    books.send(payout(PayoutStatus.PAID, 2))
    assert books.last() == PayoutPaid(**PERSON, payout_id=PAYOUT, amount=120_000, currency="EGP", arrival_date="2026-02-04")
    found = row(books)
    assert (found["type"], found["status"], found["posted"], found["stripePaymentId"]) == ("payout", "completed", 0, PAYOUT)
    assert "contractId" not in found
    assert books.send(payout(PayoutStatus.PAID, 2)) is UNCHANGED
    assert books.send(payout(PayoutStatus.PENDING, 9)) is UNCHANGED


def test_paid_may_still_fail_and_another_payment_ends_the_trouble() -> None:
    books = payee()
    books.send(payout(PayoutStatus.PAID, 1))
    books.send(payout(PayoutStatus.FAILED, 5))
    event = PayoutFailed(**PERSON, payout_id=PAYOUT, amount=120_000, currency="EGP", code="account_closed", was_paid=True)
    assert books.last() == event
    assert (row(books)["status"], row(books)["openStatus"]) == ("failed", "failed")
    assert books.payee["payoutTrouble"] == {"payoutId": PAYOUT, "since": later(seconds=5)}
    books.send(payout(PayoutStatus.PAID, 4, "po_0"))
    assert "payoutTrouble" in books.payee
    books.send(payout(PayoutStatus.PAID, 6, "po_2"))
    assert "payoutTrouble" not in books.payee


def test_a_failure_that_was_never_paid() -> None:
    books = payee()
    books.send(payout(PayoutStatus.FAILED))
    failed = books.last()
    assert isinstance(failed, PayoutFailed)
    assert failed.was_paid is False


def test_a_cancelled_payout() -> None:
    books = payee()
    books.send(payout(PayoutStatus.CANCELED))
    assert books.last() == PayoutCancelled(**PERSON, payout_id=PAYOUT, amount=120_000, currency="EGP")
    assert books.send(payout(PayoutStatus.FAILED)) is UNCHANGED


def test_a_payout_of_an_unknown_payee_is_not_found() -> None:
    assert Books().send(payout(PayoutStatus.PAID)) == Refused("not_found")


STORY = [payout(status, second) for second, status in enumerate(list(PayoutStatus)[:4])]


@settings(deadline=None)
@given(st.permutations(STORY * 2))
def test_any_order_ends_at_the_highest_rank(facts: list[RecordPayout]) -> None:
    books = payee()
    for fact in facts:
        books.send(fact)
    assert row(books)["status"] == "failed"
    assert books.payee["payoutTrouble"] == {"payoutId": PAYOUT, "since": later(seconds=3)}


@pytest.mark.parametrize("status", list(PayoutStatus))
def test_every_status_has_a_row(status: PayoutStatus) -> None:
    books = payee()
    books.send(payout(status))
    assert row(books)["currency"] == "EGP"
