"""Whatever happens at Stripe, told by its webhooks in any order: the books end as its objects say.

The provider is the project's fake, played in memory; its events go through the ingress's own translation.
"""

import random
from collections.abc import Sequence
from typing import Any, Final

import orjson
import pytest

from contracts.catalogue import kinds
from contracts.ids import derived
from contracts.message import CommandData
from contracts.types import TransactionId
from tests.unit.services.payment.books import AS_CLIENT, AS_SYSTEM, CONTRACT, Books, opened, release, request_deposit
from workers.ingress.stripe_translation import DepositKey, PaymentKey, Translation, parse_event, translate
from workers.ops.fakes.stripe import ManualClock, NotPossible, Terms
from workers.ops.fakes.stripe.accounts import Account
from workers.ops.fakes.stripe.balance import post
from workers.ops.fakes.stripe.charges import Charge
from workers.ops.fakes.stripe.controls import Controls
from workers.ops.fakes.stripe.disputes import Dispute
from workers.ops.fakes.stripe.errors import StripeError
from workers.ops.fakes.stripe.ids import Ids
from workers.ops.fakes.stripe.payment_intents import PaymentIntent
from workers.ops.fakes.stripe.state import Event, StripeState
from workers.ops.fakes.stripe.transfers import Transfer
from workers.services.payment.escrow import Escrow

STORIES: Final = 60
STEPS: Final = 14
CLIENT_ID, CONTRACTOR_ID = derived("client"), derived("contractor")


class Provider:
    """A Stripe in memory: what people and banks do there, and the events that follow."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock(1_795_300_000)
        self.state = StripeState(Ids(seed), self.clock, Terms())
        self.controls = Controls(self.state)
        self.deposits: dict[TransactionId, PaymentIntent] = {}

    def deposit(self, name: str, amount: int, currency: str = "usd") -> TransactionId:
        row = TransactionId(derived(f"{name}"))
        intent = PaymentIntent(self.state.ids.draw("pi"), self.clock.now(), amount, currency, "secret", metadata=_metadata(row, "deposit"))
        self.state.emit("payment_intent.created", self.state.add(intent))
        self.deposits[row] = intent
        return row

    def transfer(self, row: TransactionId, amount: int) -> None:
        """As the effect does it, to an account that has money of its own, so that reversals find enough."""
        account = self.state.add(Account(self.state.ids.draw("acct"), self.clock.now(), "US", "usd", transfers_active=True))
        made = Transfer(
            self.state.ids.draw("tr"), self.clock.now(), amount, "usd", account.id, "py_1", "txn_1", metadata=_metadata(row, "payment")
        )
        self.state.emit("transfer.created", self.state.add(made))
        post(self.state, account.id, amount, "usd", "payment", "py_1")

    def step(self) -> None:
        """One thing that may happen; what can't happen now is left out."""
        self.clock.advance(self.random.choice((0, 0, 1, 3_600)))
        intent = self.random.choice([each.id for each in self.deposits.values()])
        choose: list[Any] = [
            lambda: self.controls.confirm(intent),
            lambda: self.controls.confirm(intent),
            lambda: self.controls.decline(intent),
            lambda: self.controls.start_processing(intent),
            lambda: self.controls.refund(intent, self.random.choice((None, 100, 7_000))),
            lambda: self.controls.dispute(intent, self.random.choice((None, 5_000)), inquiry=self.random.random() < 0.5),
        ]
        choose += [lambda each=each: self.controls.fail_refund(each) for each in self._ids("Refund")]
        choose += [lambda each=each: self.controls.settle_refund(each) for each in self._ids("Refund")]
        choose += [lambda each=each: self.controls.escalate_dispute(each) for each in self._ids("Dispute")]
        outcome = self.random.choice(("won", "lost", "warning_closed"))
        choose += [lambda each=each: self.controls.close_dispute(each, outcome) for each in self._ids("Dispute")]
        choose += [lambda each=each: self.controls.reverse(each, self.random.choice((None, 1_000))) for each in self._ids("Transfer")]
        try:
            self.random.choice(choose)()
        except (NotPossible, StripeError):
            pass

    def _ids(self, kind: str) -> list[str]:
        return [each.id for each in self.state.everything() if type(each).__name__ == kind]

    # --- what the objects say in the end ---------------------------------------------------------------------------

    def balance(self) -> int:
        paid = {each.id: each for each in self.state.table(Charge).values() if each.status == "succeeded" and each.currency == "usd"}
        left = sum(each.amount - each.amount_refunded for each in paid.values())
        moved = sum(
            int(str(txn["amount"])) for each in self.state.table(Dispute).values() if each.charge in paid for txn in each.transactions
        )
        return left + moved - sum(each.amount - each.amount_reversed for each in self.state.table(Transfer).values())

    def held(self) -> int:
        ours = [each for each in self.state.table(Dispute).values() if each.currency == "usd"]
        return sum(each.amount for each in ours if each.status.startswith("warning_needs") and not each.transactions)


