"""``CountMetric``: every event of the metrics table adds to one row per metric and set of dimensions."""

from collections.abc import Sequence
from typing import Any

from contracts.message import EventData
from contracts.timestamps import day
from workers.engine.decision import Item
from workers.engine.service import Change, Event, Projection
from workers.services.analytics.metrics import COUNTED, Counted, MetricRow

TABLE = "website-metrics"


def count_metric(event: Event[EventData]) -> Sequence[Change]:
    counted = [line for line in COUNTED if line.event is type(event.data)]
    return [_change(event, line, names) for line in counted for names in line.sets]


def _change(event: Event[EventData], line: Counted[Any], names: tuple[str, ...]) -> Change:
    row = MetricRow(day(event.at), line.metric, line.dimensions(names, event.data))
    delta: int = line.value(event.data)

    def fold(item: Item | None, shard: str) -> Item:
        return row.added(item, shard, delta)

    return Change(row.id, fold)


PROJECTIONS: tuple[Projection[Any], ...] = tuple(
    Projection(event, TABLE, count_metric) for event in dict.fromkeys(line.event for line in COUNTED)
)
