"""Dashboards and alerts ask only for what the code exports, and leave nothing out that it exports."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from workers.adapters.prometheus import PREFIX, PrometheusMetrics
from workers.engine.metrics import COUNTERS, GAUGES, HISTOGRAMS
from workers.ops.dashboards.__main__ import files
from workers.ops.dashboards.declared import DASHBOARDS

ALERTS = Path("deploy/dashboards/alerts.yaml")
SERIES = re.compile(rf"{PREFIX}\w+")
LABELS = re.compile(r"by \(([^)]*)\)|\{([^}]*)\}")
MENTIONED = re.compile(r"\$labels\.(\w+)|\{\{(\w+)\}\}")


def exported() -> Mapping[str, frozenset[str]]:
    """Series by name, as a scrape shows them, with their labels."""
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry)
    for declared, touch in ((COUNTERS, metrics.count), (GAUGES, metrics.gauge), (HISTOGRAMS, metrics.observe)):
        for name, (_, tags) in declared.items():
            touch(name, 1, **dict.fromkeys(tags, "any"))
    series = re.findall(r"^(\w+)\{(.*)\} ", generate_latest(registry).decode(), re.MULTILINE)
    return {name: frozenset(re.findall(r'(\w+)="', labels)) for name, labels in series}


def alerts() -> Iterator[Mapping[str, Any]]:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


EXPORTED = exported()
QUERIES = [
    (f"{board.uid}: {panel.title}", query.expression, query.legend)
    for board in DASHBOARDS
    for panel in board.panels
    for query in panel.queries
] + [(rule["alert"], rule["expr"], " ".join(rule["annotations"].values())) for rule in alerts()]


def labels_in(expression: str) -> set[str]:
    found: set[str] = set()
    for grouped, selected in LABELS.findall(expression):
        found |= {label.strip() for label in grouped.split(",") if label.strip()}
        found |= set(re.findall(r"(\w+)\s*[=!]", selected))
    return found


@pytest.mark.parametrize(("expression", "text"), [query[1:] for query in QUERIES], ids=[query[0] for query in QUERIES])
def test_asks_for_series_and_labels_that_are_exported(expression: str, text: str) -> None:
    asked = SERIES.findall(expression)
    assert asked, "asks for nothing of ours"
    assert set(asked) <= EXPORTED.keys()
    there = frozenset.intersection(*(EXPORTED[name] for name in asked))
    assert labels_in(expression) <= there
    told = {first or second for first, second in MENTIONED.findall(text)}
    grouped = {label.strip() for names, _ in LABELS.findall(expression) for label in names.split(",")}
    assert told <= grouped, "the text names a label that the expression sums away"


def test_every_metric_is_on_a_dashboard() -> None:
    boards = " ".join(query.expression for board in DASHBOARDS for panel in board.panels for query in panel.queries)
    missing = [name for name in (*COUNTERS, *GAUGES, *HISTOGRAMS) if not re.search(rf"{PREFIX}{name}(_total|_bucket|\b)", boards)]
    assert missing == []


def test_the_kept_files_are_what_is_declared() -> None:
    assert {path: path.read_text(encoding="utf-8") for path in files()} == files()


@pytest.mark.parametrize("rule", list(alerts()), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_how_urgent_it_is(rule: Mapping[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "description"}
    assert len(rule["annotations"]["description"]) > 60


def test_a_typing_error_would_be_seen() -> None:
    assert "mindlinks_lag_second" not in EXPORTED
    assert labels_in('max by (rule) (mindlinks_lag_seconds{roel="a"})') == {"rule", "roel"}
