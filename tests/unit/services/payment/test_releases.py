"""Releases: reserving, attempts, waiting, and the transfer that ends them."""

import pytest

from contracts.message import CommandData
from contracts.payment.commands import CancelRelease, RecordTransferFailed, RecordTransferWaiting, RetryRelease
from contracts.payment.events import (
    EscrowAnomalyDetected,
    EscrowBalanceNegative,
    EscrowReleaseCancelled,
    EscrowReleased,
    EscrowReleaseFailed,
    EscrowReleaseRequested,
    EscrowReleaseWaiting,
)
from contracts.payment.values import Anomaly, WaitReason
from contracts.timestamps import plus
from contracts.types import CommandId, Currency, TransactionId
from tests.unit.services.payment.books import (
    AS_ADMIN,
    AS_CLIENT,
    AS_STRANGER,
    AS_SYSTEM,
    CHARGE,
    CONTRACT,
    RELEASE,
    Books,
    funded,
    later,
    opened,
    release,
    releasing,
    request_deposit,
    said,
    succeeded,
    transferred,
)
from workers.engine.decision import UNCHANGED, Refused, ScheduleTimer

RETRY = RetryRelease(contract_id=CONTRACT, transaction_id=RELEASE)
CANCEL = CancelRelease(contract_id=CONTRACT, transaction_id=RELEASE)
SECOND = TransactionId("55555555-5555-4555-8555-555555555555")


def waits(attempt: int = 1, reason: WaitReason = WaitReason.PAYEE_NOT_READY) -> RecordTransferWaiting:
    return RecordTransferWaiting(contract_id=CONTRACT, transaction_id=RELEASE, attempt=attempt, reason=reason)


def fails(attempt: int = 1) -> RecordTransferFailed:
    return RecordTransferFailed(
        contract_id=CONTRACT, transaction_id=RELEASE, attempt=attempt, code="account_invalid", message="The account is closed."
    )


def waiting() -> Books:
    books = releasing()
    books.send(waits())
    return books


def test_a_release_reserves_and_names_the_only_charge() -> None:
    books = releasing()
    event = EscrowReleaseRequested(**said(150_000, 30_000), transaction_id=RELEASE, attempt=1, amount=120_000, source_charge_id=CHARGE)
    assert books.last() == event
    assert (books.escrow["balance"], books.escrow["reserved"]) == (150_000, 120_000)
    row = books.row(RELEASE)
    assert (row["type"], row["status"], row["posted"], row["attempt"]) == ("payment", "pending", 0, 1)


def test_money_of_two_deposits_has_no_one_source() -> None:
    books = funded()
    books.ask(request_deposit(1_000, SECOND))
    books.send(succeeded(1_000, SECOND, charge="ch_2"))
    books.ask(release())
    asked = books.events[-1]
    assert isinstance(asked, EscrowReleaseRequested)
    assert asked.source_charge_id is None


def test_releases_that_are_refused() -> None:
    assert Books().ask(release()) == Refused("not_found")
    books = funded()
    assert books.send(release(), actor=AS_STRANGER) == Refused("forbidden")
    assert books.ask(release(currency=Currency.EUR)) == Refused("currency_mismatch")
    assert books.ask(release(150_001)) == Refused("insufficient_available")
    books.ask(release(150_000))
    assert books.ask(release(1, SECOND)) == Refused("insufficient_available")
    assert books.ask(release(150_000)) == Refused("id_conflict")


def test_the_same_request_again_is_nothing_to_do() -> None:
    books, command = funded(), CommandId("66666666-6666-4666-8666-666666666666")
    books.send(release(), actor=AS_ADMIN, id=command)
    assert books.send(release(), actor=AS_ADMIN, id=command) is UNCHANGED


