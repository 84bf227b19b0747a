"""Payees: the person, the connected account, and when money can reach it."""

from itertools import permutations

import pytest

from contracts.contractor import KycStatus
from contracts.message import CommandData
from contracts.payment.commands import RecordPayeeAccountFailed, RefreshPayeeAccount, RetryPayeeAccount
from contracts.payment.events import (
    PayeeAccountCreated,
    PayeeAccountFailed,
    PayeeAccountRefreshRequested,
    PayeeAccountRequested,
    PayeeBlocked,
    PayeeReady,
)
from contracts.payment.values import BlockedReason
from contracts.types import ContractorId
from tests.unit.services.payment.books import (
    ACCOUNT,
    AS_ADMIN,
    AS_CLIENT,
    CONTRACTOR,
    PERSON,
    Books,
    account_created,
    account_status,
    later,
    synced,
)
from workers.engine.decision import UNCHANGED, Accepted, ItemRef, Refused

FAILED = RecordPayeeAccountFailed(contractor_id=CONTRACTOR, code="country_unsupported")
RETRY = RetryPayeeAccount(contractor_id=CONTRACTOR)
REFRESH = RefreshPayeeAccount(contractor_id=CONTRACTOR)
REFRESHED = PayeeAccountRefreshRequested(**PERSON, stripe_account_id=ACCOUNT)
CLAIM = ItemRef("payment-escrow", f"ACCT#{ACCOUNT}")


def requested() -> Books:
    books = Books()
    books.send(synced())
    return books


def ready() -> Books:
    books = requested()
    books.send(account_created())
    books.send(account_status(), at=later(seconds=70))
    return books


def test_the_first_verified_status_asks_for_an_account() -> None:
    books = requested()
    assert books.events == [PayeeAccountRequested(**PERSON, country="EG", n=1)]
    assert (books.payee["contractId"], books.payee["accountState"]) == (f"PAYEE#{CONTRACTOR}", "requested")
    assert books.send(synced()) is UNCHANGED


@pytest.mark.parametrize(("first", "second"), list(permutations([KycStatus.VERIFIED, KycStatus.REJECTED])))
def test_of_two_verdicts_at_the_same_instant_the_rejection_counts(first: KycStatus, second: KycStatus) -> None:
    books = Books()
    books.send(synced(first))
    books.send(synced(second))
    assert books.payee["kycStatus"] == "rejected"


def test_an_unverified_person_gets_no_account() -> None:
    books = Books()
    books.send(synced(KycStatus.REJECTED))
    assert books.events == []
    books.send(synced(KycStatus.VERIFIED, day=2))
    assert isinstance(books.last(), PayeeAccountRequested)


def test_an_account_is_claimed_for_its_contractor() -> None:
    books = requested()
    books.send(account_created())
    assert books.last() == PayeeAccountCreated(**PERSON, stripe_account_id=ACCOUNT)
    claim = {name: books.items[CLAIM][name] for name in ("contractId", "contractorId")}
    assert claim == {"contractId": f"ACCT#{ACCOUNT}", "contractorId": CONTRACTOR}
    assert books.send(account_created()) is UNCHANGED
    assert books.send(account_created("acct_2")) is UNCHANGED
    assert books.send(FAILED) is UNCHANGED


def test_somebody_elses_account_is_not_recorded_and_told_once() -> None:
    books = requested()
    books.items[CLAIM] = {"contractId": f"ACCT#{ACCOUNT}", "contractorId": "99999999-9999-4999-8999-999999999999"}
    books.send(account_created())
    assert books.last() == PayeeAccountFailed(**PERSON, code="account_taken")
    assert "stripeAccountId" not in books.payee
    assert books.send(account_status()) is UNCHANGED


def test_a_claim_of_ones_own_is_not_claimed_again() -> None:
    books = requested()
    books.items[CLAIM] = {"contractId": f"ACCT#{ACCOUNT}", "contractorId": CONTRACTOR}
    decision = books.send(account_created())
    assert isinstance(decision, Accepted)
    assert decision.claims == ()


