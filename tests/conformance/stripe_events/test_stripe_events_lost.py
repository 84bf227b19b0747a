"""Webhooks of generated stories are lost at random; the reading of Stripe's list finds them: books and payee as when none was lost, and as
Stripe's objects say in the end."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final

import pytest

from contracts.envelope import Envelope
from contracts.ids import derived
from contracts.message import CommandData
from contracts.payment.commands import RefreshPayeeAccount
from contracts.payment.events import PayeeAccountRefreshRequested
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic
from contracts.types import TransactionId
from tests.support.waiting import eventually
from tests.unit.ingress.doubles import Ingress
from tests.unit.services.payment.books import (
    AS_CLIENT,
    CONTRACT,
    CONTRACTOR,
    account_created,
    account_status,
    open_escrow,
    release,
    request_deposit,
    synced,
)
from tests.unit.services.payment.test_stripe_books import Provider
from workers.adapters.provider_limits import STRIPE_TEST
from workers.adapters.stripe_events import StripeEvents
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.record import Outgoing
from workers.engine.root import plain
from workers.engine.runtime import RoleName, World, build_role
from workers.ingress.stripe_gaps import ListedEvents
from workers.ops.event_reading import EventReading
from workers.ops.fakes.stripe import FakeSettings, NotPossible, StripeFake
from workers.ops.fakes.stripe.accounts import Account
from workers.ops.fakes.stripe.balance import post
from workers.ops.fakes.stripe.errors import StripeError
from workers.ops.fakes.stripe.payouts import Payout
from workers.ops.fakes.stripe.state import Event
from workers.ops.fakes.stripe.wire import JsonObject, encoded
from workers.ops.reading_checkpoint import Reading
from workers.services.payment.service import SERVICE

STEPS: Final = 12
NONE, SOME, MOST, ALL = 0.0, 0.3, 0.8, 1.0
UNTIMELY = ("createdAt", "updatedAt", "timestamp", "transactions", "lastTransactionId", "createdBy")
"""What tells in which order things came: stamps, and the movements kept for display."""


class Story:
    """What happens at Stripe follows from the seed alone; which webhooks of it get lost, from ``lose`` too."""

    def __init__(self, seed: int, lose: float, fake: StripeFake, provider: Provider) -> None:
        self.fake, self.provider, self.lose = fake, provider, lose
        self.chance = Random(seed)
        self.ingress = Ingress()
        self.lost = 0
        self._told = 0

    # --- what happens ----------------------------------------------------------------------------------------------

    async def play(self) -> None:
        provider = self.provider
        await self.say(open_escrow())
        account = provider.state.add(self._account())
        for command in (synced(), account_created(account.id)):
            await self.say(command)
        for number in range(provider.random.choice((1, 2))):
            row = provider.deposit(f"deposit-{number}", 150_000, provider.random.choice(("usd", "usd", "gbp")))
            await self.say(request_deposit(150_000, row))
        await self._release()
        for _ in range(STEPS):
            provider.step()
            self._payee(account.id)
        await self._webhooks(self.lose)

    async def _release(self) -> None:
        """A wish needs money, so what tells of it arrives."""
        first = next(iter(self.provider.deposits))
        self.provider.controls.confirm(self.provider.deposits[first].id)
        await self._webhooks(NONE)
        await self.settled()
        if self.escrow["balance"]:
            wish = release(50_000, TransactionId(derived("release")))
            await self.say(wish)
            self.provider.transfer(wish.transaction_id, wish.amount)

    def _account(self) -> Account:
        state = self.fake.state
        post(state, "acct_payee", 900_000, "usd", "payment", "py_1")
        return Account("acct_payee", state.clock.now(), "US", "usd", metadata={"contractorId": CONTRACTOR, "environment": "test"})

    def _payee(self, account: str) -> None:
        """A second apart, for one second's snapshots of an account tell no order, and we would ask Stripe."""
        provider, controls = self.provider, self.provider.controls
        provider.clock.advance(1)
        payouts = list(provider.state.table(Payout))
        choose: list[Any] = [lambda: controls.enable_account(account), lambda: controls.restrict_account(account)]
        choose += [lambda: controls.start_payout(account, "usd", 1_000)]
        choose += [lambda each=each: controls.send_payout(each) for each in payouts]
        choose += [lambda each=each: controls.settle_payout(each) for each in payouts]
        choose += [lambda each=each: controls.fail_payout(each) for each in payouts]
        try:
            provider.random.choice(choose)()
        except (NotPossible, StripeError):
            pass

    # --- how it is told --------------------------------------------------------------------------------------------

    async def _webhooks(self, lose: float) -> None:
        """Those that are left come in any order, some of them twice."""
        events: Sequence[Event] = self.fake.state.events[self._told :]
        self._told += len(events)
        arriving = [event for event in events if self.chance.random() >= lose]
        self.lost += len(events) - len(arriving)
        self.ingress.clock.at = (self.fake.clock.now() + 7_200) * 1000
        for event in self.chance.sample([*arriving, *arriving[::3]], len(arriving) + len(arriving[::3])):
            answer = await self.ingress.stripe(encoded(event.body()), connect=event.account is not None)
            assert answer.status_code == 200, answer.text

    async def read(self) -> Reading:
        """The nightly job."""
        clock = self.ingress.clock
        async with StripeEvents("sk_test_1", clock, STRIPE_TEST, api_base=self.fake.url) as events:
            intake = ListedEvents(self.ingress.dependencies)
            return await EventReading(events, intake, self.ingress.store, clock, "test", Random(1)).read()

    async def say(self, command: CommandData) -> None:
        now = from_milliseconds(self.ingress.clock.now())
        command_id = derived(f"{command.kind()}:{command.to_json()!r}")
        headers = Envelope(command_id, command.kind(), "/tests", command.key, now, command_id, command_id, AS_CLIENT).headers()
        await self.ingress.log.append_keyed(commands_topic("payment"), [Outgoing(command.key.encode(), command.to_json(), headers)])

    async def settled(self) -> None:
        """Until the worker has committed every command."""
        log = self.ingress.log
        ends = {p: len(records) for p, records in log.records.items() if p.topic == commands_topic("payment") and records}
        committed = log.group("payment-commands").committed
        await eventually(lambda: all(p in committed and committed[p].offset == end for p, end in ends.items()))

    # --- what is in the books --------------------------------------------------------------------------------------

    @property
    def escrow(self) -> Item:
        return self.ingress.store.items[ItemRef("payment-escrow", CONTRACT)]

    @property
    def payee(self) -> Item:
        return self.ingress.store.items[ItemRef("payment-escrow", f"PAYEE#{CONTRACTOR}")]

    def tables(self) -> dict[ItemRef, Any]:
        rows = {ref: item for ref, item in self.ingress.store.items.items() if ref.table.startswith("payment-")}
        return {ref: _timeless(plain(item)) for ref, item in rows.items()}

    def right(self) -> None:
        """By the provider's objects as they ended, and by nothing else."""
        escrow, provider, table = self.escrow, self.provider, self.fake.state.table
        assert (escrow["balance"], escrow["held"], escrow["reserved"]) == (provider.balance(), provider.held(), 0)
        account = table(Account)["acct_payee"]
        assert (self.payee["transfersActive"], self.payee["payoutsEnabled"]) == (account.transfers_active, account.payouts_enabled)
        rows = {item["stripePaymentId"]: item["status"] for item in self._rows() if item["type"] == "payout"}
        assert rows == {each.id: PAYOUTS[each.status] for each in table(Payout).values()}
        assert sum(item["posted"] for item in self._rows()) == escrow["balance"]

    def _rows(self) -> list[Item]:
        return [item for ref, item in self.ingress.store.items.items() if ref.table == "payment-transactions" and "type" in item]


