"""Refunds, asked for here or made at Stripe, one by one or as the charge's total."""

import pytest

from contracts.ids import effect_id, event_id, refund_row_id
from contracts.payment.commands import BeginEscrowClosing, RecordRefundRejected, RefundDeposit
from contracts.payment.events import EscrowClosed, EscrowRefunded, EscrowReopened, RefundFailed, RefundRequested
from contracts.payment.values import RefundReason, RefundStatus
from contracts.types import CommandId, TransactionId
from tests.unit.services.payment.books import (
    AS_ADMIN,
    AS_CLIENT,
    AS_STRANGER,
    CONTRACT,
    DEPOSIT,
    INTENT,
    REFUND,
    Books,
    asked_for,
    charge_refunded,
    disputed,
    funded,
    later,
    opened,
    refund,
    refunded,
    release,
    request_deposit,
    said,
    succeeded,
    transferred,
)
from workers.engine.decision import UNCHANGED, ItemRef, Refused
from workers.services.payment.refunds import MOST_CHILDREN

BEGIN = BeginEscrowClosing(contract_id=CONTRACT, reason="completed")
ELSEWHERE = {"contractId": "22222222-1111-4111-8111-111111111111"}
REJECTED = RecordRefundRejected(contract_id=CONTRACT, transaction_id=REFUND, code="charge_disputed")
OWN = refund_row_id("re_1")
OTHER = TransactionId("99999999-1111-4111-8111-111111111111")


def refunding(amount: int = 30_000) -> Books:
    books = funded()
    books.send(refund(amount), actor=AS_ADMIN)
    return books


def test_an_admin_asks_for_a_refund() -> None:
    books, command = funded(), CommandId("12121212-1212-4121-8121-121212121212")
    books.send(refund(), actor=AS_ADMIN, id=command)
    assert books.last() == RefundRequested(
        **said(150_000, 120_000),
        transaction_id=REFUND,
        deposit_id=DEPOSIT,
        payment_intent_id=INTENT,
        amount=30_000,
        reason=RefundReason.REQUESTED_BY_CUSTOMER,
    )
    row, deposit = books.row(REFUND), books.row(DEPOSIT)
    assert (row["type"], row["status"], row["posted"], row["parentId"]) == ("withdrawal", "pending", 0, DEPOSIT)
    assert row["idempotencyKey"] == effect_id(event_id(command, "RefundRequested", 0), "payment.refund")
    assert (deposit["children"], deposit["refundGross"], deposit["refundNet"], deposit["posted"]) == ([REFUND], 30_000, 30_000, 150_000)
    assert books.send(refund(), actor=AS_ADMIN, id=command) is UNCHANGED
    assert books.send(refund(), actor=AS_ADMIN) == Refused("id_conflict")


def test_a_company_may_only_once_the_contract_has_ended() -> None:
    books = funded()
    assert books.ask(refund()) == Refused("invalid_state")
    books.send(BEGIN)
    books.ask(refund())
    assert isinstance(books.last(), RefundRequested)


def test_refusals() -> None:
    assert Books().ask(refund()) == Refused("not_found")
    assert asked_for().send(refund(), actor=AS_ADMIN) == Refused("invalid_state")
    books = funded()
    assert books.send(refund(), actor=AS_STRANGER) == Refused("forbidden")
    assert books.send(refund(deposit=OTHER), actor=AS_ADMIN) == Refused("not_found")
    assert books.send(refund(150_001), actor=AS_ADMIN) == Refused("amount_too_large")
    books.ask(release(120_001))
    assert books.send(refund(), actor=AS_ADMIN) == Refused("insufficient_available")
    books.send(disputed())
    assert books.send(refund(1), actor=AS_ADMIN) == Refused("deposit_disputed")


def test_what_was_asked_for_is_not_there_twice() -> None:
    books = refunding(100_000)
    assert books.send(refund(50_001, OTHER), actor=AS_ADMIN) == Refused("amount_too_large")
    books.send(refund(50_000, OTHER), actor=AS_ADMIN)
    assert books.escrow["reserved"] == 150_000


def test_one_deposit_is_not_cut_in_more_pieces_than_can_be_read() -> None:
    books = funded()
    for number in range(MOST_CHILDREN):
        books.send(refund(1, TransactionId(f"66666666-6666-4666-8666-{number:012d}")), actor=AS_ADMIN)
    assert books.send(refund(1), actor=AS_ADMIN) == Refused("invalid_state")


def test_a_refund_is_posted_when_it_exists() -> None:
    books = refunding()
    books.send(refunded(status=RefundStatus.PENDING))
    event = EscrowRefunded(**said(120_000), transaction_id=REFUND, deposit_id=DEPOSIT, amount=30_000, deposit_left=120_000)
    assert books.last() == event
    assert (books.row(REFUND)["status"], books.row(REFUND)["posted"], books.row(REFUND)["stripePaymentId"]) == (
        "processing",
        -30_000,
        "re_1",
    )
    books.send(refunded())
    assert (books.row(REFUND)["status"], books.last()) == ("completed", event)
    for repeat in (refunded(), refunded(status=RefundStatus.PENDING), charge_refunded(0)):
        assert books.send(repeat) is UNCHANGED
    books.send(charge_refunded(30_000))
    assert (books.last(), books.escrow["balance"]) == (event, 120_000)


def test_a_refund_that_bounces_brings_the_money_back() -> None:
    books = refunding(150_000)
    books.send(refunded(150_000))
    assert books.row(DEPOSIT)["status"] == "refunded"
    books.send(refunded(150_000, RefundStatus.FAILED, failure="expired_or_canceled_card"))
    assert books.last() == RefundFailed(
        **said(150_000), transaction_id=REFUND, deposit_id=DEPOSIT, amount=150_000, code="expired_or_canceled_card"
    )
    assert (books.row(DEPOSIT)["status"], books.row(DEPOSIT)["refundGross"]) == ("completed", 150_000)
    assert books.send(refunded(150_000)) is UNCHANGED


