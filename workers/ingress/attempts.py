"""How often an address, a network address or a session may be tried, beside the lock-out that auth decides. Each process counts for
itself: with N of them behind a balancer N times as many pass."""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from workers.engine.rate_limit import RateLimit, TokenBucket
from workers.ingress.problems import Problem

KEPT: Final = 50_000
"""Buckets; those not used for longest are forgotten first, which gives them their burst again."""
IPV6_PREFIX: Final = 64
"""Bits that one household or machine has to itself: everything behind them counts as one."""


class Attempts:
    """Buckets by hash. ``per_minute`` may come at once, then it refills evenly."""

    def __init__(self, per_minute: int, whose: str) -> None:
        self._limit, self._whose = RateLimit(per_minute / 60, per_minute), whose
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, key: str, now: int) -> None:
        """``now`` in milliseconds. Raises Problem ``rate_limited``; then nothing was taken."""
        bucket = self._buckets.get(key) or TokenBucket(self._limit)
        self._buckets[key] = bucket
        self._buckets.move_to_end(key)
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        if wait := bucket.take(now):
            detail = f"{self._whose} may be tried {self._limit.burst} times a minute."
            raise Problem("rate_limited", detail, retry_after=-(-wait // 1000))


def network_address(text: str | None) -> str:
    """In its one spelling. Raises Problem for what is none."""
    try:
        known = ip_address(text or "")
    except ValueError:
        raise Problem("invalid_payload", "ip: the person's network address is not known.", field="ip") from None
    return str((known.ipv4_mapped if isinstance(known, IPv6Address) else None) or known)


def network(address: str) -> str:
    """What is counted together with ``address``."""
    known = ip_address(address)
    return str(ip_network((known, IPV6_PREFIX), strict=False)) if isinstance(known, IPv6Address) else address
