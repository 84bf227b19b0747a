"""What ``docs/domain.md`` names, read from its text: per service the commands, events, reactions, effects, timers and queries."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

DOMAIN = Path(__file__).parents[2] / "docs" / "domain.md"


class Sort(StrEnum):
    COMMAND = "commands"
    EVENT = "events"
    REACTION = "reactions"
    EFFECT = "effects"
    TIMER = "timers"
    QUERY = "queries"


@dataclass(frozen=True, slots=True)
class Named:
    """``source``: of a reaction the event (``service.Event``), of a timer nothing; ``sends``: the command it leads to."""

    service: str
    sort: Sort
    name: str
    source: str = ""
    sends: str = ""


_SECTION = re.compile(r"^## (?P<number>\d+)\. (?P<title>[^\n]+)\n", re.MULTILINE)
_SERVICE = re.compile(r"(?P<name>[a-z]+):")
_COMMAND = re.compile(r"^\| `(?P<name>[A-Z]\w+)` \| (?:up|re|fx|wh|tm)", re.MULTILINE)
_EVENT = re.compile(r"`(?P<name>[A-Z]\w+)` \{")
_PAIR = re.compile(r"(?P<sources>[^→·]+) → (?P<commands>`[^(]+)\(")
_EVENT_NAME = re.compile(r"\b[a-z]+\.[A-Z]\w+")
_EFFECT = re.compile(r"`(?P<name>[a-z]+\.[a-z-]+)` on ")
_EFFECT_ROW = re.compile(r"^\| (?P<name>[a-z]+\.[a-z-]+) \| [A-Z]", re.MULTILINE)
_TIMER = re.compile(r"`(?P<name>[a-z-]+)` \([^)]*→[^)]*(?:\([^)]*\)[^)]*)*\) sends `(?P<sends>\w+)`")
_QUERY = re.compile(r"\*(?P<name>[^*]+)\*: ")


def named(text: str | None = None) -> list[Named]:
    """Everything named in sections 1 to 11, in the order of the page; the matrix of section 13 counts as notification's reactions."""
    sections = _sections(text or DOMAIN.read_text(encoding="utf-8"))
    found: list[Named] = []
    for number in range(1, 12):
        title, body = sections[number]
        service = _SERVICE.match(title)
        assert service is not None, title
        found += _of_service(service["name"], body)
    found += [Named("notification", Sort.REACTION, f"{event} → PlanNotification", event, "PlanNotification") for event in _matrix(sections)]
    return list(dict.fromkeys(found))


def _sections(text: str) -> Mapping[int, tuple[str, str]]:
    heads = list(_SECTION.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {int(head["number"]): (head["title"], text[head.end() : end]) for head, end in zip(heads, ends, strict=True)}


def _of_service(service: str, body: str) -> Iterator[Named]:
    for found in _COMMAND.finditer(body):
        yield Named(service, Sort.COMMAND, found["name"])
    for found in _EVENT.finditer(_part(body, "**Events**", "**Reactions**").partition("**Projections**")[0]):
        yield Named(service, Sort.EVENT, found["name"])
    yield from _reactions(service, _part(body, "**Reactions**", "\n"))
    for found in [*_EFFECT.finditer(body), *_EFFECT_ROW.finditer(body)]:
        yield Named(service, Sort.EFFECT, found["name"])
    for found in _TIMER.finditer(_part(body, "**Timers**", "\n")):
        yield Named(service, Sort.TIMER, found["name"], sends=found["sends"])
    for found in _QUERY.finditer(_part(body, "**Queries**", "\n\n")):
        yield Named(service, Sort.QUERY, found["name"])


def _reactions(service: str, text: str) -> Iterator[Named]:
    for pair in _PAIR.finditer(text):
        for source in _EVENT_NAME.findall(pair["sources"]):
            for command in re.findall(r"`(\w+)`", pair["commands"]):
                yield Named(service, Sort.REACTION, f"{source} → {command}", source, command)


def _matrix(sections: Mapping[int, tuple[str, str]]) -> Iterator[str]:
    for row in sections[13][1].splitlines():
        if row.startswith("| ") and not row.startswith("| event"):
            yield from _EVENT_NAME.findall(row.split("|")[1])


def _part(body: str, start: str, end: str) -> str:
    """From ``start`` to the next ``end``; empty where the service has none."""
    begun = body.find(start)
    if begun < 0:
        return ""
    ended = body.find(end, begun + len(start))
    return body[begun : ended if ended >= 0 else len(body)]
