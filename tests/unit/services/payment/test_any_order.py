"""However a payment's webhooks come, doubled, reordered, lost and found: the books end as the provider's objects say."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, note, settings
from hypothesis import strategies as st

from contracts.message import CommandData
from contracts.payment.commands import BeginEscrowClosing, RecordDepositSucceeded, RecordRefund, RefundDeposit
from contracts.payment.events import EscrowClosed, EscrowRefunded, EscrowReopened
from contracts.payment.values import RefundReason
from contracts.types import Currency
from tests.unit.services.payment.books import AS_ADMIN, AS_CLIENT, AS_SYSTEM, CONTRACT, Books, opened, release, request_deposit
from tests.unit.services.payment.provider_story import BOUNCED, Provider, Refund, providers
from workers.services.payment.escrow import Escrow
from workers.services.payment.ledger import Transaction, reserve

BEGIN = BeginEscrowClosing(contract_id=CONTRACT, reason="completed")


def asked_for(provider: Provider) -> Books:
    """Everything people did: deposits, the releases that were granted, and the refunds that were asked for here.

    Wishes need money: where there are any, the deposits have succeeded before them.
    """
    books = opened()
    for deposit in provider.deposits:
        books.send(request_deposit(deposit.received, deposit.row), actor=AS_CLIENT)
    asked = [(deposit, refund) for deposit in provider.deposits for refund in deposit.refunds if refund.asked]
    if provider.releases or asked:
        for fact in provider.facts():
            if isinstance(fact, RecordDepositSucceeded):
                books.send(fact, actor=AS_SYSTEM)
    for deposit, refund in asked:
        wish = RefundDeposit(
            contract_id=CONTRACT,
            transaction_id=refund.row,
            deposit_id=deposit.row,
            amount=refund.amount,
            reason=RefundReason.DUPLICATE,
        )
        books.send(wish, actor=AS_ADMIN)
    for wanted in provider.releases:
        books.send(release(wanted.amount, wanted.row), actor=AS_CLIENT)
    return books


def granted(provider: Provider, books: Books) -> Provider:
    """The story of those wishes that were not refused: a refund nobody granted was made at Stripe instead."""
    rows = {ref.key for ref in books.items if ref.table == "payment-transactions"}
    deposits = tuple(replace(deposit, refunds=tuple(_granted(refund, rows) for refund in deposit.refunds)) for deposit in provider.deposits)
    return Provider(deposits, tuple(each for each in provider.releases if each.row in rows))


def _granted(refund: Refund, rows: set[str]) -> Refund:
    return replace(refund, asked=refund.asked and refund.row in rows)


def balanced(books: Books) -> None:
    escrow = Escrow.from_item(books.escrow)
    rows = [Transaction.from_item(item) for ref, item in books.items.items() if ref.table == "payment-transactions"]
    assert sum(row.posted for row in rows) == escrow.balance
    assert sum(reserve(row, Currency.USD) for row in rows) == escrow.reserved
    assert sum(escrow.disputes.values()) == escrow.held
    assert escrow.settled or escrow.status != "closed"


def told(books: Books, facts: Sequence[CommandData]) -> None:
    for fact in facts:
        books.send(fact, actor=AS_SYSTEM)
        balanced(books)


def right(books: Books, provider: Provider) -> None:
    escrow = Escrow.from_item(books.escrow)
    assert (escrow.balance, escrow.held, escrow.reserved) == (provider.balance, provider.held, 0)
    for deposit in provider.deposits:
        assert books.row(deposit.row)["status"] == ("completed" if deposit.left else "refunded")
        assert books.row(deposit.row).get("refundNet", 0) == deposit.received - deposit.left
    for each in provider.releases:
        assert books.row(each.row)["status"] == ("completed" if each.gone else "reversed")


@settings(deadline=None, max_examples=150)
@given(providers(), st.data())
def test_any_order_repetition_and_loss_ends_at_the_providers_books(provider: Provider, data: st.DataObject) -> None:
    books = asked_for(provider)
    provider = granted(provider, books)
    facts = provider.facts()
    first = data.draw(st.lists(st.sampled_from(facts), max_size=len(facts)), label="delivered before the loss")
    note(f"{provider}")
    told(books, [*first, *data.draw(st.permutations(facts), label="replayed")])
    right(books, provider)
    before = dict(books.items)
    told(books, facts)
    assert books.items == before


@settings(deadline=None, max_examples=60)
@given(providers(), st.data())
def test_an_ended_escrow_is_closed_when_the_provider_has_nothing_left(provider: Provider, data: st.DataObject) -> None:
    books = asked_for(provider)
    provider = granted(provider, books)
    told(books, data.draw(st.permutations([*provider.facts(), BEGIN])))
    assert books.escrow["status"] == ("closed" if provider.is_settled else "closing")
    closed, reopened = len(books.emitted(EscrowClosed)), len(books.emitted(EscrowReopened))
    assert closed - reopened == int(provider.is_settled)


def unbounced(provider: Provider, *, asked: bool) -> Provider:
    """Deposits and refunds alone: no disputes, no releases, nothing bounces. ``asked``: some refunds were asked for here."""
    plain = []
    for deposit in provider.deposits:
        kept = [replace(each, asked=asked and each.asked) for each in deposit.refunds if each.path[-1] not in BOUNCED]
        plain.append(replace(deposit, refunds=tuple(kept), disputes=()))
    return Provider(tuple(plain))


@settings(deadline=None, max_examples=60)
@given(providers(), st.data())
def test_totals_alone_tell_as_much_until_the_refunds_come(provider: Provider, data: st.DataObject) -> None:
    """Webhooks of refunds made at Stripe got lost, only the charge's totals came."""
    provider = unbounced(provider, asked=False)
    books = asked_for(provider)
    refunds = [fact for fact in provider.facts() if isinstance(fact, RecordRefund)]
    told(books, data.draw(st.permutations([fact for fact in provider.facts() if fact not in refunds])))
    assert books.escrow["balance"] == provider.balance
    refunded = len(books.emitted(EscrowRefunded))
    told(books, data.draw(st.permutations(refunds)))
    right(books, provider)
    assert len(books.emitted(EscrowRefunded)) == refunded, "a row that fills the gap is silent"


@settings(deadline=None, max_examples=60)
@given(providers(), st.data())
def test_people_are_told_of_every_fall_once(provider: Provider, data: st.DataObject) -> None:
    provider = unbounced(provider, asked=True)
    books = asked_for(provider)
    provider = granted(provider, books)
    received = [fact for fact in provider.facts() if isinstance(fact, RecordDepositSucceeded)]
    others = [fact for fact in provider.facts() if fact not in received]
    told(books, [*received, *data.draw(st.permutations([*others, *others]))])
    fallen = sum(event.amount for event in books.events if isinstance(event, EscrowRefunded))
    assert fallen == sum(deposit.received for deposit in provider.deposits if deposit.counts) - provider.balance
