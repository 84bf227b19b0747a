"""Tables of analytics: what visitors did, and the sums that are kept. Hash keys are time buckets, spread over shards."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

EVENTS: Final = Table(
    name="website-events",
    owner=Owner.ANALYTICS,
    purpose="Page views, clicks, conversions and submitted forms, for 90 days.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "sessionId-index",
            hash=text("sessionId"),
            range=text("timestamp"),
            projection=("type", "page", "expiresAt"),
        ),
        # Page views, the many, are left out: the metrics count them.
        Index(
            "type-index",
            hash=text("typeBucket"),
            range=text("timestamp"),
            projection=("sessionId", "page", "expiresAt"),
            sparse=True,
        ),
        Index("timestamp-index", hash=text("eventHour"), range=text("timestamp")),
    ),
    ttl="expiresAt",
    point_in_time_recovery=False,
    deletes="the events of a visitor whose erasure was asked for",
)

SESSIONS: Final = Table(
    name="website-sessions",
    owner=Owner.ANALYTICS,
    purpose="Visits of the website, for 30 days.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "userId-index",
            hash=text("userId"),
            range=text("startTime"),
            projection=("endTime", "pageViews", "device", "expiresAt"),
            sparse=True,
        ),
        Index(
            "startTime-index",
            hash=text("startDay"),
            range=text("startTime"),
            projection=("duration", "pageViews", "country", "device", "expiresAt"),
        ),
    ),
    ttl="expiresAt",
    point_in_time_recovery=False,
)

METRICS: Final = Table(
    name="website-metrics",
    owner=Owner.ANALYTICS,
    purpose="Daily sums per metric, dimensions and source partition; readers add the shards up.",
    sensitivity=Sensitivity.INTERNAL,
    key=Key(text("id")),
    indexes=(
        Index(
            "date-index",
            hash=text("date"),
            range=text("metricKey"),
            projection=("metric", "value", "dimensions"),
        ),
        Index(
            "metric-index",
            hash=text("metric"),
            range=text("date"),
            projection=("value", "dimensions"),
        ),
    ),
)

TABLES: Final = (EVENTS, SESSIONS, METRICS)
