"""Webhook deliveries: at least once, in no promised order, each attempt signed anew."""

import asyncio
from dataclasses import dataclass, replace
from random import Random

import aiohttp

from workers.ops.fakes.stripe.clock import Clock
from workers.ops.fakes.stripe.policy import RETRIED_SECONDS, DeliveryFaults, draw_fate, retry_after
from workers.ops.fakes.stripe.signing import signature_header
from workers.ops.fakes.stripe.state import Event
from workers.ops.fakes.stripe.wire import encoded

TIMEOUT = aiohttp.ClientTimeout(total=20)
USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go. `secrets`: one, or two during a roll. `connect`: gets the events of connected accounts, and only those."""

    url: str
    secrets: tuple[str, ...]
    connect: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event still owed to one endpoint. `rank` orders what is due; `lost` makes the next attempt vanish on its way."""

    event: Event
    rank: int
    due: int
    attempts: int = 0
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried. `status` is None when nothing came back: lost, refused or timed out."""

    event_id: str
    type: str
    at: int
    status: int | None
    lost: bool

    @property
    def accepted(self) -> bool:
        """Only 2xx counts; a redirect is a failure."""
        return self.status is not None and 200 <= self.status < 300


class Deliveries:
    """Owes every event to its endpoint until a 2xx, or gives up after three days of the clock.

    Nothing here waits for a clock: `deliver_due` tries what is due, `deliver_all` and `flush` what is not yet due too.
    """

    def __init__(self, clock: Clock, signing_clock: Clock, seed: int, faults: DeliveryFaults, first_retry: int) -> None:
        self._clock = clock
        self._signing_clock = signing_clock
        self._random = Random(seed)  # noqa: S311  # repeatable faults, no secret
        self._first_retry = first_retry
        self._rank = 0
        self._delivering = asyncio.Lock()
        self.faults = faults
        self.endpoints: dict[bool, Endpoint] = {}
        self.owed: list[Delivery] = []
        self.attempts: list[Attempt] = []
        self.given_up: list[str] = []

    def listen(self, endpoint: Endpoint) -> None:
        """Sets or replaces the endpoint of its kind; its secrets sign from the next attempt on."""
        self.endpoints[endpoint.connect] = endpoint

    def enqueue(self, event: Event) -> Event:
        """Takes an event up, with a fate drawn for it; without an endpoint for it nothing is owed."""
        if (event.account is not None) not in self.endpoints:
            return event
        known = replace(event, pending_webhooks=1)
        fate = draw_fate(self._random, self.faults)
        self._rank += 1
        # Ten ranks a place: a delivery that is overtaken stands between two places, not on one.
        rank = self._rank * 10 + (fate.behind * 10 + 5 if fate.behind else 0)
        # The second held back lets a running stack overtake too, where each delivery leaves at once.
        due = self._clock.now() + fate.delay_seconds + (1 if fate.behind else 0)
        for copy in range(fate.copies):
            self.owed.append(Delivery(known, rank + copy, due, lost=fate.lost and copy == 0))
        return known

    def resend(self, event: Event) -> None:
        """Owes it once more, as the dashboard's button does."""
        self._rank += 1
        self.owed.append(Delivery(event, self._rank * 10, self._clock.now()))

    def next_due(self) -> int | None:
        return min((delivery.due for delivery in self.owed), default=None)

    def waits_for(self, event_id: str) -> bool:
        return any(delivery.event.id == event_id for delivery in self.owed)

    async def deliver_due(self) -> list[Attempt]:
        """One attempt for each delivery that is due by the clock."""
        return await self._deliver(due_by=self._clock.now())

    async def deliver_all(self) -> list[Attempt]:
        """One attempt for each delivery owed now, due or not. Lost and refused ones stay owed."""
        return await self._deliver(due_by=None)

    async def flush(self, rounds: int = 10) -> list[Attempt]:
        """Attempts until nothing is owed, lost ones included; at most `rounds` each, for an endpoint that keeps refusing."""
        made: list[Attempt] = []
        for _ in range(rounds):
            made += await self.deliver_all()
            if not self.owed:
                break
        return made

    async def _deliver(self, due_by: int | None) -> list[Attempt]:
        # One batch at a time: whoever flushes also waits for what a running dispatcher has on its way.
        async with self._delivering, aiohttp.ClientSession(timeout=TIMEOUT) as session:
            chosen = [one for one in self.owed if due_by is None or one.due <= due_by]
            return [await self._attempt(session, delivery) for delivery in sorted(chosen, key=lambda one: one.rank)]

    async def _attempt(self, session: aiohttp.ClientSession, delivery: Delivery) -> Attempt:
        event, at = delivery.event, self._signing_clock.now()
        status = None if delivery.lost else await self._post(session, self.endpoints[event.account is not None], encoded(event.body()), at)
        self.owed.remove(delivery)
        attempt = Attempt(event.id, event.type, at, status, delivery.lost)
        self.attempts.append(attempt)
        if not attempt.accepted:
            self._owe_again(delivery)
        return attempt

    async def _post(self, session: aiohttp.ClientSession, endpoint: Endpoint, body: bytes, at: int) -> int | None:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature_header(body, endpoint.secrets, at),
            "User-Agent": USER_AGENT,
        }
        try:
            async with session.post(endpoint.url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    def _owe_again(self, delivery: Delivery) -> None:
        now, attempts = self._clock.now(), delivery.attempts + 1
        if now - delivery.event.created > RETRIED_SECONDS:
            self.given_up.append(delivery.event.id)
            return
        due = now + retry_after(attempts, self._first_retry)
        self.owed.append(replace(delivery, attempts=attempts, due=due, lost=False))
