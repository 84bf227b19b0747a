"""Webhooks of providers on their way: at least once, in no promised order, again until a 2xx."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Container, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import TypeAlias

import httpx

from workers.ops.fakes.stripe.policy import DeliveryFaults, draw_fate

Sign: TypeAlias = Callable[[bytes], Mapping[str, str]]
"""Headers that authenticate a body."""

IDLE_SECONDS = 1.0
_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook still owed. ``rank`` orders what is due; ``lost``: its next attempt vanishes on the way."""

    url: str
    body: bytes
    sign: Sign
    rank: int
    due: float
    attempts: int = 0
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """``status`` is None where nothing came back."""

    url: str
    body: bytes
    status: int | None


class Courier:
    """Owes every body until it is taken; signs each attempt anew. ``transport``: an ingress without any address."""

    def __init__(
        self,
        *,
        seed: int = 1,
        first_retry_seconds: float = 1.0,
        now: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
        final: Container[int] = (),
    ) -> None:
        """Providers repeat hourly; a demo does not wait for that: ``first_retry_seconds``, then twice as long, and so on. ``final``:
        statuses after which this provider gives up, beside 2xx."""
        self.faults = DeliveryFaults()
        self.owed: list[Letter] = []
        self.attempts: list[Attempt] = []
        self._random = Random(seed)  # noqa: S311  # repeatable faults, no secret
        self._first_retry, self._now, self._transport = first_retry_seconds, now, transport
        self._final, self._rank = final, 0
        self._wake, self._delivering = asyncio.Event(), asyncio.Lock()

    def send(self, url: str, body: bytes, sign: Sign) -> None:
        """Takes it up with a fate drawn for it. Returns at once."""
        fate = draw_fate(self._random, self.faults)
        self._rank += 1
        rank = self._rank * 10 + (fate.behind * 10 + 5 if fate.behind else 0)
        due = self._now() + fate.delay_seconds + (1 if fate.behind else 0)
        for copy in range(fate.copies):
            self.owed.append(Letter(url, body, sign, rank + copy, due, lost=fate.lost and copy == 0))
        self._wake.set()

    async def deliver_all(self) -> list[Attempt]:
        """One attempt for each webhook owed, due or not; what is lost or refused stays owed."""
        return await self._deliver(None)

    async def flush(self) -> list[Attempt]:
        """Attempts until nothing is owed, ten times at most."""
        made: list[Attempt] = []
        for _ in range(_ROUNDS):
            made += await self.deliver_all()
            if not self.owed:
                break
        return made

    async def run(self) -> None:
        """Delivers what falls due, until cancelled."""
        while True:
            self._wake.clear()
            await self._deliver(self._now())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Letters leave by themselves for the length of the block."""
        running = asyncio.create_task(self.run(), name="courier")
        try:
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def _deliver(self, due_by: float | None) -> list[Attempt]:
        # A proxy of the machine's own has no business between two loopback addresses.
        async with self._delivering, httpx.AsyncClient(timeout=20.0, trust_env=False, transport=self._transport) as http:
            chosen = [letter for letter in self.owed if due_by is None or letter.due <= due_by]
            return [await self._attempt(http, letter) for letter in sorted(chosen, key=lambda letter: letter.rank)]

    async def _attempt(self, http: httpx.AsyncClient, letter: Letter) -> Attempt:
        status = None if letter.lost else await _posted(http, letter)
        self.owed.remove(letter)
        attempt = Attempt(letter.url, letter.body, status)
        self.attempts.append(attempt)
        if status is None or not (200 <= status < 300 or status in self._final):
            due = self._now() + self._first_retry * 2**letter.attempts
            self.owed.append(replace(letter, attempts=letter.attempts + 1, due=due, lost=False))
        return attempt


async def _posted(http: httpx.AsyncClient, letter: Letter) -> int | None:
    headers = {"Content-Type": "application/json", **letter.sign(letter.body)}
    try:
        return (await http.post(letter.url, content=letter.body, headers=headers)).status_code
    except httpx.HTTPError:
        return None
