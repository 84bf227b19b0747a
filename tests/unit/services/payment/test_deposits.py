"""Deposits: what each command does to the row and the escrow, and what it refuses."""

import pytest

from contracts.ids import effect_id, event_id
from contracts.message import CommandData
from contracts.payment.commands import (
    CancelDeposit,
    OpenEscrow,
    RecordDepositCancelled,
    RecordDepositFailed,
    RecordDepositProcessing,
    RecordDepositRequestFailed,
)
from contracts.payment.events import (
    DepositCancelled,
    DepositCancelRequested,
    DepositFailed,
    DepositPrepared,
    DepositProcessing,
    DepositReceived,
    DepositRequested,
    EscrowAnomalyDetected,
    EscrowOpened,
)
from contracts.payment.values import Anomaly, DepositMethod
from contracts.types import CommandId, Currency, TransactionId
from tests.support.oracle import START
from tests.unit.services.payment.books import (
    AS_ADMIN,
    AS_CLIENT,
    AS_STRANGER,
    AS_SYSTEM,
    CHARGE,
    CONTRACT,
    DEPOSIT,
    INTENT,
    Books,
    asked_for,
    funded,
    later,
    open_escrow,
    opened,
    prepared,
    request_deposit,
    said,
    succeeded,
)
from workers.engine.decision import UNCHANGED, Accepted, CancelTimer, Refused, ScheduleTimer

COMMAND = CommandId("55555555-5555-4555-8555-555555555555")


def processing(seconds: int = 10) -> RecordDepositProcessing:
    return RecordDepositProcessing(
        contract_id=CONTRACT, transaction_id=DEPOSIT, payment_intent_id=INTENT, event_created=later(seconds=seconds)
    )


def failed(seconds: int = 10, code: str = "card_declined") -> RecordDepositFailed:
    return RecordDepositFailed(
        contract_id=CONTRACT,
        transaction_id=DEPOSIT,
        code=code,
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
        event_created=later(seconds=seconds),
    )


def cancelled(seconds: int = 20) -> RecordDepositCancelled:
    return RecordDepositCancelled(contract_id=CONTRACT, transaction_id=DEPOSIT, reason="abandoned", event_created=later(seconds=seconds))


def request_failed() -> RecordDepositRequestFailed:
    return RecordDepositRequestFailed(contract_id=CONTRACT, transaction_id=DEPOSIT, code="amount_too_small", message="At least 0.50")


CANCEL = CancelDeposit(contract_id=CONTRACT, transaction_id=DEPOSIT)


def test_an_escrow_opens_empty_and_once() -> None:
    books = Books()
    books.send(open_escrow(), id=COMMAND)
    assert books.events == [EscrowOpened(**said())]
    assert (books.escrow["balance"], books.escrow["status"], books.escrow["reserved"]) == (0, "open", 0)
    assert books.send(open_escrow(), id=COMMAND) is UNCHANGED
    assert books.send(open_escrow()) == Refused("id_conflict")


def test_a_request_becomes_a_pending_row_that_names_its_effect() -> None:
    books = opened()
    books.send(request_deposit(), actor=AS_CLIENT, id=COMMAND)
    event = DepositRequested(**said(), transaction_id=DEPOSIT, amount=150_000, method=DepositMethod.CARD)
    assert books.events[1:] == [event]
    row = books.row(DEPOSIT)
    assert (row["type"], row["status"], row["openStatus"], row["posted"]) == ("deposit", "pending", "pending", 0)
    assert row["idempotencyKey"] == effect_id(event_id(COMMAND, "DepositRequested", 0), "payment.create-intent")
    assert books.send(request_deposit(), actor=AS_CLIENT, id=COMMAND) is UNCHANGED


def test_requests_that_are_refused() -> None:
    assert Books().ask(request_deposit()) == Refused("not_found")
    books = opened()
    assert books.send(request_deposit(), actor=AS_STRANGER) == Refused("forbidden")
    assert books.send(request_deposit(), actor=AS_ADMIN) == Refused("forbidden")
    assert books.ask(request_deposit(currency=Currency.EUR)) == Refused("currency_mismatch")
    books.ask(request_deposit())
    assert books.ask(request_deposit()) == Refused("id_conflict")


def test_no_more_than_200_deposits_may_bring_money() -> None:
    books = opened()
    rows = [TransactionId(f"33333333-3333-4333-8333-{number:012d}") for number in range(201)]
    for row in rows[:200]:
        assert isinstance(books.ask(request_deposit(100, row)), Accepted)
    assert books.ask(request_deposit(100, rows[200])) == Refused("too_many_deposits")
    books.send(RecordDepositRequestFailed(contract_id=CONTRACT, transaction_id=rows[0], code="x", message="x"))
    assert isinstance(books.ask(request_deposit(100, rows[200])), Accepted)


