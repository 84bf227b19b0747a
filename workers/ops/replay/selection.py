"""Which records are meant. Pure; as JSON it is what the audit trail and the checkpoint keep."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from contracts.position import Position
from contracts.replay import Replay
from contracts.timestamps import to_milliseconds
from contracts.topics import TOPICS, commands_topic, events_topic
from contracts.types import Timestamp
from workers.engine.record import Record

_KIND: Final = re.compile(r"mindlinks\.([a-z]+)\.([A-Za-z]+)\.v\d+")
MOST_IDS_TOLD: Final = 20
MOST_NAMED: Final = 5_000
"""Keys, ids or places in one selection: it is kept in one row."""


class SelectionError(ValueError):
    """The selection cannot be meant as it was said."""


@dataclass(frozen=True, slots=True)
class Selection:
    """All conditions hold together; an empty one says nothing. ``topics`` names at least one. ``partition`` with ``first`` and ``last``
    (both included) is a range of offsets; ``since`` and ``until`` (not included) are append times. ``kinds`` are names, with or without
    ``mindlinks.<service>.`` and ``.v<N>``. ``ids``: of messages. ``places``: positions, as the quarantine names them."""

    topics: tuple[str, ...]
    partition: int | None = None
    first: int | None = None
    last: int | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    keys: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    correlations: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if unknown := [topic for topic in self.topics if topic not in TOPICS]:
            raise SelectionError(f"there is no topic {unknown[0]}; topics are named mindlinks.<service>.commands or .events")
        if not self.topics:
            raise SelectionError("no topic: say --topic, --service or --fingerprint")
        if self.partition is None and (self.first is not None or self.last is not None):
            raise SelectionError("offsets count within one partition: say --partition as well")
        if max(map(len, (self.keys, self.ids, self.correlations, self.places))) > MOST_NAMED:
            raise SelectionError(f"more than {MOST_NAMED:,} keys, ids or failures at once: split them, or select by time")
        if self.partition is not None and len(self.topics) != 1:
            raise SelectionError("a partition is one of a topic: name that topic alone")
        if self.since and self.until and to_milliseconds(self.since) >= to_milliseconds(self.until):
            raise SelectionError("--since lies after --until: nothing can be selected")

    def takes(self, record: Record, place: Position) -> bool:
        """Whether a record within the selected partitions, offsets and times is meant. A copy, or an event sent once more to one role,
        never is: its original is in the log."""
        if self.keys and (record.key or b"").decode(errors="replace") not in self.keys:
            return False
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        if is_copy(headers, event=is_events(record.partition.topic)):
            return False
        return self._named(headers) and not (self.places and str(place) not in self.places)

    def _named(self, headers: Mapping[str, str]) -> bool:
        if self.kinds and not self.kinds & spellings(headers.get("ce_type", "")):
            return False
        name = headers.get("ce_id", "")
        if self.ids and name not in self.ids:
            return False
        return not self.correlations or (headers.get("ce_correlationid") or name) in self.correlations

    def told(self) -> dict[str, Any]:
        """As JSON; ``read`` makes it again."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {n: sorted(v) if isinstance(v, frozenset | tuple) else v for n, v in found.items() if v not in (None, frozenset())}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        sets = ("keys", "kinds", "correlations", "ids", "places")
        return cls(**{**told, "topics": tuple(told["topics"]), **{name: frozenset(told[name]) for name in sets if name in told}})

    def __str__(self) -> str:
        """In one line, long lists cut short."""
        return ", ".join(f"{name} {_short(value)}" for name, value in self.told().items())


def is_copy(headers: Mapping[str, str], *, event: bool) -> bool:
    """A malformed header is nobody's copy: its record is put aside by its consumer."""
    try:
        replay = Replay.from_headers(headers)
    except ValueError:
        return False
    return replay is not None and (replay.is_handed_over if event else replay.is_copy)


def spellings(kind: str) -> frozenset[str]:
    """The ways to name a kind: whole, without its version, the bare name."""
    found = _KIND.fullmatch(kind)
    return frozenset({kind, kind.rpartition(".v")[0], found[2]}) if found else frozenset({kind})


def topics_of(services: Iterable[str], *, events: bool = False) -> tuple[str, ...]:
    return tuple(events_topic(service) if events else commands_topic(service) for service in services)


def is_events(topic: str) -> bool:
    return topic == events_topic(TOPICS[topic].owner)


def _short(value: Any) -> str:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return str(value)
    rest = len(value) - MOST_IDS_TOLD
    return " ".join(map(str, value[:MOST_IDS_TOLD])) + (f" and {rest} more" if rest > 0 else "")
