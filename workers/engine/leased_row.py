"""A ledger row while this process works on it: waiting renews its lease, and says that nobody calls meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from workers.engine.ledger import LEASE, EffectState, LedgerRow
from workers.engine.ledger_keeping import LedgerKeeper
from workers.engine.ports import Clock

T = TypeVar("T")
LOOK = 1.0
"""Seconds between looks, while waiting, whether the lease runs out or the partition leaves; at most an eighth of a lease."""


class PartitionLeft(Exception):
    """The row's partition goes to somebody else, so its wait ended; the row is due at once for whoever sweeps there."""


class LeasedRow:
    """``live``: whether its partition is still ours. ``to_call``: no call was begun under this claim, so that while it waits the row
    may say planned: whoever finds it after a crash calls instead of reporting it unknown. Every method raises LostClaim."""

    def __init__(self, row: LedgerRow, ledger: LedgerKeeper, clock: Clock, live: Callable[[], bool], *, to_call: bool) -> None:
        self.row = row
        self._ledger, self._clock, self._live, self._to_call = ledger, clock, live, to_call
        self._claimed = not to_call

    async def keep(self, after: LedgerRow) -> None:
        """``after`` needs no version of its own."""
        self.row = await self._ledger.keep(self.row, replace(after, version=self.row.version + 1))
        self._claimed = not self._to_call

    @property
    def to_call(self) -> bool:
        return self._to_call

    @property
    def unanswered(self) -> bool:
        """A call may have gone out of which the row says nothing yet."""
        return self._claimed

    async def rest(self, due_at: int) -> None:
        """Nobody works on it until then."""
        await self._hold(due_at)

    async def claim(self) -> None:
        """To be durable before a call, which it outlasts. Costs a write only after a wait."""
        now = self._clock.now()
        if self.row.state is not EffectState.CLAIMED or self.row.due_at - now < LEASE / 2:
            await self.keep(replace(self.row, state=EffectState.CLAIMED, due_at=now + LEASE))
        self._claimed = True

    async def until(self, waited: "asyncio.Future[T]", *, rest: bool = False, ready_at: int = 0) -> T:
        """What ``waited`` comes to. ``rest``: say planned at once, not only when the lease is renewed. ``ready_at``: when the row is due
        for the next owner. Raises PartitionLeft; ``waited`` has ended in any case."""
        try:
            while not waited.done():
                await self._watch(rest, ready_at)
                await self._nap(waited)
            return waited.result()
        finally:
            if waited.cancel():
                await asyncio.wait({waited})

    async def _watch(self, rest: bool, ready_at: int) -> None:
        now = self._clock.now()
        if not self._live():
            await self._hold(max(now, ready_at))
            raise PartitionLeft(self.row.effect)
        if self.row.due_at - now < LEASE * 3 / 4 or (rest and self._to_call and self.row.state is EffectState.CLAIMED):
            await self._hold(now + LEASE)

    async def _nap(self, waited: "asyncio.Future[T]") -> None:
        nap = asyncio.ensure_future(self._clock.sleep(min(LOOK, LEASE / 8000)))
        try:
            either: set[asyncio.Future[Any]] = {waited, nap}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()

    async def _hold(self, due_at: int) -> None:
        planned = self._to_call and self.row.state is EffectState.CLAIMED
        await self.keep(replace(self.row, state=EffectState.PLANNED if planned else self.row.state, due_at=due_at))
