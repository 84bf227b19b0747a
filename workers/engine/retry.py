"""How long to wait before trying again. Pure: the random number is passed in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: anything between nothing and an exponential ceiling, in seconds."""

    first: float = 0.05
    ceiling: float = 5.0

    def delay(self, attempt: int, chance: float) -> float:
        """``attempt`` from 0, ``chance`` in [0, 1)."""
        return min(self.ceiling, self.first * float(2 ** min(attempt, 30))) * chance


TRANSIENT = Backoff()
"""Throttling, conflicts, a broker's hiccup."""
PROVIDER = Backoff(first=1.0, ceiling=128.0)
"""Calls to the outside: 1 s x 2^n (domain.md 0.5)."""