def test_a_refused_account_waits_for_people() -> None:
    books = requested()
    books.send(FAILED)
    assert books.last() == PayeeAccountFailed(**PERSON, code="country_unsupported")
    assert books.send(FAILED) is UNCHANGED
    assert books.send(RETRY, actor=AS_CLIENT) == Refused("forbidden")
    books.send(RETRY, actor=AS_ADMIN)
    assert books.last() == PayeeAccountRequested(**PERSON, country="EG", n=2)
    assert books.send(RETRY, actor=AS_ADMIN) is UNCHANGED
    unverified = Books()
    unverified.send(synced(KycStatus.PENDING))
    assert unverified.send(RETRY, actor=AS_ADMIN) == Refused("invalid_state")


def test_ready_when_everything_holds_and_blocked_when_it_does_not() -> None:
    books = ready()
    assert books.last() == PayeeReady(**PERSON, as_of=later(seconds=70))
    assert books.payee["ready"] is True
    books.send(account_status(payouts=False, seconds=80, due=("external_account",)), at=later(seconds=90))
    blocked = PayeeBlocked(**PERSON, reason=BlockedReason.PAYOUTS, requirements_due=("external_account",), as_of=later(seconds=90))
    assert books.last() == blocked
    told = len(books.events)
    books.send(account_status(transfers=False, payouts=False, seconds=85))
    assert len(books.events) == told


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (synced(KycStatus.REJECTED, day=2), BlockedReason.KYC),
        (account_status(transfers=False, seconds=80), BlockedReason.TRANSFERS),
        (account_status(payouts=False, seconds=80), BlockedReason.PAYOUTS),
        (account_status(False, False, 80, disabled="deauthorized"), BlockedReason.DEAUTHORIZED),
    ],
)
def test_why_a_payee_is_blocked(change: CommandData, reason: BlockedReason) -> None:
    books = ready()
    books.send(change)
    blocked = books.last()
    assert isinstance(blocked, PayeeBlocked)
    assert blocked.reason is reason


def test_a_status_may_come_before_the_answer_that_names_the_account() -> None:
    books = requested()
    books.send(account_status(), at=later(seconds=70))
    assert books.events[1:] == [PayeeAccountCreated(**PERSON, stripe_account_id=ACCOUNT), PayeeReady(**PERSON, as_of=later(seconds=70))]
    assert CLAIM in books.items
    assert books.send(account_created()) is UNCHANGED


def test_a_status_also_resolves_an_account_that_was_thought_failed() -> None:
    books = requested()
    books.send(FAILED)
    books.send(account_status(False, False))
    assert books.last() == PayeeAccountCreated(**PERSON, stripe_account_id=ACCOUNT)


def test_statuses_follow_stripes_order() -> None:
    books = ready()
    assert books.send(account_status(False, False, seconds=59)) is UNCHANGED
    assert books.send(account_status()) is UNCHANGED
    assert books.send(account_status(account="acct_2", seconds=99)) is UNCHANGED
    books.send(account_status(seconds=61))
    assert books.payee["accountAsOf"] == later(seconds=61)


def test_two_statuses_of_one_second_are_settled_by_asking() -> None:
    books = ready()
    books.send(account_status(payouts=False))
    assert books.last() == REFRESHED
    assert books.payee["payoutsEnabled"] is True
    books.send(account_status(payouts=False, fetched=True))
    assert isinstance(books.last(), PayeeBlocked)


def test_refreshing_asks_stripe() -> None:
    books = ready()
    books.send(REFRESH, actor=AS_ADMIN)
    assert books.last() == REFRESHED
    assert books.send(REFRESH, actor=AS_CLIENT) == Refused("forbidden")
    assert requested().send(REFRESH) is UNCHANGED
    assert requested().send(REFRESH, actor=AS_ADMIN) == Refused("invalid_state")


@pytest.mark.parametrize("command", [RETRY, account_created(), FAILED, account_status(), REFRESH])
def test_an_unknown_payee_is_not_found(command: CommandData) -> None:
    assert Books().send(command, actor=AS_ADMIN) == Refused("not_found")


def test_payees_do_not_share_their_state() -> None:
    books, other = ready(), ContractorId("99999999-9999-4999-8999-999999999999")
    books.send(synced().model_copy(update={"contractor_id": other}))
    assert books.payee["ready"] is True
    assert books.items[ItemRef("payment-escrow", f"PAYEE#{other}")]["ready"] is False