def test_prepared_sets_the_intent_once_and_starts_the_clock() -> None:
    books = asked_for()
    assert books.last() == DepositPrepared(**said(), transaction_id=DEPOSIT, payment_intent_id=INTENT)
    assert books.timers["deposit-abandon", DEPOSIT] == ScheduleTimer("deposit-abandon", DEPOSIT, later(days=7), CANCEL)
    assert books.send(prepared()) is UNCHANGED
    assert books.send(prepared(intent="pi_2")) is UNCHANGED
    assert books.row(DEPOSIT)["stripePaymentId"] == INTENT


def test_a_refused_request_is_final() -> None:
    books = opened()
    books.ask(request_deposit())
    books.send(request_failed())
    event = DepositFailed(**said(), transaction_id=DEPOSIT, amount=150_000, code="amount_too_small", final=True)
    assert books.last() == event
    assert (books.row(DEPOSIT)["status"], books.escrow["deposits"]) == ("failed", {})
    assert books.send(request_failed()) is UNCHANGED
    assert asked_for().send(request_failed()) is UNCHANGED


def test_an_intent_that_shows_up_after_its_request_failed_can_still_be_cancelled() -> None:
    books = opened()
    books.ask(request_deposit())
    books.send(request_failed())
    books.send(prepared())
    books.send(CANCEL, actor=AS_SYSTEM)
    assert books.last() == DepositCancelRequested(**said(), transaction_id=DEPOSIT, payment_intent_id=INTENT)


def test_success_posts_what_was_received() -> None:
    books = asked_for()
    books.send(processing())
    assert books.last() == DepositProcessing(**said(), transaction_id=DEPOSIT, amount=150_000)
    books.send(succeeded(149_000))
    event = DepositReceived(**said(149_000), transaction_id=DEPOSIT, amount=150_000, amount_received=149_000, charge_id=CHARGE)
    assert books.last() == event
    assert (books.row(DEPOSIT)["posted"], books.escrow["balance"], books.escrow["deposits"]) == (149_000, 149_000, {DEPOSIT: CHARGE})
    assert "openStatus" not in books.row(DEPOSIT)
    assert ("deposit-abandon", DEPOSIT) not in books.timers
    assert books.send(succeeded(149_000)) is UNCHANGED
    movement = {"transactionId": DEPOSIT, "type": "deposit", "amount": 149_000, "timestamp": START}
    assert (books.escrow["transactions"], books.escrow["lastTransactionId"]) == ([movement], DEPOSIT)


def test_a_failed_attempt_may_still_succeed() -> None:
    books = asked_for()
    books.send(failed())
    event = DepositFailed(
        **said(), transaction_id=DEPOSIT, amount=150_000, code="card_declined", decline_code="insufficient_funds", final=False
    )
    assert books.last() == event
    assert books.send(failed()) is UNCHANGED
    books.send(succeeded())
    assert books.escrow["balance"] == 150_000
    assert "failureCode" not in books.row(DEPOSIT)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((processing(10), failed(11)), "failed"),
        ((failed(11), processing(10)), "failed"),
        ((processing(10), failed(10)), "failed"),
        ((failed(10), processing(10)), "failed"),
        ((failed(10), processing(11)), "processing"),
        ((processing(11), failed(10)), "processing"),
        ((processing(10), processing(12), failed(11)), "processing"),
    ],
)
def test_facts_that_are_not_final_follow_the_providers_order(facts: tuple[CommandData, ...], status: str) -> None:
    books = asked_for()
    for fact in facts:
        books.send(fact)
    assert books.row(DEPOSIT)["status"] == status
    assert books.row(DEPOSIT).get("failureCode") == ("card_declined" if status == "failed" else None)


@pytest.mark.parametrize("late", [processing(99), failed(99), prepared()])
def test_nothing_follows_a_final_fact(late: CommandData) -> None:
    assert funded().send(late) is UNCHANGED


def test_a_fact_may_outrun_the_answer_that_names_the_intent() -> None:
    books = opened()
    books.ask(request_deposit())
    books.send(processing())
    assert books.row(DEPOSIT)["stripePaymentId"] == INTENT
    assert ("deposit-abandon", DEPOSIT) in books.timers
    assert books.send(prepared()) is UNCHANGED


