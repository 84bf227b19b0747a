"""Money of a release that comes back from the connected account."""

import pytest

from contracts.payment.commands import RecordReversalFailed, RecordTransferReversed, ReverseRelease
from contracts.payment.events import (
    EscrowBalanceNegative,
    EscrowReleased,
    EscrowReleaseReversed,
    ReleaseReversalFailed,
    ReleaseReversalRequested,
)
from tests.unit.services.payment.books import (
    AS_ADMIN,
    AS_CLIENT,
    CONTRACT,
    RELEASE,
    TRANSFER,
    Books,
    disputed,
    opened,
    releasing,
    said,
    transferred,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused

REVERSAL = "12121212-1212-4121-8121-121212121212"


def reverse(amount: int = 50_000) -> ReverseRelease:
    return ReverseRelease(contract_id=CONTRACT, transaction_id=RELEASE, reversal_id=REVERSAL, amount=amount, reason="Paid twice")


def reversed_(total: int, transfer: str = TRANSFER) -> RecordTransferReversed:
    return RecordTransferReversed(contract_id=CONTRACT, transaction_id=RELEASE, transfer_id=transfer, amount_reversed=total)


FAILED = RecordReversalFailed(contract_id=CONTRACT, transaction_id=RELEASE, reversal_id=REVERSAL, code="balance_insufficient")


def released() -> Books:
    books = releasing()
    books.send(transferred())
    return books


def test_an_admin_asks_for_a_reversal() -> None:
    books = released()
    books.send(reverse(), actor=AS_ADMIN)
    assert books.last() == ReleaseReversalRequested(
        **said(30_000), transaction_id=RELEASE, transfer_id=TRANSFER, reversal_id=REVERSAL, amount=50_000
    )
    assert books.escrow["balance"] == 30_000


def test_refusals() -> None:
    assert opened().send(reverse(), actor=AS_ADMIN) == Refused("not_found")
    assert releasing().send(reverse(), actor=AS_ADMIN) == Refused("invalid_state")
    books = released()
    assert books.send(reverse(), actor=AS_CLIENT) == Refused("forbidden")
    assert books.send(reverse(120_001), actor=AS_ADMIN) == Refused("amount_too_large")
    books.send(reversed_(120_000))
    assert books.send(reverse(1), actor=AS_ADMIN) == Refused("amount_too_large")


def test_totals_post_what_came_back() -> None:
    books = released()
    books.send(reverse(), actor=AS_ADMIN)
    books.send(reversed_(50_000))
    assert books.last() == EscrowReleaseReversed(
        **said(80_000), transaction_id=RELEASE, amount=50_000, amount_reversed=50_000, reason="Paid twice"
    )
    assert books.send(reversed_(50_000)) is UNCHANGED
    assert books.send(reversed_(20_000)) is UNCHANGED
    books.send(reversed_(120_000))
    assert (books.row(RELEASE)["status"], books.row(RELEASE)["posted"], books.escrow["balance"]) == ("reversed", 0, 150_000)


def test_a_reversal_at_stripe_that_outruns_its_transfer_is_told_with_it() -> None:
    books = releasing()
    books.send(reversed_(20_000))
    assert (books.escrow["balance"], books.escrow["reserved"]) == (150_000, 120_000)
    books.send(transferred())
    assert books.events[-2:] == [
        EscrowReleased(**said(50_000), transaction_id=RELEASE, amount=120_000, transfer_id=TRANSFER),
        EscrowReleaseReversed(**said(50_000), transaction_id=RELEASE, amount=20_000, amount_reversed=20_000, reason="reversed_at_stripe"),
    ]


@pytest.mark.parametrize("first", [True, False])
def test_what_comes_back_of_a_second_transfer_was_never_taken(first: bool) -> None:
    books = releasing()
    facts = [reversed_(120_000, "tr_9"), transferred()]
    for fact in facts if first else reversed(facts):
        books.send(fact)
    assert (books.escrow["balance"], books.row(RELEASE)["stripePaymentId"]) == (30_000, TRANSFER)


def test_a_failed_reversal_keeps_the_row() -> None:
    books = released()
    before = books.row(RELEASE)
    assert isinstance(books.send(FAILED), Accepted)
    assert books.last() == ReleaseReversalFailed(**said(30_000), transaction_id=RELEASE, reversal_id=REVERSAL, code="balance_insufficient")
    assert books.row(RELEASE) == before
    assert opened().send(FAILED) == Refused("not_found")
    assert opened().send(reversed_(1)) == Refused("not_found")


def test_it_covers_what_a_dispute_took() -> None:
    books = released()
    books.send(disputed())
    assert isinstance(books.last(), EscrowBalanceNegative)
    books.send(reversed_(120_000))
    assert books.escrow["balance"] == 0
