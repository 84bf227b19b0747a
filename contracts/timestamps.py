"""One formatter for the whole system: ISO 8601 UTC, fixed width, milliseconds, ``Z``; pure arithmetic on it."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from contracts.types import Day, DecisionTime, Timestamp


@lru_cache(maxsize=1024)
def from_milliseconds(milliseconds: int) -> Timestamp:
    """``milliseconds`` since the epoch, as a broker stamps records."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat()
    return Timestamp(f"{moment[:19]}.{milliseconds % 1000:03d}Z")


def from_seconds(seconds: int) -> Timestamp:
    return from_milliseconds(seconds * 1000)


def to_datetime(at: Timestamp) -> datetime:
    return datetime.fromisoformat(at)


def to_milliseconds(at: Timestamp) -> int:
    moment = to_datetime(at)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def to_seconds(at: Timestamp) -> int:
    """Epoch seconds, as a TTL attribute wants them."""
    return to_milliseconds(at) // 1000


def plus(at: Timestamp, *, days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0) -> Timestamp:
    delta = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return from_milliseconds(to_milliseconds(at) + int(delta.total_seconds()) * 1000)


def decision_time(instant: str) -> DecisionTime:
    """``instant``: ISO 8601 with an offset, as identity checks tell it or an ``at``; digits beyond microseconds are cut off.

    Raises ValueError for what is no instant.
    """
    moment = datetime.fromisoformat(instant)
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return DecisionTime(f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z")


def day(at: Timestamp) -> Day:
    return at[:10]


def end_of(value: Day) -> Timestamp:
    return Timestamp(f"{value}T23:59:59.999Z")
