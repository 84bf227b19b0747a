"""What an erasure has done so far, as values: what of a person is erased, waits, is deferred or kept, and why. No value of the person."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from contracts.auth import ErasurePart
from contracts.types import Timestamp


class Standing(StrEnum):
    """Of the erasure as a whole."""

    UNKNOWN = "nobody has this id"
    NOT_REQUESTED = "not requested"
    IN_PROGRESS = "in progress"
    DEFERRED = "deferred"
    DONE = "done"


class Fate(StrEnum):
    """Of one thing there is of a person."""

    ERASED = "erased"
    WAITING = "waiting"
    """To be erased, and nothing stands against it."""
    DEFERRED = "deferred"
    """To be erased once the last open contract has ended."""
    KEPT = "kept"
    PRESENT = "present"
    """Nobody asked to erase it."""
    LEFT = "left"
    """Should be gone and is not."""


@dataclass(frozen=True, slots=True)
class Line:
    """``count`` of rows, where there may be several. ``until``: when it goes by itself, where that is known."""

    service: str
    what: str
    fate: Fate
    why: str = ""
    count: int | None = None
    until: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """``parts``: when each service answered, None while it has not."""

    user: str
    standing: Standing
    requested_at: Timestamp | None = None
    erased_at: Timestamp | None = None
    parts: Mapping[ErasurePart, Timestamp | None] = field(default_factory=dict)
    lines: Sequence[Line] = ()

    @property
    def waits_for(self) -> list[ErasurePart]:
        return [part for part, answered in self.parts.items() if answered is None]

    @property
    def left(self) -> list[Line]:
        return [line for line in self.lines if line.fate is Fate.LEFT]

    def told(self) -> dict[str, Any]:
        """For JSON."""
        lines = [{name: value for name, value in asdict(line).items() if value not in (None, "")} for line in self.lines]
        return {
            "user": self.user,
            "standing": self.standing.value,
            "requestedAt": self.requested_at,
            "erasedAt": self.erased_at,
            "parts": dict(self.parts),
            "waitsFor": self.waits_for,
            "lines": lines,
        }
