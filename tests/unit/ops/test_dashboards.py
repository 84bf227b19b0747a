"""Dashboards and alerts ask only for what the code exports, and leave nothing out that it exports."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from typer.core import TyperGroup

from workers.adapters.prometheus import PREFIX, PrometheusMetrics
from workers.engine.metrics import COUNTERS, GAUGES, HISTOGRAMS
from workers.main import cli
from workers.ops.dashboards.__main__ import files
from workers.ops.dashboards.declared import DASHBOARDS
from workers.ops.doctor.waiting import GIVEN_UP_EFFECTS

ALERTS = Path("deploy/dashboards/alerts.yaml")
SERIES = re.compile(rf"{PREFIX}\w+")
LABELS = re.compile(r"by \(([^)]*)\)|\{([^}]*)\}")
COMMAND = re.compile(r"mindlinks ([a-z][a-z-]*(?: (?:--)?[a-zA-Z-]+)*)")
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


def wrong_in(said: str) -> list[str]:
    """What ``mindlinks`` would not take of a command that people are told. A bare word is a subcommand, or stands for an id in capitals."""
    command, words = typer.main.get_command(cli), said.split()
    while isinstance(command, TyperGroup) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    unknown = [word for word in words if word.startswith("--") and word not in options]
    return unknown + [word for before, word in pairwise(["", *words]) if not before.startswith("--") and word.islower() and word[0] != "-"]


def test_every_command_that_people_are_told_is_one() -> None:
    texts = [panel.means for board in DASHBOARDS for panel in board.panels] + [text for _, _, text in QUERIES]
    told = {said for text in texts for said in COMMAND.findall(text)}
    assert {"resume", "doctor --only effects --deep", "failures list"} <= told
    assert {said: wrong_in(said) for said in told if wrong_in(said)} == {}
    assert [wrong_in(said) for said in ("timers list", "doctor --deeply", "falures list")] == [["list"], ["--deeply"], ["falures", "list"]]


def test_who_hears_of_a_given_up_effect_is_sent_where_it_is_found() -> None:
    """Not into the quarantine: the ledger alone holds it."""
    (rule,) = [each for each in alerts() if each["alert"] == "EffectsGivenUp"]
    assert GIVEN_UP_EFFECTS.do.partition(" (")[0] in rule["annotations"]["description"]


def test_a_typing_error_would_be_seen() -> None:
    assert "mindlinks_lag_second" not in EXPORTED
    assert labels_in('max by (rule) (mindlinks_lag_seconds{roel="a"})') == {"rule", "roel"}
