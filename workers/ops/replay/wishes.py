"""What somebody says on the command line, as a selection and a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contracts.timestamps import from_milliseconds
from contracts.types import Timestamp
from workers.engine.service import Service
from workers.ops.replay.selection import Selection, SelectionError, is_events, topics_of


@dataclass(frozen=True, slots=True)
class Said:
    """As it was typed. Empty says nothing."""

    topics: Sequence[str] = ()
    services: Sequence[str] = ()
    events: bool = False
    partition: int | None = None
    offsets: str = ""
    since: str = ""
    until: str = ""
    keys: Sequence[str] = ()
    kinds: Sequence[str] = ()
    correlations: Sequence[str] = ()
    ids: Path | None = None


def selection_of(said: Said, services: Mapping[str, Service], places: Mapping[str, frozenset[str]] | None = None) -> Selection:
    """``places``: of a fingerprint, by topic. Without topic or service: the commands of every service. Raises SelectionError."""
    first, last = _offsets(said.offsets)
    named = tuple(said.topics) or (topics_of(_known(said.services, services), events=said.events) if said.services else ())
    topics = named or _placed(places) or topics_of(services, events=said.events)
    return Selection(
        topics=topics,
        partition=said.partition,
        first=first,
        last=last,
        since=_instant(said.since),
        until=_instant(said.until),
        keys=frozenset(said.keys),
        kinds=frozenset(said.kinds),
        correlations=frozenset(said.correlations),
        ids=_ids(said.ids) if said.ids else frozenset(),
        places=frozenset(each for topic in topics for each in places.get(topic, ())) if places else frozenset(),
    )


def _placed(places: Mapping[str, frozenset[str]] | None) -> tuple[str, ...]:
    """Commands first: where a fingerprint's failures stand in both, events are named on purpose."""
    topics = sorted(places or ())
    return tuple(each for each in topics if not is_events(each)) or tuple(topics)


def _known(names: Sequence[str], services: Mapping[str, Service]) -> Sequence[str]:
    if unknown := [name for name in names if name not in services]:
        raise SelectionError(f"there is no service {unknown[0]}; services are {', '.join(services)}")
    return names


def _offsets(text: str) -> tuple[int | None, int | None]:
    """``100-200``, ``100-``, ``-200`` or ``100``."""
    if not text:
        return None, None
    first, dash, last = text.partition("-")
    if not all(part.isdigit() or not part for part in (first, last)) or not first + last:
        raise SelectionError(f"{text!r} is no range of offsets; say 100-200, 100-, -200 or 100")
    begin = int(first) if first else None
    return begin, (int(last) if last else None) if dash else begin


def _instant(text: str) -> Timestamp | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SelectionError(f"{text!r} is no time; say 2026-01-31 or 2026-01-31T09:30:00Z") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return from_milliseconds(round(aware.timestamp() * 1000))


def _ids(file: Path) -> frozenset[str]:
    """One a line; empty lines and those that begin with # say nothing."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise SelectionError(f"{file} cannot be read: {error.strerror}") from error
    found = frozenset(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise SelectionError(f"{file} names no id")
    return found
