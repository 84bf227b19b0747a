"""What stands between a role and one provider: calls at once, calls per second, the breaker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from workers.engine.breaker import Breaker, BreakerLimits, Phase
from workers.engine.leased_row import LeasedRow
from workers.engine.ports import Clock, Metrics
from workers.engine.rate_limit import RateLimit, TokenBucket


@dataclass(slots=True)
class Passage:
    """One call's way through. ``failed``: what its end says of the provider; None: nothing."""

    ticket: int | None = None
    failed: bool | None = None


class Gate:
    """One per provider and role; each process counts for itself. In order of coming. While the breaker is open nothing passes but a probe,
    ``breaker_open`` says so, and ``/health/ready`` stays green: a provider's outage is not this process's fault, and its role, which
    waits, goes on by itself."""

    def __init__(
        self, role: str, provider: str, calls: int, limit: RateLimit | None, breaker: BreakerLimits, clock: Clock, metrics: Metrics
    ) -> None:
        self._role, self._provider, self._clock, self._metrics = role, provider, clock, metrics
        self._free, self._freed = calls, asyncio.Event()
        self._turn, self._queued = asyncio.Lock(), 0
        self._bucket = TokenBucket(limit) if limit else None
        self._breaker = Breaker(breaker)
        self._show()

    @property
    def shut(self) -> bool:
        """True while the breaker lets nothing begin."""
        return self._breaker.wait(self._clock.now()) > 0

    @asynccontextmanager
    async def passage(self, held: LeasedRow) -> AsyncIterator[Passage]:
        """Waits as long as it takes, with the row leased; whoever calls then has to claim it. Raises LostClaim, PartitionLeft."""
        passage = Passage()
        try:
            if not self._passed_at_once(passage):
                await held.until(asyncio.ensure_future(self._pass(passage)), rest=self.shut)
            yield passage
        finally:
            self._leave(passage, held.row.envelope.subject)

    def _passed_at_once(self, passage: Passage) -> bool:
        """Spares the ordinary call a task of its own."""
        if self._queued or not self._free or self._pause():
            return False
        self._begin(passage)
        return True

    async def _pass(self, passage: Passage) -> None:
        self._queued += 1
        try:
            async with self._turn:
                while not self._free:
                    self._freed.clear()
                    await self._freed.wait()
                while pause := self._pause():
                    await self._clock.sleep(pause / 1000)
                self._begin(passage)
        finally:
            self._queued -= 1

    def _begin(self, passage: Passage) -> None:
        self._free -= 1
        passage.ticket = self._breaker.begin()

    def _pause(self) -> int:
        """Milliseconds; at 0 the bucket's token is taken and a call must begin."""
        now = self._clock.now()
        return self._breaker.wait(now) or (self._bucket.take(now) if self._bucket else 0)

    def _leave(self, passage: Passage, key: str) -> None:
        if passage.ticket is None:
            return
        self._free += 1
        self._freed.set()
        if passage.failed is None:
            self._breaker.abandoned(passage.ticket)
        else:
            self._breaker.ended(passage.ticket, key, failed=passage.failed, now=self._clock.now())
        self._show()

    def _show(self) -> None:
        shut = self._breaker.phase is not Phase.CLOSED
        self._metrics.gauge("breaker_open", shut, role=self._role, provider=self._provider)
