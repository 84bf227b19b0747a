"""Reads Stripe's own list of events and offers each to the ingress, as a webhook would: what was received is recognised, what was lost is
found.

Oldest first, the platform's events and then those of each connected account. A checkpoint after each page lets a reading that ended in
the middle go on. Who begins while another one reads takes over from its checkpoint, and the other one stops.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final, Protocol, TypeVar

from workers.adapters.stripe_events import AccountLeft, CursorGone, Event, EventPage, EventsUnavailable, Stretch, StripeEvents
from workers.engine.ports import Clock, Store, StoreUnavailable
from workers.engine.retry import PROVIDER
from workers.ops.reading_checkpoint import Checkpoint, Reading
from workers.ops.scanning import pages

ATTEMPTS: Final = 8
ESCROWS: Final = "payment-escrow"
CLAIM: Final = "ACCT#"
PLATFORM: Final = ""

T = TypeVar("T")
Advance = Callable[[Reading], None]


class Intake(Protocol):
    """The ingress, as a reading sees it."""

    async def take(self, event: Mapping[str, Any]) -> str:
        """What became of it, one word. Raises StoreUnavailable: offer it again."""
        ...

    async def left(self, account: str, reading: int) -> bool:
        """An account gives no access any more. False: it was nobody's. Raises StoreUnavailable."""
        ...


class EventReading:
    """``environment``: accounts of others, on the same Stripe account, are not read."""

    def __init__(self, events: StripeEvents, intake: Intake, store: Store, clock: Clock, environment: str, random: Random) -> None:
        self._events, self._intake, self._store, self._clock, self._random = events, intake, store, clock, random
        self._environment = environment
        self._checkpoint = Checkpoint(store, clock)

    async def read(self, since: int | None = None, advance: Advance = lambda _: None) -> Reading:
        """From ``since`` on (seconds since the epoch), else from where the last reading ended, three days at least; to the end. Raises
        EventsUnavailable or StoreUnavailable where all attempts fail, AnotherReading; asked for again, it goes on."""
        at = await self._checkpoint.begun(since)
        for account in [PLATFORM, *sorted(await self._accounts())]:
            if account < at.account:
                continue
            if account != at.account:
                at = replace(at, account=account, after="", accounts=at.accounts + 1)
            at = await self._account(at, advance)
        at = at.ended()
        await self._checkpoint.keep(at)
        return at

    async def _account(self, at: Reading, advance: Advance) -> Reading:
        page = EventPage((), more=True)
        while page.more:
            try:
                page = await self._patiently(partial(self._page, at))
            except CursorGone:
                page, at = EventPage((), more=True), replace(at, after="")
                continue
            except AccountLeft:
                return await self._left(at)
            at = await self._taken(at, page.events)
            await self._checkpoint.keep(at)
            advance(at)
        return at

    async def _page(self, at: Reading) -> EventPage:
        stretch = Stretch(at.account or None, at.since, at.until)
        return await (self._events.after(stretch, at.after) if at.after else self._events.oldest(stretch))

    async def _taken(self, at: Reading, events: Sequence[Event]) -> Reading:
        results, undelivered = Counter(at.results), at.undelivered
        for event in events:
            results[await self._patiently(partial(self._intake.take, event))] += 1
            undelivered += event.get("pending_webhooks", 0) > 0
        last = str(events[-1]["id"]) if events else at.after
        return replace(at, after=last, events=at.events + len(events), undelivered=undelivered, results=dict(results))

    async def _left(self, at: Reading) -> Reading:
        known = await self._patiently(partial(self._intake.left, at.account, at.until))
        return replace(at, left=at.left + known)

    async def _accounts(self) -> set[str]:
        """Of this environment: by Stripe's metadata, for one may be unknown here, and by our claims, for one may have left Stripe."""
        connected = await self._patiently(self._connected)
        keys = (item["contractId"] async for page in pages(self._store, ESCROWS) for item in page)
        return connected | {key.removeprefix(CLAIM) async for key in keys if key.startswith(CLAIM)}

    async def _connected(self) -> set[str]:
        return {account.id async for account in self._events.accounts() if account.environment == self._environment}

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(ATTEMPTS - 1):
            try:
                return await ask()
            except (EventsUnavailable, StoreUnavailable) as error:
                wished = error.after if isinstance(error, EventsUnavailable) else None
                await self._clock.sleep(PROVIDER.delay(attempt, self._random.random()) if wished is None else wished)
        return await ask()