def test_a_transfer_posts_and_frees_the_reserve() -> None:
    books = releasing()
    books.send(transferred())
    assert books.last() == EscrowReleased(**said(30_000), transaction_id=RELEASE, amount=120_000, transfer_id="tr_1")
    assert (books.escrow["balance"], books.escrow["reserved"], books.row(RELEASE)["posted"]) == (30_000, 0, -120_000)
    assert (books.row(RELEASE)["status"], books.row(RELEASE)["stripePaymentId"]) == ("completed", "tr_1")
    assert books.send(transferred()) is UNCHANGED


def test_waiting_is_told_once_per_reason_and_tried_again_ever_later() -> None:
    books = waiting()
    event = EscrowReleaseWaiting(
        **said(150_000, 30_000), transaction_id=RELEASE, attempt=1, amount=120_000, reason=WaitReason.PAYEE_NOT_READY, first=True
    )
    assert books.last() == event
    assert books.timers["release-retry", RELEASE] == ScheduleTimer("release-retry", RELEASE, later(hours=1), RETRY)
    assert books.send(waits()) is UNCHANGED
    firsts, hours = [], []
    for attempt, reason in enumerate((WaitReason.PAYEE_NOT_READY, WaitReason.FUNDS_NOT_AVAILABLE, WaitReason.PAYEE_NOT_READY), start=2):
        books.send(RETRY, actor=AS_SYSTEM)
        books.send(waits(attempt, reason))
        firsts.append(books.events[-1].first if isinstance(books.events[-1], EscrowReleaseWaiting) else None)
        hours.append(books.timers["release-retry", RELEASE].due_at)
    assert firsts == [False, True, False]
    assert hours == [later(hours=6), later(hours=24), later(hours=24)]


def test_a_retry_is_another_attempt() -> None:
    books = waiting()
    first = books.row(RELEASE)["idempotencyKey"]
    books.send(RETRY, actor=AS_SYSTEM)
    asked = books.events[-1]
    assert isinstance(asked, EscrowReleaseRequested)
    assert (asked.attempt, asked.available, books.escrow["reserved"]) == (2, 30_000, 120_000)
    assert books.row(RELEASE)["idempotencyKey"] != first
    assert books.send(RETRY, actor=AS_SYSTEM) is UNCHANGED
    assert books.send(RETRY, actor=AS_ADMIN) == Refused("invalid_state")
    assert books.send(RETRY, actor=AS_CLIENT) == Refused("forbidden")


def test_patience_ends_after_30_days() -> None:
    books = waiting()
    books.send(RETRY, actor=AS_SYSTEM, at=later(days=30))
    assert books.last() == EscrowReleaseFailed(**said(150_000), transaction_id=RELEASE, amount=120_000, code="waited_too_long")
    assert (books.row(RELEASE)["status"], books.escrow["reserved"]) == ("failed", 0)
    assert ("release-retry", RELEASE) not in books.timers


def test_answers_of_an_earlier_attempt_are_old_news() -> None:
    books = waiting()
    books.send(RETRY, actor=AS_SYSTEM)
    assert books.send(waits(1)) is UNCHANGED
    assert books.send(fails(1)) is UNCHANGED


def test_a_failure_frees_the_reserve() -> None:
    books = releasing()
    books.send(fails())
    assert books.last() == EscrowReleaseFailed(**said(150_000), transaction_id=RELEASE, amount=120_000, code="account_invalid")
    assert (books.row(RELEASE)["openStatus"], books.escrow["reserved"]) == ("failed", 0)
    assert books.send(fails()) is UNCHANGED
    assert books.send(waits()) is UNCHANGED


def test_cancelling_only_while_waiting() -> None:
    books = releasing()
    assert books.send(CANCEL, actor=AS_CLIENT) == Refused("release_in_flight")
    books.send(waits())
    assert books.send(CANCEL, actor=AS_STRANGER) == Refused("forbidden")
    books.send(CANCEL, actor=AS_ADMIN)
    assert books.last() == EscrowReleaseCancelled(**said(150_000), transaction_id=RELEASE, amount=120_000)
    assert books.send(CANCEL, actor=AS_CLIENT) is UNCHANGED
    assert ("release-retry", RELEASE) not in books.timers
    done = releasing()
    done.send(transferred())
    assert done.send(CANCEL, actor=AS_CLIENT) == Refused("invalid_state")