def _metadata(row: TransactionId, kind: str) -> dict[str, str]:
    return {"contractId": CONTRACT, "transactionId": row, "clientId": CLIENT_ID, "contractorId": CONTRACTOR_ID, "kind": kind}


def command_of(event: Event, provider: Provider) -> CommandData | None:
    """As the ingress makes it of the event's body, the ledger's index answered by the story."""
    translation = translate(parse_event(orjson.loads(orjson.dumps(event.body()))))
    if not isinstance(translation, Translation):
        return None
    key, rows = translation.key, {intent.id: row for row, intent in provider.deposits.items()}
    assert isinstance(key, PaymentKey | DepositKey)
    named = "transactionId" if isinstance(key, PaymentKey) else "depositId"
    row = key.transaction_id if isinstance(key, PaymentKey) else key.deposit_id or rows[key.intent]
    wire = {name: value for name, value in translation.data.items() if value is not None}
    return kinds()[f"mindlinks.payment.{translation.command}.v1"].model_validate({**wire, "contractId": CONTRACT, named: row})  # type: ignore[return-value]  # a command's kind


def story(seed: int) -> tuple[Provider, Books]:
    provider, books = Provider(seed), opened()
    for number in range(provider.random.choice((1, 2))):
        row = provider.deposit(f"deposit-{number}", 150_000, provider.random.choice(("usd", "usd", "gbp")))
        books.send(request_deposit(150_000, row), actor=AS_CLIENT)
    if seed % 2:
        first = next(iter(provider.deposits))
        provider.controls.confirm(provider.deposits[first].id)
        told(books, provider, provider.state.events)
        wish = release(50_000, TransactionId(derived("release")))
        if books.escrow["balance"]:
            books.send(wish, actor=AS_CLIENT)
            provider.transfer(wish.transaction_id, wish.amount)
    for _ in range(STEPS):
        provider.step()
    return provider, books


def told(books: Books, provider: Provider, events: Sequence[Event]) -> None:
    for event in events:
        if (command := command_of(event, provider)) is not None:
            books.send(command, actor=AS_SYSTEM)
            assert books.posted() == books.escrow["balance"]


def shuffled(provider: Provider) -> list[Event]:
    """Some come twice, some before they are lost, in no order; in the end all of them came."""
    events = list(provider.state.events)
    first = provider.random.sample(events, provider.random.randrange(len(events) + 1))
    return [*first, *provider.random.sample(events, len(events))]


@pytest.mark.parametrize("block", range(5))
def test_the_books_end_as_the_providers_objects_say(block: int) -> None:
    for seed in range(block * STORIES, (block + 1) * STORIES):
        provider, books = story(seed)
        told(books, provider, shuffled(provider))
        escrow = Escrow.from_item(books.escrow)
        assert (escrow.balance, escrow.held, escrow.reserved) == (provider.balance(), provider.held(), 0), f"seed {seed}"
