"""A reader that counts every event of the registry twice: by person and altogether. Its rows are few and meet each other often."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.notification.events import NotificationsRead
from workers.engine.decision import Item
from workers.engine.service import Change, Event, Projection, Service

TABLE = "website-metrics"


def count(event: Event[NotificationsRead]) -> Sequence[Change]:
    return [_adding(f"PERSON#{event.key}"), _adding("ALL")]


def _adding(name: str) -> Change:
    def fold(item: Item | None, shard: str) -> Item:
        row: Mapping[str, Any] = item or {"value": 0}
        return {**row, "id": f"{name}#{shard}", "value": row["value"] + 1}

    return Change(lambda shard: f"{name}#{shard}", fold)


COUNTING = Service(name="analytics", projections=(Projection(NotificationsRead, TABLE, count),))
