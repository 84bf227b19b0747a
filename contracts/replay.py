"""What a replayed record says of itself, and what everything it causes says of it: headers ``ce_replay*`` (docs/operations.md)."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from contracts.position import Position
from contracts.timestamps import to_milliseconds
from contracts.types import Timestamp

NONE, ALL = "none", "all"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Replay(NamedTuple):
    """``effects``: ``none``, ``all``, or the names of providers that may be called, with commas between; it holds for whatever the replay
    causes, at any distance. ``of``: the record that is repeated, on its repetition and on the events of that. ``at``: only on a copy,
    which is judged as if it stood at ``of``, appended at ``at``. ``to``: the one group it is for; empty: whoever reads the topic.
    """

    id: str
    effects: str = NONE
    of: Position | None = None
    at: Timestamp | None = None
    to: str = ""

    @property
    def is_copy(self) -> bool:
        """Of a record that stands in the log already. A command that repeats another under an id of its own is none."""
        return self.at is not None

    @property
    def is_handed_over(self) -> bool:
        """Of an event that its topic held before, in one place or another: no window tells whether its reader acted on it."""
        return self.is_copy or bool(self.to)

    @property
    def onward(self) -> "Replay":
        """What commands and timers say that its events cause."""
        return Replay(self.id, self.effects)

    @property
    def told(self) -> "Replay":
        """What the events of the repetition itself say."""
        return Replay(self.id, self.effects, self.of)

    def allows(self, provider: str) -> bool:
        return self.effects == ALL or provider in self.effects.split(",")

    def is_for(self, group: str) -> bool:
        return not self.to or self.to == group

    def pairs(self) -> Iterable[tuple[str, str | None]]:
        return (
            ("ce_replay", self.id),
            ("ce_replayeffects", self.effects),
            ("ce_replayof", str(self.of) if self.of else None),
            ("ce_replayat", self.at),
            ("ce_replayto", self.to or None),
        )

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Self | None:
        """None for a record that no replay has to do with. Raises ValueError for headers that are not of their form."""
        replay = headers.get("ce_replay")
        if not replay:
            return None
        of, at, effects = headers.get("ce_replayof"), headers.get("ce_replayat"), headers.get("ce_replayeffects") or NONE
        if at is not None:
            to_milliseconds(Timestamp(at))
        if not all(map(_NAME.fullmatch, [replay, *effects.split(",")])) or (at is not None and of is None):
            raise ValueError(f"not a replay: {replay!r}")
        return cls(replay, effects, Position.parse(of) if of else None, Timestamp(at) if at else None, headers.get("ce_replayto", ""))
