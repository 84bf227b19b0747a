"""The breaker of one provider: stops asking one that answers nobody. Pure; time is passed in, in milliseconds.

           enough keys fail               the pause is over, one call begins
closed ───────────────────────> open ──────────────────────────────────────> half-open
   ^                             ^                                             │  │
   │                             └────────────── it fails: a longer pause ─────┘  │
   └──────────────────────────────── it is answered ──────────────────────────────┘
"""

from dataclasses import dataclass, field
from enum import StrEnum

PROBE_LOOK = 500
"""Milliseconds until others ask again whether the probe has ended."""


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """Opens when at least ``keys`` distinct keys, and at least ``ratio`` of those heard of within ``window``, failed last.
    ``pause`` doubles with every probe that fails, up to ``longest``. Times in milliseconds."""

    keys: int = 10
    ratio: float = 0.5
    window: int = 60_000
    pause: int = 5_000
    longest: int = 300_000


class Phase(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class Breaker:
    """Counts each key once, by its last outcome, so that one key refused again and again opens nothing. A ticket ties an outcome to the
    phase its call began in: what began before a change says nothing after it."""

    limits: BreakerLimits = field(default_factory=BreakerLimits)
    phase: Phase = Phase.CLOSED
    _ticket: int = 0
    _heard: dict[str, tuple[int, bool]] = field(default_factory=dict)
    _failed: int = 0
    _until: int = 0
    _openings: int = 0

    def wait(self, now: int) -> int:
        """Milliseconds until a call may begin; 0: it may."""
        if self.phase is Phase.OPEN:
            # A clock that is set back must not make the pause longer than it ever is.
            return min(max(0, self._until - now), self.limits.longest)
        return PROBE_LOOK if self.phase is Phase.HALF_OPEN else 0

    def begin(self) -> int:
        """Only when ``wait`` is 0. The ticket goes back to ``ended`` or ``abandoned``."""
        if self.phase is Phase.OPEN:
            self._turn(Phase.HALF_OPEN)
        return self._ticket

    def ended(self, ticket: int, key: str, *, failed: bool, now: int) -> None:
        if ticket != self._ticket:
            return
        if self.phase is Phase.CLOSED:
            self._count(key, failed, now)
            if self._failed >= self.limits.keys and self._failed >= self.limits.ratio * len(self._heard):
                self._open(now)
        elif failed:
            self._open(now)
        else:
            self._openings = 0
            self._turn(Phase.CLOSED)

    def abandoned(self, ticket: int) -> None:
        """The call ended without telling anything of the provider; after a probe the next one may begin at once."""
        if ticket == self._ticket and self.phase is Phase.HALF_OPEN:
            self._turn(Phase.OPEN)

    def _open(self, now: int) -> None:
        self._until = now + min(self.limits.longest, self.limits.pause * 2 ** min(self._openings, 30))
        self._openings += 1
        self._turn(Phase.OPEN)

    def _turn(self, phase: Phase) -> None:
        self.phase = phase
        self._ticket += 1
        self._heard.clear()
        self._failed = 0

    def _count(self, key: str, failed: bool, now: int) -> None:
        self._forget(key)
        self._heard[key] = (now, failed)
        self._failed += failed
        while self._heard:
            oldest = next(iter(self._heard))
            if self._heard[oldest][0] > now - self.limits.window:
                break
            self._forget(oldest)

    def _forget(self, key: str) -> None:
        if known := self._heard.pop(key, None):
            self._failed -= known[1]
