"""Distance: what every call of a simulated server costs, and where things happen that no worker waits for."""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from random import Random

from tests.simulation.loop import OWNER, SimulatedLoop


class Network:
    """``slow``: mean latency in seconds. What is ``later`` happens at the servers: no crash of a worker takes it back."""

    def __init__(self, loop: SimulatedLoop, random: Random, slow: float) -> None:
        self.loop, self._random, self._slow = loop, random, slow
        self._servers = _nobodys()
        self.under_way = 0

    async def hop(self) -> None:
        """One way. Every hop is an await: a place to die, to freeze, to be overtaken."""
        future = self.loop.create_future()
        self.loop.call_later(self._random.random() * 2 * self._slow, _arrive, future)
        await future

    async def silence(self) -> None:
        """Nothing comes back, ever."""
        await self.loop.create_future()

    def later(self, seconds: float, happening: Callable[[], object]) -> None:
        self.loop.call_later(seconds, happening, context=self._servers)

    def late(self, most: float, happening: Callable[[], object]) -> None:
        """Like ``later``, at a moment within ``most`` seconds; a run is not over while any is under way."""
        self.under_way += 1

        def happens() -> None:
            self.under_way -= 1
            happening()

        self.later(self.spread(most), happens)

    def spread(self, most: float) -> float:
        return self._random.random() * most

    def chance(self) -> Random:
        return self._random


def _arrive(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _nobodys() -> Context:
    context = copy_context()
    context.run(OWNER.set, None)
    return context
