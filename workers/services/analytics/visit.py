"""A visit as it rests, for thirty days. What is tracked in it follows with its issue; an erased one is empty until its TTL removes it."""

from typing import Self

from contracts.analytics import VisitId
from contracts.types import Country, Hash, Name, Text200, Text256, Timestamp, UserId
from workers.engine.aggregate import Aggregate, Items
from workers.engine.row import EMPTY_OR_ZERO, Row

TABLE = "website-sessions"


class Visit(Row):
    """``duration`` in seconds, ``expires_at`` in seconds since the epoch. ``start_day``: day and shard, by which visits are listed."""

    leaves_out = EMPTY_OR_ZERO

    id: VisitId
    user_id: UserId | None = None
    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    duration: int = 0
    page_views: int = 0
    referrer: Text200 | None = None
    user_agent: Text256 | None = None
    ip_address: Hash | None = None
    country: Country | None = None
    device: Name | None = None
    expires_at: int = 0
    start_day: str | None = None
    erased: bool = False

    def emptied(self) -> Self:
        """In no index any more; what is tracked later finds it erased."""
        return type(self)(id=self.id, expires_at=self.expires_at, erased=True)


# --- state and items -----------------------------------------------------------------------------------------------


def _load(key: str, items: Items) -> Visit | None:
    item = items.get(VISITS.root(key))
    return Visit.from_item(item) if item else None


def _save(state: Visit | None) -> Items:
    return {VISITS.root(state.id): state.to_item()} if state else {}


VISITS: Aggregate[Visit | None] = Aggregate(TABLE, _load, _save)
