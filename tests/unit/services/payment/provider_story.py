"""Stories of money as a provider's objects tell them: how each object came to be what it is, and what the books must then say.

``Provider.facts`` are the webhooks of a whole story, in the order things happened; ``balance`` and ``held`` follow from the objects as
they ended, and from nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from contracts.ids import derived
from contracts.message import CommandData
from contracts.payment.commands import (
    RecordChargeRefunded,
    RecordDepositProcessing,
    RecordDepositSucceeded,
    RecordDispute,
    RecordRefund,
    RecordTransferReversed,
)
from contracts.payment.values import RefundStatus
from contracts.types import TransactionId
from tests.unit.services.payment.books import CONTRACT, later, transferred

BOUNCED = (RefundStatus.FAILED, RefundStatus.CANCELED)
REFUND_PATHS = (
    (RefundStatus.SUCCEEDED,),
    (RefundStatus.PENDING,),
    (RefundStatus.PENDING, RefundStatus.SUCCEEDED),
    (RefundStatus.REQUIRES_ACTION, RefundStatus.CANCELED),
    (RefundStatus.SUCCEEDED, RefundStatus.FAILED),
    (RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED),
)
DISPUTE_PATHS: tuple[tuple[tuple[str, int], ...], ...] = (
    (("warning_needs_response", 0),),
    (("warning_needs_response", 0), ("warning_under_review", 0), ("warning_closed", 0)),
    (("warning_needs_response", 0), ("needs_response", 1), ("under_review", 1), ("lost", 1)),
    (("needs_response", 0), ("needs_response", 1), ("won", 1), ("won", 2)),
    (("needs_response", 1), ("under_review", 1), ("won", 2)),
    (("needs_response", 1),),
)
"""Status and number of balance transactions of each snapshot: the first takes the money away, the second gives it back."""


def transaction(name: str) -> TransactionId:
    return TransactionId(derived(f"story:{name}"))


@dataclass(frozen=True, slots=True)
class Refund:
    """``asked``: by a command of ours, so that its metadata names the row."""

    name: str
    amount: int
    path: tuple[RefundStatus, ...]
    asked: bool

    @property
    def row(self) -> TransactionId:
        return transaction(self.name)

    @property
    def paid_back(self) -> int:
        return 0 if self.path[-1] in BOUNCED else self.amount


@dataclass(frozen=True, slots=True)
class Dispute:
    name: str
    amount: int
    path: tuple[tuple[str, int], ...]

    @property
    def moved(self) -> int:
        return self.moved_by(self.path[-1][1])

    def moved_by(self, movements: int) -> int:
        return -self.amount if movements == 1 else 0

    @property
    def is_open(self) -> bool:
        return self.path[-1][0] not in ("won", "lost", "warning_closed")

    @property
    def held(self) -> int:
        return self.amount if self.is_open and not self.path[-1][1] else 0


@dataclass(frozen=True, slots=True)
class Deposit:
    name: str
    received: int
    currency: str
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    lowers: bool = True
    """Whether the charge's total falls again when a refund bounces."""

    @property
    def row(self) -> TransactionId:
        return transaction(self.name)

    @property
    def left(self) -> int:
        return self.received - sum(refund.paid_back for refund in self.refunds)

    @property
    def counts(self) -> bool:
        return self.currency == "USD"


@dataclass(frozen=True, slots=True)
class Release:
    """``reversed``: the transfer's cumulative totals, in order."""

    name: str
    amount: int
    reversed: tuple[int, ...] = ()

    @property
    def row(self) -> TransactionId:
        return transaction(self.name)

    @property
    def gone(self) -> int:
        return self.amount - (self.reversed[-1] if self.reversed else 0)


@dataclass(frozen=True, slots=True)
class Provider:
    deposits: tuple[Deposit, ...]
    releases: tuple[Release, ...] = ()

    @property
    def balance(self) -> int:
        ours = [deposit for deposit in self.deposits if deposit.counts]
        disputed = sum(dispute.moved for deposit in ours for dispute in deposit.disputes)
        return sum(deposit.left for deposit in ours) + disputed - sum(release.gone for release in self.releases)

    @property
    def held(self) -> int:
        return sum(dispute.held for deposit in self.deposits if deposit.counts for dispute in deposit.disputes)

    @property
    def is_settled(self) -> bool:
        disputed = any(dispute.is_open for deposit in self.deposits for dispute in deposit.disputes)
        return not (self.balance or self.held or disputed)

    def facts(self) -> list[CommandData]:
        clock = Clock()
        found: list[CommandData] = []
        for deposit in self.deposits:
            found += _received(deposit, clock)
            found += _refunded(deposit, clock)
            for dispute in deposit.disputes:
                found += [_snapshot(deposit, dispute, step, clock.next()) for step in range(len(dispute.path))]
        for release in self.releases:
            transfer = f"tr_{release.name}"
            found.append(transferred(release.amount, release.row, transfer))
            for total in release.reversed:
                found.append(
                    RecordTransferReversed(contract_id=CONTRACT, transaction_id=release.row, transfer_id=transfer, amount_reversed=total)
                )
        return found


