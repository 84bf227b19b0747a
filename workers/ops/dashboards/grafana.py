"""What a dashboard is made of, and how Grafana wants it written (dashboard JSON, schema version 39: Grafana 10.3 and later)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

SCHEMA_VERSION: Final = 39
COLUMNS, WIDTH, HEIGHT = 24, 8, 8
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}


class Unit(StrEnum):
    """Grafana's names."""

    SECONDS = "s"
    COUNT = "short"
    PER_SECOND = "ops"
    SHARE = "percentunit"


@dataclass(frozen=True, slots=True)
class Query:
    """``legend`` takes labels as ``{{role}}``."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """``means``: what a person should read from it, and when to worry. ``red``: the value from which it is drawn red."""

    title: str
    means: str
    queries: tuple[Query, ...]
    unit: Unit = Unit.COUNT
    red: float | None = None


@dataclass(frozen=True, slots=True)
class Dashboard:
    uid: str
    title: str
    panels: tuple[Panel, ...]


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    """As imported by Grafana, for any Prometheus the reader picks."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["mindlinks"],
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]},
        "panels": list(_panels(dashboard.panels)),
    }


def _panels(panels: tuple[Panel, ...]) -> Iterator[dict[str, Any]]:
    for number, panel in enumerate(panels):
        row, column = divmod(number, COLUMNS // WIDTH)
        yield {
            "id": number + 1,
            "type": "timeseries",
            "title": panel.title,
            "description": panel.means,
            "datasource": SOURCE,
            "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit.value, "min": 0, **_red(panel.red)}, "overrides": []},
            "targets": [
                {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": query.expression, "legendFormat": query.legend}
                for index, query in enumerate(panel.queries)
            ],
        }


def _red(threshold: float | None) -> dict[str, Any]:
    if threshold is None:
        return {}
    steps = [{"color": "green", "value": None}, {"color": "red", "value": threshold}]
    return {"thresholds": {"mode": "absolute", "steps": steps}, "custom": {"thresholdsStyle": {"mode": "line"}}}