def test_a_refund_that_bounced_before_it_was_heard_of_is_told() -> None:
    books = refunding()
    books.send(refunded(status=RefundStatus.CANCELED))
    assert books.last() == RefundFailed(**said(150_000), transaction_id=REFUND, deposit_id=DEPOSIT, amount=30_000, code="canceled")
    assert books.escrow["reserved"] == 0


def test_a_refund_that_was_never_created_frees_its_reserve() -> None:
    books = refunding()
    books.send(REJECTED)
    assert books.last() == RefundFailed(**said(150_000), transaction_id=REFUND, deposit_id=DEPOSIT, amount=30_000, code="charge_disputed")
    assert (books.row(REFUND)["status"], "refundGross" in books.row(DEPOSIT)) == ("failed", False)
    assert books.send(REJECTED) is UNCHANGED
    books.send(refunded())
    assert (books.row(REFUND)["status"], books.escrow["balance"]) == ("completed", 120_000)
    assert books.send(REJECTED) is UNCHANGED


def test_a_total_that_a_rejected_refund_covered_is_another_ones() -> None:
    books = refunding()
    books.send(charge_refunded(10_000))
    assert books.escrow["balance"] == 150_000
    books.send(REJECTED)
    assert books.last() == EscrowRefunded(**said(140_000), deposit_id=DEPOSIT, amount=10_000, deposit_left=140_000)
    assert isinstance(books.events[-2], RefundFailed)


def test_the_total_comes_before_the_refunds() -> None:
    books = funded()
    books.send(charge_refunded(50_000))
    told = EscrowRefunded(**said(100_000), deposit_id=DEPOSIT, amount=50_000, deposit_left=100_000)
    assert books.last() == told
    assert books.send(charge_refunded(20_000)) is UNCHANGED
    books.send(refunded(20_000, row=None))
    books.send(refunded(30_000, row=None, name="re_2"))
    assert (books.last(), books.escrow["balance"], books.row(DEPOSIT)["posted"]) == (told, 100_000, 150_000)
    assert books.row(OWN)["posted"] == -20_000


def test_a_refund_outruns_its_deposit() -> None:
    books = asked_for()
    books.send(refunded(row=None))
    assert (books.row(OWN)["status"], books.row(OWN)["posted"], books.escrow["reserved"]) == ("completed", 0, 0)
    books.send(succeeded())
    assert (books.escrow["balance"], books.row(OWN)["posted"]) == (120_000, -30_000)
    assert [move["amount"] for move in books.escrow["transactions"]] == [150_000, -30_000]


def test_a_second_refund_for_one_wish_is_a_row_of_its_own() -> None:
    books = refunding()
    books.send(refunded())
    books.send(refunded(name="re_2"))
    assert books.row(refund_row_id("re_2"))["posted"] == -30_000
    assert books.escrow["balance"] == 90_000


def test_money_of_another_currency_can_only_be_refunded() -> None:
    books = asked_for()
    books.send(succeeded(currency="GBP"))
    assert books.escrow["balance"] == 0
    books.send(refund(150_000), actor=AS_ADMIN)
    assert isinstance(books.last(), RefundRequested)
    assert (books.escrow["reserved"], books.row(REFUND)["currency"]) == (0, "GBP")
    books.send(refunded(150_000, currency="GBP"))
    assert (books.escrow["balance"], books.row(DEPOSIT)["status"], books.row(REFUND)["posted"]) == (0, "refunded", 0)


@pytest.mark.parametrize("command", [refunded(), charge_refunded(1), disputed(), REJECTED])
def test_facts_about_nothing_we_know(command: RefundDeposit) -> None:
    assert opened().send(command) == Refused("not_found")


def test_the_last_money_closes_an_ended_escrow_and_opens_it_again() -> None:
    books = funded()
    books.ask(release())
    books.send(transferred())
    books.send(BEGIN)
    books.send(refund(), actor=AS_CLIENT)
    assert books.escrow["status"] == "closing"
    books.send(refunded())
    assert books.events[-2:] == [
        EscrowRefunded(**said(0), transaction_id=REFUND, deposit_id=DEPOSIT, amount=30_000, deposit_left=120_000),
        EscrowClosed(**said(0)),
    ]
    books.send(refunded(status=RefundStatus.FAILED), at=later(days=9))
    assert isinstance(books.events[-2], RefundFailed)
    assert books.last() == EscrowReopened(**said(30_000), cause=REFUND)
    assert books.timers["escrow-closing-reminder", CONTRACT].due_at == later(days=23)


def test_a_refunded_charge_pays_no_release() -> None:
    books = funded()
    second = TransactionId("55555555-5555-4555-8555-555555555555")
    books.ask(request_deposit(500, second))
    books.send(succeeded(500, second, "ch_2").model_copy(update={"payment_intent_id": "pi_2"}))
    books.send(charge_refunded(150_000))
    assert books.escrow["deposits"] == {DEPOSIT: "", second: "ch_2"}


def test_a_refund_that_is_a_row_of_another_contract_moves_nothing_here() -> None:
    books = funded()
    books.send(refunded(row=None))
    ref = ItemRef("payment-transactions", OWN)
    books.items[ref] = theirs = {**books.items[ref], **ELSEWHERE}
    before = dict(books.items)
    assert books.send(refunded(20_000, row=None)) == Refused("id_conflict")
    assert books.items == before
    assert books.items[ref] == theirs