def test_money_in_another_currency_is_flagged_and_posts_nothing() -> None:
    books = asked_for()
    books.send(succeeded(currency="GBP"))
    detail = "150000 GBP came into an escrow in USD; it can only be refunded"
    assert books.last() == EscrowAnomalyDetected(**said(), transaction_id=DEPOSIT, kind=Anomaly.CURRENCY_MISMATCH, detail=detail)
    assert not books.emitted(DepositReceived)
    assert (books.row(DEPOSIT)["status"], books.row(DEPOSIT)["posted"], books.row(DEPOSIT)["currency"]) == ("completed", 0, "GBP")
    assert books.escrow["balance"] == 0


def test_success_after_a_cancellation_is_posted_and_flagged() -> None:
    books = asked_for()
    books.send(cancelled())
    books.send(succeeded())
    flag = EscrowAnomalyDetected(
        **said(150_000),
        transaction_id=DEPOSIT,
        kind=Anomaly.SUCCEEDED_AFTER_CANCELLED,
        detail="pi_1 succeeded although it had been cancelled",
    )
    assert isinstance(books.events[-2], DepositReceived)
    assert books.last() == flag
    assert books.escrow["balance"] == 150_000
    assert books.send(cancelled()) is UNCHANGED


def test_a_cancellation_after_success_is_flagged_once_and_moves_nothing() -> None:
    books = funded()
    books.send(cancelled())
    detail = "cancelled (abandoned) although it had succeeded"
    flag = EscrowAnomalyDetected(**said(150_000), transaction_id=DEPOSIT, kind=Anomaly.CANCELLED_AFTER_COMPLETED, detail=detail)
    assert books.last() == flag
    assert books.send(cancelled()) is UNCHANGED
    assert (books.row(DEPOSIT)["status"], books.escrow["balance"]) == ("completed", 150_000)


def test_cancelling_asks_stripe_while_there_is_an_intent() -> None:
    books = asked_for()
    books.send(CANCEL, actor=AS_CLIENT)
    assert books.last() == DepositCancelRequested(**said(), transaction_id=DEPOSIT, payment_intent_id=INTENT)
    books.send(cancelled())
    assert books.last() == DepositCancelled(**said(), transaction_id=DEPOSIT, reason="abandoned")
    assert (books.row(DEPOSIT)["status"], books.escrow["deposits"]) == ("cancelled", {})
    assert ("deposit-abandon", DEPOSIT) not in books.timers
    assert books.send(CANCEL, actor=AS_CLIENT) is UNCHANGED


def test_cancelling_a_request_that_failed_needs_nobody() -> None:
    books = opened()
    books.ask(request_deposit())
    books.send(request_failed())
    decision = books.send(CANCEL, actor=AS_CLIENT)
    assert isinstance(decision, Accepted)
    assert decision.timers == (CancelTimer("deposit-abandon", DEPOSIT),)
    assert books.last() == DepositCancelled(**said(), transaction_id=DEPOSIT, reason="requested_by_customer")


def test_cancelling_money_that_is_under_way() -> None:
    books = opened()
    assert books.send(CANCEL, actor=AS_CLIENT) == Refused("not_found")
    books.ask(request_deposit())
    assert books.send(CANCEL, actor=AS_STRANGER) == Refused("forbidden")
    assert books.send(CANCEL, actor=AS_CLIENT) == Refused("deposit_in_progress")
    books.send(processing())
    assert books.send(CANCEL, actor=AS_CLIENT) == Refused("deposit_in_progress")
    books.send(CANCEL, actor=AS_SYSTEM, at=later(days=7))
    assert books.timers["deposit-abandon", DEPOSIT].due_at == later(days=14)
    books.send(succeeded())
    assert books.send(CANCEL, actor=AS_CLIENT) == Refused("invalid_state")
    assert books.send(CANCEL, actor=AS_SYSTEM) is UNCHANGED


@pytest.mark.parametrize("fact", [prepared(), request_failed(), processing(), succeeded(), failed(), cancelled()])
def test_facts_of_an_unknown_deposit_are_not_found(fact: CommandData) -> None:
    assert opened().send(fact) == Refused("not_found")


def test_a_row_of_another_contract_is_not_ours() -> None:
    books, other = asked_for(), "99999999-1111-4111-8111-111111111111"
    theirs = OpenEscrow.from_item({**open_escrow().to_item(), "contractId": other})
    books.send(theirs)
    assert books.send(prepared().model_copy(update={"contract_id": other})) == Refused("not_found")
    assert books.ask(request_deposit().model_copy(update={"contract_id": other})) == Refused("id_conflict")
