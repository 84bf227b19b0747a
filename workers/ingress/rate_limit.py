"""A token bucket per client: a minute's worth may come at once, then it refills evenly. Each ingress process counts for itself."""

import math
from dataclasses import dataclass
from typing import Final

from workers.ingress.problems import Problem

MINUTE: Final = 60_000
"""Milliseconds."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: int


class RateLimit:
    """Not shared between processes: with N of them behind a balancer a client may reach N times its rate."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def take(self, client: str, per_minute: int, wanted: int, now: int) -> None:
        """``now`` in milliseconds. Raises Problem ``rate_limited`` with the time until ``wanted`` are there; then nothing is taken."""
        bucket = self._buckets.setdefault(client, _Bucket(per_minute, now))
        # A clock that is set back takes nothing away.
        passed = max(0, now - bucket.at)
        bucket.tokens = min(per_minute, bucket.tokens + passed * per_minute / MINUTE)
        bucket.at = now
        if bucket.tokens < wanted:
            seconds = math.ceil((wanted - bucket.tokens) * MINUTE / per_minute / 1000)
            raise Problem("rate_limited", f"This client may send {per_minute} commands a minute.", retry_after=max(1, seconds))
        bucket.tokens -= wanted
