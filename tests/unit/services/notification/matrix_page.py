"""Section 13 of docs/domain.md, line by line as the page has it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.catalogue import BUILT, event_models
from contracts.message import EventData
from contracts.notification.values import Category
from contracts.types import Channel

PAGE = Path(__file__).parents[4] / "docs" / "domain.md"
CHANNELS = {"E": Channel.EMAIL, "S": Channel.SMS, "I": Channel.IN_APP}


@dataclass(frozen=True, slots=True)
class Line:
    """One event of one line. ``recipient``: in the page's words."""

    event: str
    recipient: str
    channels: tuple[Channel, ...]
    category: Category
    template: str
    variables: frozenset[str]

    @property
    def model(self) -> type[EventData] | None:
        """None while no service publishes such an event."""
        service, _, name = self.event.partition(".")
        models = event_models(service) if service in BUILT else ()
        return next((model for model in models if model.__name__ == name), None)


def lines() -> list[Line]:
    section = PAGE.read_text(encoding="utf-8").partition("\n## 13. ")[2].partition("\n## 14. ")[0]
    rows = [row for row in section.splitlines() if row.startswith("| ") and not row.startswith("| event")]
    return [line for row in rows for line in _lines_of(row)]


def _lines_of(row: str) -> Iterator[Line]:
    events, recipient, channels, category, template, variables = (cell.strip() for cell in row.strip("|").split("|"))
    # What stands in brackets says what the variable before it is.
    names = re.sub(r"\([^)]*\)", "", variables).replace("–", "").split(",")
    for event in re.findall(r"[a-z]+\.[A-Z]\w+", events):
        yield Line(
            event,
            recipient,
            tuple(CHANNELS[letter] for letter in channels.split()),
            Category(category),
            template,
            frozenset(name.strip() for name in names if name.strip()),
        )
