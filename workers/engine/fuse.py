"""The fuse: many keys failing the same way at once is a bad deploy, not poison. Pure; time is passed in."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FuseLimits:
    """Trips when, within ``window`` milliseconds of the first failure, at least ``keys`` distinct keys failed by one fingerprint and
    those make at least ``ratio`` of everything judged in that time."""

    keys: int = 20
    ratio: float = 0.2
    window: int = 5_000


class FuseTripped(Exception):
    """Too many keys fail the same way: a bad deploy or a broken dependency of decisions. The role stopped; nothing was skipped and no
    offset moved. Deploy a version that works, or say ``mindlinks resume`` once the cause is gone."""


@dataclass(slots=True)
class Fuse:
    """One per role. What was parked while the window is open must not settle before it has closed untripped."""

    limits: FuseLimits = field(default_factory=FuseLimits)
    _failed: dict[str, set[str]] = field(default_factory=dict)
    _judged: int = 0
    _opened: int | None = None
    window: int = 0
    """The number of the last one that was opened."""

    def judged(self, count: int) -> None:
        """Verdicts that did not fail."""
        if self._opened is not None:
            self._judged += count

    def failed(self, fingerprint: str, key: str, now: int) -> bool:
        """True when this failure trips the fuse."""
        self.is_open(now)
        if self._opened is None:
            self._opened, self.window = now, self.window + 1
        self._failed.setdefault(fingerprint, set()).add(key)
        failures = len(self._failed[fingerprint])
        return failures >= self.limits.keys and failures >= self.limits.ratio * (failures + self._judged)

    def is_over(self, window: int, now: int) -> bool:
        """True once the window of that number has closed, whether or not another one is open."""
        return not self.is_open(now) or window < self.window

    def is_open(self, now: int) -> bool:
        """True while a window with failures runs; closing it forgets them."""
        if self._opened is not None and now - self._opened >= self.limits.window:
            self._opened, self._judged = None, 0
            self._failed.clear()
        return self._opened is not None
