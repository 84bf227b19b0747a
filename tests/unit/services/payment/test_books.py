"""Any order and repetition of a story's facts ends at the same books, and the ledger adds up after every command."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.message import CommandData
from contracts.payment.commands import (
    BeginEscrowClosing,
    CancelDeposit,
    CancelRelease,
    RecordDepositCancelled,
    RecordDepositFailed,
    RecordDepositProcessing,
    RecordTransferFailed,
    RecordTransferWaiting,
    RetryRelease,
)
from contracts.payment.values import WaitReason
from contracts.types import ContractorId, Currency, TransactionId
from tests.unit.services.payment.books import (
    AS_CLIENT,
    AS_SYSTEM,
    CONTRACT,
    DEPOSIT,
    INTENT,
    RELEASE,
    Books,
    later,
    opened,
    prepared,
    release,
    request_deposit,
    succeeded,
    transferred,
)
from workers.services.payment.ledger import Transaction, TransactionStatus, TransactionType, reserve, target

SECOND = TransactionId("55555555-5555-4555-8555-555555555555")
PAID = TransactionId("66666666-6666-4666-8666-666666666666")
ORDER = ("createdAt", "createdBy", "updatedAt", "waitsTold")
"""What may tell the order in which facts came: stamps, and what people were told meanwhile."""


def processing(seconds: int) -> CommandData:
    return RecordDepositProcessing(
        contract_id=CONTRACT, transaction_id=DEPOSIT, payment_intent_id=INTENT, event_created=later(seconds=seconds)
    )


def failed(seconds: int) -> CommandData:
    return RecordDepositFailed(
        contract_id=CONTRACT, transaction_id=DEPOSIT, code="card_declined", message="No.", event_created=later(seconds=seconds)
    )


def waits(attempt: int) -> CommandData:
    return RecordTransferWaiting(contract_id=CONTRACT, transaction_id=RELEASE, attempt=attempt, reason=WaitReason.PAYEE_NOT_READY)


def ends(attempt: int) -> CommandData:
    return RecordTransferFailed(contract_id=CONTRACT, transaction_id=RELEASE, attempt=attempt, code="account_invalid", message="No.")


CANCELLED = RecordDepositCancelled(contract_id=CONTRACT, transaction_id=DEPOSIT, reason="abandoned", event_created=later(seconds=40))
FACTS: tuple[CommandData, ...] = (
    prepared(),
    processing(10),
    failed(15),
    processing(20),
    failed(20),
    succeeded(seconds=30),
    prepared(SECOND, "pi_2"),
    succeeded(700, SECOND, "ch_2").model_copy(update={"payment_intent_id": "pi_2"}),
    transferred(),
    waits(1),
    ends(1),
)


def story() -> Books:
    """Two deposits and a release are asked for; a third deposit has paid for the release already."""
    books = opened()
    books.ask(request_deposit(120_000, PAID))
    books.send(succeeded(120_000, PAID, "ch_0"))
    books.ask(request_deposit())
    books.ask(request_deposit(700, SECOND))
    books.ask(release())
    return books


def ended(books: Books) -> tuple[object, ...]:
    rows = [{name: value for name, value in books.row(row).items() if name not in ORDER} for row in (DEPOSIT, SECOND, RELEASE, PAID)]
    return books.escrow["balance"], books.escrow["reserved"], books.escrow["deposits"], rows


def balanced(books: Books) -> bool:
    reserved = sum(
        reserve(Transaction.from_item(item), Currency.USD) for ref, item in books.items.items() if ref.table == "payment-transactions"
    )
    return (books.posted(), reserved) == (books.escrow["balance"], books.escrow["reserved"])


def told(facts: list[CommandData]) -> Books:
    books = story()
    for fact in facts:
        books.send(fact, actor=AS_SYSTEM)
        assert balanced(books)
    return books


EXPECTED = ended(told(list(FACTS)))
WITH_CANCELLATION = ended(told([*FACTS, CANCELLED]))


@settings(deadline=None)
@given(st.permutations([*FACTS, *FACTS]))
def test_any_order_and_repetition_ends_at_the_same_books(facts: list[CommandData]) -> None:
    assert ended(told(facts)) == EXPECTED


@settings(deadline=None)
@given(st.permutations([*FACTS, CANCELLED, CANCELLED]))
def test_a_cancellation_that_contradicts_a_success_changes_no_books(facts: list[CommandData]) -> None:
    assert ended(told(facts)) == WITH_CANCELLATION
    assert WITH_CANCELLATION[:3] == EXPECTED[:3]


@settings(deadline=None)
@given(st.permutations([prepared(), processing(10), failed(15), processing(20), failed(20), CANCELLED]))
def test_a_cancelled_deposit_ends_cancelled_in_any_order(facts: list[CommandData]) -> None:
    books = told(facts)
    row = books.row(DEPOSIT)
    assert (row["status"], row["posted"], row["providerAsOf"], "failureCode" in row) == ("cancelled", 0, later(seconds=40), False)


@settings(deadline=None)
@given(st.permutations([processing(10), failed(15), processing(20), failed(20)] * 2))
def test_facts_that_are_not_final_end_at_the_providers_last_word(facts: list[CommandData]) -> None:
    books = told(facts)
    assert (books.row(DEPOSIT)["status"], books.row(DEPOSIT)["providerAsOf"]) == ("failed", later(seconds=20))


WISHES: tuple[CommandData, ...] = (
    RetryRelease(contract_id=CONTRACT, transaction_id=RELEASE),
    CancelRelease(contract_id=CONTRACT, transaction_id=RELEASE),
    CancelDeposit(contract_id=CONTRACT, transaction_id=DEPOSIT),
    BeginEscrowClosing(contract_id=CONTRACT, reason="completed"),
    release(30_000, TransactionId("77777777-7777-4777-8777-777777777777")),
    request_deposit(900, TransactionId("88888888-8888-4888-8888-888888888888")),
    waits(2),
    ends(2),
    transferred(transfer="tr_9"),
    succeeded(5, SECOND, "ch_9", currency="GBP"),
    CANCELLED,
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*FACTS, *WISHES]), st.sampled_from([AS_CLIENT, AS_SYSTEM])), max_size=30))
def test_the_ledger_adds_up_whatever_happens(steps: list[tuple[CommandData, str]]) -> None:
    books = story()
    for command, actor in steps:
        books.send(command, actor=actor)
        assert balanced(books)
        assert (books.escrow["status"] != "closed") or not (books.escrow["balance"] or books.escrow["reserved"])


def test_only_the_last_ten_movements_are_shown() -> None:
    books = opened()
    rows = [TransactionId(f"33333333-3333-4333-8333-{number:012d}") for number in range(12)]
    for row in rows:
        books.ask(request_deposit(100, row))
        books.send(succeeded(100, row, f"ch_{row[-2:]}"))
    assert [movement["transactionId"] for movement in books.escrow["transactions"]] == rows[2:]
    assert books.escrow["balance"] == 1_200


# --- the rule itself -----------------------------------------------------------------------------------------------


def row(kind: TransactionType, status: TransactionStatus, **fields: int | str) -> Transaction:
    born = Transaction(id=DEPOSIT, type=kind, contractor_id=ContractorId(CONTRACT), amount=1_000, currency="USD", status=status)
    return born.model_copy(update=fields)


@pytest.mark.parametrize(
    ("transaction", "posted", "reserved"),
    [
        (row(TransactionType.DEPOSIT, TransactionStatus.PROCESSING, amount_received=990), 0, 0),
        (row(TransactionType.DEPOSIT, TransactionStatus.COMPLETED, amount_received=990), 990, 0),
        (row(TransactionType.DEPOSIT, TransactionStatus.COMPLETED, amount_received=990, refund_seen=300, refund_gross=100), 790, 0),
        (row(TransactionType.DEPOSIT, TransactionStatus.COMPLETED, amount_received=990, refund_seen=100, refund_gross=300), 990, 0),
        (row(TransactionType.DEPOSIT, TransactionStatus.COMPLETED, amount_received=990, currency="EUR"), 0, 0),
        (row(TransactionType.PAYMENT, TransactionStatus.PENDING), 0, 1_000),
        (row(TransactionType.PAYMENT, TransactionStatus.COMPLETED), -1_000, 0),
        (row(TransactionType.PAYMENT, TransactionStatus.COMPLETED, amount_reversed=400), -600, 0),
        (row(TransactionType.PAYMENT, TransactionStatus.FAILED), 0, 0),
        (row(TransactionType.PAYMENT, TransactionStatus.REVERSED, amount_reversed=1_000), 0, 0),
        (row(TransactionType.WITHDRAWAL, TransactionStatus.PENDING), 0, 1_000),
        (row(TransactionType.WITHDRAWAL, TransactionStatus.PENDING, currency="EUR"), 0, 0),
        (row(TransactionType.WITHDRAWAL, TransactionStatus.COMPLETED), 0, 0),
        (row(TransactionType.DISPUTE, TransactionStatus.COMPLETED, moved=-1_000, moved_currency="USD"), 0, 0),
        (row(TransactionType.ADJUSTMENT, TransactionStatus.COMPLETED, posted=-1_000), -1_000, 0),
        (row(TransactionType.PAYOUT, TransactionStatus.COMPLETED), 0, 0),
    ],
)
def test_posted_target_and_reserve_follow_from_the_row_alone(transaction: Transaction, posted: int, reserved: int) -> None:
    assert (target(transaction, Currency.USD), reserve(transaction, Currency.USD)) == (posted, reserved)


OURS = row(TransactionType.DEPOSIT, TransactionStatus.COMPLETED, amount_received=5_000)
EARLY = row(TransactionType.DEPOSIT, TransactionStatus.PROCESSING)
FOREIGN = row(TransactionType.DEPOSIT, TransactionStatus.COMPLETED, amount_received=5_000, currency="EUR")
LOST = row(TransactionType.DISPUTE, TransactionStatus.COMPLETED, moved=-900, moved_currency="USD")


@pytest.mark.parametrize(
    ("deposit", "taken", "posted"),
    [
        (OURS, row(TransactionType.WITHDRAWAL, TransactionStatus.PENDING), 0),
        (OURS, row(TransactionType.WITHDRAWAL, TransactionStatus.PROCESSING), -1_000),
        (OURS, row(TransactionType.WITHDRAWAL, TransactionStatus.COMPLETED), -1_000),
        (OURS, row(TransactionType.WITHDRAWAL, TransactionStatus.FAILED), 0),
        (OURS, row(TransactionType.WITHDRAWAL, TransactionStatus.CANCELLED), 0),
        (EARLY, row(TransactionType.WITHDRAWAL, TransactionStatus.COMPLETED), 0),
        (FOREIGN, row(TransactionType.WITHDRAWAL, TransactionStatus.COMPLETED, currency="EUR"), 0),
        (OURS, LOST, -900),
        (OURS, LOST.model_copy(update={"moved_currency": "EUR"}), -1_000),
        (OURS, LOST.model_copy(update={"moved_currency": "EUR", "moved": 0}), 0),
        (EARLY, LOST, 0),
        (FOREIGN, LOST, 0),
    ],
)
def test_what_is_taken_from_a_deposit_posts_with_it(deposit: Transaction, taken: Transaction, posted: int) -> None:
    assert target(taken, Currency.USD, deposit) == posted
