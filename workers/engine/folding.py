"""Events into one row of a projection. Pure but for the folds, which may raise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.position import Origin
from workers.engine.arrivals import Arrival, Line
from workers.engine.decision import Item, ItemRef
from workers.engine.root import SEEN, VERSION, exists, plain
from workers.engine.service import Change

LATE = "_late"
SKIPPED = "_skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One event's change of one row."""

    arrival: Arrival
    change: Change


@dataclass(frozen=True, slots=True)
class RowChange:
    """``item``: the row to be written, None when it stays as it is. ``raised``: events it could not fold, and why."""

    item: dict[str, Any] | None
    raised: Sequence[tuple[Arrival, Exception]]


@dataclass(slots=True)
class _Books:
    """What a row knows of one origin: the highest offset it has seen, and those below that it has not folded."""

    seen: int
    skipped: set[int] = field(default_factory=set)

    def lacks(self, offset: int) -> bool:
        return offset > self.seen or offset in self.skipped


def target(ref: ItemRef) -> str:
    return f"{ref.table}/{ref.key}"


def folded(steps: Sequence[Step], found: Item | None, shard: str, own: Origin, line: Line) -> RowChange:
    """An event is folded whole or not at all. ``line``: what is parked of the origin ``own``."""
    before = found or {}
    books = _books(before)
    late: list[str] = list(before.get(LATE, ()))
    item: Item | None = plain(before) if exists(before) else None
    raised: list[tuple[Arrival, Exception]] = []
    passed: dict[Origin, set[int]] = {}
    taken: set[tuple[Origin, int]] = set()
    for arrival, changes in _by_event(steps).items():
        origin, offset = arrival.place.origin, arrival.place.offset
        mine = books.setdefault(origin, _Books(-1))
        if not mine.lacks(offset) or offset in passed.get(origin, ()):
            # Folded before, or copies that a replay made have come with their original.
            continue
        passed.setdefault(origin, set()).add(offset)
        if not (arrival.late and arrival.event.id in late):
            try:
                item = _applied(item, arrival, changes, shard)
            except Exception as error:  # noqa: BLE001  # a bug of this fold: this event's and this row's alone
                raised.append((arrival, error))
                mine.skipped.add(offset)
                continue
            late += [arrival.event.id] if arrival.late else []
        taken.add((origin, offset))
    if not passed:
        return RowChange(None, raised)
    for origin, offsets in passed.items():
        _pass(books[origin], max(offsets), {o for o in offsets if (origin, o) in taken}, line if origin == own else None)
    key = {} if exists(before) else plain(before)
    return RowChange({**key, **(item or {}), **_attributes(before, books, late)}, raised)


def _by_event(steps: Sequence[Step]) -> Mapping[Arrival, list[Change]]:
    found: dict[Arrival, list[Change]] = {}
    for step in steps:
        found.setdefault(step.arrival, []).append(step.change)
    return found


def _applied(item: Item | None, arrival: Arrival, changes: Sequence[Change], shard: str) -> Item:
    event = arrival.event
    for change in changes:
        stamps = {"createdBy": event.id, "createdAt": event.at} if item is None else {}
        item = {**stamps, **change.fold(item, shard), "updatedAt": event.at}
    assert item is not None
    return item


def _pass(books: _Books, highest: int, taken: set[int], line: Line | None) -> None:
    """Everything of the row below ``highest`` is folded or in the line; the line's are noted."""
    if line is not None:
        books.skipped |= {offset for offset in line.offsets if books.seen < offset <= highest}
        books.skipped -= set(line.done)
    books.skipped -= taken
    books.seen = max(books.seen, highest)


def _books(item: Item) -> dict[Origin, _Books]:
    skipped: Mapping[Origin, Sequence[int]] = item.get(SKIPPED, {})
    return {origin: _Books(seen, set(skipped.get(origin, ()))) for origin, seen in item.get(SEEN, {}).items()}


def _attributes(before: Item, books: Mapping[Origin, _Books], late: Sequence[str]) -> dict[str, Any]:
    attributes: dict[str, Any] = {VERSION: before.get(VERSION, 0) + 1, SEEN: {origin: each.seen for origin, each in books.items()}}
    if skipped := {origin: sorted(each.skipped) for origin, each in books.items() if each.skipped}:
        attributes[SKIPPED] = skipped
    if late:
        attributes[LATE] = list(late)
    return attributes
