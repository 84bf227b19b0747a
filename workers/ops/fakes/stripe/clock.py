"""Clocks of the fake: whole seconds since 1970, the resolution of every time Stripe tells."""

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Seconds since 1970, UTC. Never blocks."""


class SystemClock:
    def now(self) -> int:
        return int(time.time())


class MovableClock:
    """The system's time plus what it was advanced by: lets a running stack see tomorrow's payouts today."""

    def __init__(self) -> None:
        self._ahead = 0

    def now(self) -> int:
        return int(time.time()) + self._ahead

    def advance(self, seconds: int) -> None:
        self._ahead += seconds


class ManualClock:
    """Stands still until it is advanced."""

    def __init__(self, at: int) -> None:
        self._at = at

    def now(self) -> int:
        return self._at

    def advance(self, seconds: int) -> None:
        self._at += seconds
