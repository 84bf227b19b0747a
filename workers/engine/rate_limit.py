"""Calls per second of one provider: a token bucket. Pure; time is passed in, in milliseconds."""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``burst``: calls that may begin at once after a quiet time."""

    per_second: float
    burst: int = 1


@dataclass(slots=True)
class TokenBucket:
    """Within any time t at most ``burst + t * per_second`` tokens are taken."""

    limit: RateLimit
    _tokens: float = field(init=False)
    _at: int | None = None

    def __post_init__(self) -> None:
        self._tokens = float(self.limit.burst)

    def take(self, now: int) -> int:
        """0: a token was taken. Otherwise the milliseconds until one is there; then nothing was taken."""
        # A clock that is set back takes nothing away.
        passed = max(0, now - self._at) if self._at is not None else 0
        self._tokens = min(float(self.limit.burst), self._tokens + passed * self.limit.per_second / 1000)
        self._at = now
        if self._tokens < 1:
            return math.ceil((1 - self._tokens) * 1000 / self.limit.per_second)
        self._tokens -= 1
        return 0
