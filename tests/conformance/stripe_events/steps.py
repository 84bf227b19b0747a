"""A Stripe that serves, what reads its events, and an intake that keeps what it was offered."""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any

from tests.support.keys import HandClock
from workers.adapters.provider_limits import STRIPE_TEST
from workers.adapters.stripe_events import StripeEvents
from workers.engine.decision import ItemRef
from workers.engine.memory import MemoryStore
from workers.ops.event_reading import EventReading
from workers.ops.fakes.stripe import StripeFake
from workers.ops.fakes.stripe.accounts import Account

START, HOUR, DAY = 1_795_300_000, 3_600, 86_400


async def nothing() -> None: ...


class Kept:
    """``when``: what happens just before the so-many-th event is taken."""

    def __init__(self, when: Mapping[int, Callable[[], Awaitable[None]]] | None = None) -> None:
        self.taken: list[str] = []
        self.accounts: list[str | None] = []
        self.gone: list[str] = []
        self._when = when or {}

    async def take(self, event: Mapping[str, Any]) -> str:
        await self._when.get(len(self.taken), nothing)()
        self.taken.append(event["id"])
        self.accounts.append(event.get("account"))
        return "ignored"

    async def left(self, account: str, reading: int) -> bool:
        self.gone.append(account)
        return True


class Station:
    """One table of checkpoints, and as many readings over it as a test wants. ``clock`` is the readings', not Stripe's."""

    def __init__(self, fake: StripeFake) -> None:
        self.fake, self.store, self.clock = fake, MemoryStore(), HandClock(START * 1000)

    def events(self) -> StripeEvents:
        return StripeEvents("sk_test_1", self.clock, STRIPE_TEST, api_base=self.fake.url)

    def reading(self, events: StripeEvents, intake: Kept) -> EventReading:
        return EventReading(events, intake, self.store, self.clock, "test", Random(1))

    def happen(self, count: int, account: str | None = None) -> list[str]:
        """So many events that say nothing to us, all within the last hour."""
        made = [self.fake.state.emit_body("balance.available", {"object": "balance"}, account) for _ in range(count)]
        return [event.id for event in made]

    def account(self, environment: str) -> str:
        state = self.fake.state
        metadata = {"environment": environment, "contractorId": "k-1"}
        return state.add(Account(state.ids.draw("acct"), START, "US", "usd", metadata=metadata)).id

    def claim(self, account: str) -> None:
        key = f"ACCT#{account}"
        self.store.items[ItemRef("payment-escrow", key)] = {"contractId": key, "contractorId": "k-1"}
