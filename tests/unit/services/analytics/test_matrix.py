"""Section 14 of docs/domain.md against the code: every line of an event that exists is counted as the page says, and nothing else is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from contracts.catalogue import BUILT, event_models
from contracts.message import EventData
from tests.contracts.test_examples import raw
from workers.services.analytics.metrics import COUNTED, Counted

PAGE = Path(__file__).parents[4] / "docs" / "domain.md"


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one event. ``value``: the field that is added up, as it is on the wire; 1 where the page names none. ``sets``: a
    dimension is a field's name, or ``name: value``."""

    event: str
    metric: str
    value: str | None
    sets: tuple[tuple[str, ...], ...]

    @property
    def model(self) -> type[EventData] | None:
        """None while no service publishes such an event."""
        service, _, name = self.event.partition(".")
        models = event_models(service) if service in BUILT else ()
        return next((model for model in models if model.__name__ == name), None)


def lines() -> Iterator[Line]:
    section = PAGE.read_text(encoding="utf-8").partition("\n## 14. ")[2].partition("\n## 15. ")[0]
    for row in section.splitlines():
        if row.startswith("| ") and not row.startswith("| event"):
            yield from _lines_of(*(cell.strip() for cell in row.strip("|").split("|")))


def _lines_of(events: str, metrics: str, sets: str) -> Iterator[Line]:
    """Several events have a metric each, in their order; one event may have several. Where the page names one, it holds for all."""
    names = events.split(" · ")
    separator = " · " if len(names) > 1 else "; "
    counts, given = metrics.split(separator), sets.split(separator)
    for event, metric, own in zip_longest(names, counts, given):
        words = re.match(r"(\w+)(?: \((\w+)\))?", metric or counts[-1])
        assert words is not None
        dimensions = re.findall(r"\{([^}]*)\}", own or given[-1])
        yield Line((event or names[-1]).split()[0], words[1], words[2], tuple((name,) if name else () for name in dimensions))


COUNTED_EVENTS = [line for line in lines() if line.model is not None]


def counted(line: Line) -> Counted[EventData]:
    [found] = [each for each in COUNTED if each.event is line.model and each.metric == line.metric]
    return found


def dimensions(names: tuple[str, ...], data: EventData) -> dict[str, str]:
    """As the page gives them: a value of its own, or the event's field."""
    pairs = [name.partition(": ") for name in names]
    return {name: value or str(data.to_item()[name]) for name, _, value in pairs}


def test_lines_that_are_not_counted_are_about_events_that_no_service_has() -> None:
    found = [*lines()]
    assert {line.event.partition(".")[0] for line in found if line.model is None} <= {"content", "analytics"}
    assert len(found) > 30


def test_nothing_is_counted_without_its_line() -> None:
    assert {(each.event, each.metric) for each in COUNTED} == {(line.model, line.metric) for line in COUNTED_EVENTS}
    assert len(COUNTED) == len(COUNTED_EVENTS)


@pytest.mark.parametrize("line", COUNTED_EVENTS, ids=lambda line: f"{line.event}-{line.metric}")
def test_a_line_is_counted_as_the_page_says(line: Line) -> None:
    metric = counted(line)
    assert line.model is not None
    data = raw(line.model.kind()).decode().data
    assert isinstance(data, EventData)
    assert [metric.dimensions(names, data) for names in metric.sets] == [dimensions(names, data) for names in line.sets]
    assert metric.value(data) == (data.to_item()[line.value] if line.value else 1)