@pytest.mark.parametrize(("end", "status"), [(fails(), "failed"), (CANCEL, "cancelled")])
def test_a_transfer_that_comes_after_the_end_is_posted_and_flagged(end: CommandData, status: str) -> None:
    books = waiting()
    books.send(end, actor=AS_ADMIN)
    books.send(transferred())
    detail = f"tr_1 exists although the release was {status}"
    flag = EscrowAnomalyDetected(**said(30_000), transaction_id=RELEASE, kind=Anomaly.TRANSFER_AFTER_FAILED, detail=detail)
    assert books.events[-2:] == [EscrowReleased(**said(30_000), transaction_id=RELEASE, amount=120_000, transfer_id="tr_1"), flag]


def test_a_second_transfer_is_flagged_once_and_not_posted() -> None:
    books = releasing()
    books.send(transferred())
    books.send(transferred(transfer="tr_2"))
    assert isinstance(books.events[-1], EscrowAnomalyDetected)
    assert books.send(transferred(transfer="tr_2")) is UNCHANGED
    assert (books.escrow["balance"], books.row(RELEASE)["stripePaymentId"]) == (30_000, "tr_1")


def test_a_transfer_in_another_currency_is_flagged() -> None:
    books = releasing()
    books.send(transferred(currency="EUR"))
    flag = books.events[-1]
    assert isinstance(flag, EscrowAnomalyDetected)
    assert (flag.anomaly, books.escrow["balance"], books.escrow["reserved"]) == (Anomaly.CURRENCY_MISMATCH, 150_000, 0)


def below_zero() -> Books:
    """A cancelled release was paid after all, when its money had been released again; a third one waits."""
    books = releasing(100_000)
    books.send(waits())
    books.send(CANCEL, actor=AS_CLIENT)
    books.ask(release(140_000, SECOND))
    books.send(transferred(140_000, SECOND, "tr_2"))
    third = release(10_000, TransactionId("77777777-7777-4777-8777-777777777777"))
    books.ask(third)
    books.send(waits().model_copy(update={"transaction_id": third.transaction_id}))
    books.send(transferred(100_000))
    return books


def test_facts_may_take_the_balance_below_zero() -> None:
    books = below_zero()
    assert books.last() == EscrowBalanceNegative(**said(-90_000, -100_000), deficit=90_000)
    assert books.posted() == books.escrow["balance"] == -90_000
    deposit = TransactionId("99999999-9999-4999-8999-999999999999")
    books.ask(request_deposit(40_000, deposit))
    books.send(succeeded(40_000, deposit))
    assert books.escrow["balance"] == -50_000
    assert len(books.emitted(EscrowBalanceNegative)) == 1


def test_nothing_leaves_while_money_is_missing() -> None:
    books, third = below_zero(), RETRY.model_copy(update={"transaction_id": TransactionId("77777777-7777-4777-8777-777777777777")})
    told = len(books.events)
    books.send(third, actor=AS_SYSTEM, at=later(hours=1))
    assert books.timers["release-retry", third.transaction_id].due_at == plus(later(hours=1), hours=1)
    assert books.send(third, actor=AS_ADMIN) == Refused("insufficient_available")
    assert len(books.events) == told
    fresh = TransactionId("88888888-8888-4888-8888-888888888888")
    assert books.ask(release(1, fresh)) == Refused("insufficient_available")


@pytest.mark.parametrize("command", [RETRY, waits(), transferred(), fails(), CANCEL])
def test_an_unknown_release_is_not_found(command: CommandData) -> None:
    assert opened().send(command, actor=AS_ADMIN) == Refused("not_found")