PAYOUTS = {"pending": "pending", "in_transit": "processing", "paid": "completed", "failed": "failed", "canceled": "cancelled"}


def _timeless(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {name: _timeless(each) for name, each in value.items() if name not in UNTIMELY}
        # A set, kept in the order its members came to be known.
        return kept | {"children": sorted(kept["children"])} if "children" in kept else kept
    return [_timeless(each) for each in value] if isinstance(value, list) else value


@asynccontextmanager
async def played(seed: int, lose: float) -> AsyncIterator[Story]:
    provider = Provider(seed)
    async with StripeFake(FakeSettings(seed=seed), clock=provider.clock) as fake:
        provider.state, provider.controls = fake.state, fake.controls
        story = Story(seed, lose, fake, provider)
        world = World("test", story.ingress.log, story.ingress.store, SystemClock(), NoMetrics(), Random(7), {})
        role = build_role(SERVICE, RoleName.COMMANDS, world)
        running = asyncio.create_task(role.run())
        async with story.ingress.http:
            await story.play()
            await story.settled()
            yield story
        role.stop()
        await running


async def undisturbed(seed: int) -> dict[ItemRef, Any]:
    async with played(seed, NONE) as story:
        story.right()
        return story.tables()


@pytest.mark.parametrize("lose", [SOME, MOST, ALL])
@pytest.mark.parametrize("seed", range(8))
async def test_lost_webhooks_are_found_and_the_books_end_the_same(seed: int, lose: float) -> None:
    async with played(seed, lose) as story:
        assert story.lost
        done = await story.read()
        await story.settled()
        story.right()
        assert done.events == len(story.fake.state.events)
        assert set(done.results) <= {"accepted", "ignored"}
        assert story.ingress.quarantine.rows == {}
        assert story.tables() == await undisturbed(seed)


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_received_is_recognised(seed: int) -> None:
    async with played(seed, NONE) as story:
        before, ids = story.tables(), {decoded.envelope.id for decoded in story.ingress.commands}
        await story.read()
        await story.settled()
        assert story.tables() == before
        assert {decoded.envelope.id for decoded in story.ingress.commands} == ids


async def test_without_the_reading_the_books_would_be_wrong() -> None:
    """Else the tests above would show nothing."""
    wrong = 0
    for seed in range(4):
        async with played(seed, ALL) as story:
            wrong += story.tables() != await undisturbed(seed)
    assert wrong == 4


async def test_a_listed_event_of_an_unknown_object_waits_while_it_is_young_and_is_kept_for_people_later() -> None:
    async with played(1, NONE) as story:
        stray: JsonObject = {
            "object": "refund",
            "id": "re_stray",
            "payment_intent": "pi_stray",
            "amount": 1,
            "currency": "usd",
            "status": "succeeded",
        }
        event = story.fake.state.emit_body("refund.created", stray, None)
        story.ingress.clock.at = (event.created + 60) * 1000
        assert (await story.read()).results["waiting"] == 1
        story.ingress.clock.at = (event.created + 3_700) * 1000
        for _ in range(2):
            assert (await story.read()).results["quarantined"] == 1
        (row,) = story.ingress.quarantine.rows.values()
        assert (row.delivery, row.code, json.loads(row.body)["data"]["object"]["id"]) == (event.id, "unknown_key", "re_stray")


async def test_an_account_that_has_left_is_asked_about_until_it_is_known() -> None:
    async with played(1, NONE) as story:
        story.fake.controls.deauthorize_account("acct_payee")
        assert (await story.read()).left == 1
        await story.settled()
        asked = [each.data for each in story.ingress.commands if isinstance(each.data, RefreshPayeeAccount)]
        assert asked[-1] == RefreshPayeeAccount(contractor_id=CONTRACTOR)
        assert any(isinstance(each.data, PayeeAccountRefreshRequested) for each in story.ingress.commands)
        left = account_status(transfers=False, payouts=False, seconds=0, disabled="deauthorized", account="acct_payee")
        await story.say(left.model_copy(update={"event_created": from_milliseconds(story.ingress.clock.now())}))
        await story.settled()
        assert (await story.read()).left == 0