@dataclass
class Clock:
    seconds: int = field(default=0)

    def next(self) -> Any:
        self.seconds += 1
        return later(seconds=self.seconds)


def _received(deposit: Deposit, clock: Clock) -> Iterator[CommandData]:
    intent = f"pi_{deposit.name}"
    yield RecordDepositProcessing(contract_id=CONTRACT, transaction_id=deposit.row, payment_intent_id=intent, event_created=clock.next())
    yield RecordDepositSucceeded(
        contract_id=CONTRACT,
        transaction_id=deposit.row,
        payment_intent_id=intent,
        charge_id=f"ch_{deposit.name}",
        amount=deposit.received,
        amount_received=deposit.received,
        currency=deposit.currency,
        event_created=clock.next(),
    )


def _refunded(deposit: Deposit, clock: Clock) -> Iterator[CommandData]:
    total = 0
    for refund in deposit.refunds:
        total += refund.amount
        for number, status in enumerate(refund.path):
            yield _refund(deposit, refund, status, clock.next())
            if number == 0:
                yield _total(deposit, total, clock.next())
            if status in BOUNCED and deposit.lowers:
                total -= refund.amount
                yield _total(deposit, total, clock.next())


def _refund(deposit: Deposit, refund: Refund, status: RefundStatus, at: Any) -> RecordRefund:
    return RecordRefund(
        contract_id=CONTRACT,
        refund_id=f"re_{refund.name}",
        transaction_id=refund.row if refund.asked else None,
        deposit_id=deposit.row,
        amount=refund.amount,
        currency=deposit.currency,
        status=status,
        failure_reason="expired_or_canceled_card" if status is RefundStatus.FAILED else None,
        event_created=at,
    )


def _total(deposit: Deposit, total: int, at: Any) -> RecordChargeRefunded:
    return RecordChargeRefunded(
        contract_id=CONTRACT, deposit_id=deposit.row, charge_id=f"ch_{deposit.name}", amount_refunded=total, event_created=at
    )


def _snapshot(deposit: Deposit, dispute: Dispute, step: int, at: Any) -> RecordDispute:
    status, movements = dispute.path[step]
    return RecordDispute(
        contract_id=CONTRACT,
        dispute_id=f"du_{dispute.name}",
        deposit_id=deposit.row,
        charge_id=f"ch_{deposit.name}",
        amount=dispute.amount,
        currency=deposit.currency,
        status=status,
        reason="fraudulent",
        moved=dispute.moved_by(movements),
        moved_currency=deposit.currency if movements else None,
        movements=movements,
        fee=1_500 if movements else 0,
        event_created=at,
    )


# --- any story -----------------------------------------------------------------------------------------------------


@st.composite
def _refunds(draw: st.DrawFn, deposit: str, received: int) -> tuple[Refund, ...]:
    refunds: list[Refund] = []
    for number in range(draw(st.integers(0, 3))):
        left = received - sum(refund.paid_back for refund in refunds)
        if left <= 0:
            break
        amount = draw(st.sampled_from((left, max(1, left // 2), 1)))
        path, asked = draw(st.sampled_from(REFUND_PATHS)), draw(st.booleans())
        refunds.append(Refund(f"{deposit}-refund-{number}", amount, path, asked))
    return tuple(refunds)


@st.composite
def _deposits(draw: st.DrawFn, name: str) -> Deposit:
    received = draw(st.sampled_from((150_000, 1_000, 7)))
    paths = draw(st.lists(st.sampled_from(DISPUTE_PATHS), max_size=2))
    disputes = tuple(Dispute(f"{name}-dispute-{number}", draw(st.integers(1, received)), path) for number, path in enumerate(paths))
    currency = draw(st.sampled_from(("USD", "USD", "USD", "GBP")))
    return Deposit(name, received, currency, draw(_refunds(name, received)), disputes, draw(st.booleans()))


@st.composite
def providers(draw: st.DrawFn) -> Provider:
    """``releases`` never ask for more than came in, so that each of them was granted before the rest of the story happened."""
    deposits = tuple(draw(_deposits(f"deposit-{number}")) for number in range(draw(st.integers(1, 2))))
    left, releases = sum(deposit.received for deposit in deposits if deposit.counts), list[Release]()
    for number in range(draw(st.integers(0, 2))):
        if left < 2:
            break
        amount = draw(st.sampled_from((left, left // 2)))
        totals = draw(st.sampled_from(((), (amount,), (1, amount), (max(1, amount // 3),))))
        releases.append(Release(f"release-{number}", amount, totals))
        left -= amount
    return Provider(deposits, tuple(releases))
