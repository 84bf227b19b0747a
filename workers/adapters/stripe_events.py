"""What Stripe kept of its own events: 30 days of them, the platform's and each connected account's (https://docs.stripe.com/api/events).

The filter ``delivery_success`` is not used: it tells that every endpoint there was answered with 2xx, so an event for which there was no
endpoint at the time, or one that was switched off, counts as delivered. What was received is recognised by its id anyway.
"""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

import stripe
from stripe.params import AccountListParams, EventListParams

from workers.adapters.stripe import CALL_SECONDS, PAGE
from workers.adapters.stripe_answers import read_problem
from workers.engine.ports import Clock
from workers.engine.rate_limit import RateLimit, TokenBucket
from workers.services.payment.ports import Refusal, Unavailable

KEPT_SECONDS: Final = 30 * 24 * 3600
SHARE: Final = 0.25
"""Of the account's calls per second: the rest is for what moves money."""

T = TypeVar("T")
Event: TypeAlias = Mapping[str, Any]


class EventsUnavailable(Exception):
    """Stripe did not answer, or asks for patience. Nothing is lost: read again. ``after``: its own wish, in seconds."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(f"Stripe's events can't be read: {reason}. Read again, it goes on where it stopped.")
        self.after = after


class AccountLeft(Exception):
    """The connected account gives us no access any more, so its events can't be read either."""


class CursorGone(Exception):
    """Stripe no longer keeps the event that reading was to go on after."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Oldest first. ``more``: newer ones follow."""

    events: Sequence[Event]
    more: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """One account's events (None: the platform's) from ``since`` to ``until``, seconds since the epoch, both included."""

    account: str | None
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """``environment``: whose it is by our own metadata, if it is anybody's."""

    id: str
    environment: str | None


class StripeEvents:
    """Reads alone, one call at a time and within its share of the calls per second. Does not retry. Use as an async context manager."""

    def __init__(self, api_key: str, clock: Clock, limit: RateLimit, *, api_base: str | None = None) -> None:
        self._clock = clock
        self._bucket = TokenBucket(replace(limit, per_second=limit.per_second * SHARE))
        self._http = stripe.HTTPXClient(timeout=CALL_SECONDS)
        client = stripe.StripeClient(
            api_key, http_client=self._http, max_network_retries=0, base_addresses={"api": api_base} if api_base else {}
        )
        self._api = client.v1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.close_async()

    async def oldest(self, stretch: Stretch) -> EventPage:
        """The first page of a stretch. Stripe lists newest first, so this walks to the end and keeps no more than a page on the way.
        Raises EventsUnavailable, AccountLeft, and CursorGone where Stripe forgets faster than this walks."""
        created: EventListParams = {"created": {"gte": stretch.since, "lte": stretch.until}}
        page, walked = await self._page(stretch, created), False
        while page.more:
            page, walked = await self._page(stretch, created | {"starting_after": str(page.events[0]["id"])}), True
        return EventPage(page.events, walked)

    async def after(self, stretch: Stretch, event: str) -> EventPage:
        """The page that follows an event. Raises CursorGone, EventsUnavailable, AccountLeft."""
        return await self._page(stretch, {"created": {"lte": stretch.until}, "ending_before": event})

    async def accounts(self) -> AsyncIterator[ConnectedAccount]:
        """Every account that is connected. Raises EventsUnavailable."""
        asked: AccountListParams = {"limit": PAGE}
        while True:
            await self._turn()
            page = await _answered(self._api.accounts.list_async(asked), None)
            for account in page.data:
                yield ConnectedAccount(account.id, getattr(account.metadata, "environment", None))
            if not page.has_more:
                return
            asked = {"limit": PAGE, "starting_after": page.data[-1].id}

    async def _page(self, stretch: Stretch, asked: EventListParams) -> EventPage:
        options: stripe.RequestOptions = {"stripe_account": stretch.account} if stretch.account else {}
        await self._turn()
        found = await _answered(self._api.events.list_async({**asked, "limit": PAGE}, options), stretch.account)
        # As it came: the SDK's objects add to it and leave out.
        told: Any = found.last_response.data if isinstance(found.last_response, stripe.StripeResponse) else {}
        return EventPage([_of(each, stretch.account) for each in reversed(told["data"])], bool(told["has_more"]))

    async def _turn(self) -> None:
        while wait := self._bucket.take(self._clock.now()):
            await self._clock.sleep(wait / 1000)


async def _answered(call: Awaitable[T], account: str | None) -> T:
    try:
        return await call
    except stripe.StripeError as error:
        raise _problem(error, account) from error


def _of(event: dict[str, Any], account: str | None) -> Event:
    """A webhook names the connected account it is of; a list of one account's events need not."""
    return event if account is None else {"account": account} | event


def _problem(error: stripe.StripeError, account: str | None) -> Exception:
    match read_problem(error):
        case Unavailable(reason, after):
            return EventsUnavailable(reason, after)
        case Refusal(status=403, code=code) if account is not None:
            return AccountLeft(f"{account}: {code}")
        case Refusal(code="resource_missing", message=message):
            return CursorGone(message)
        case problem:
            return EventsUnavailable(str(problem))
