"""Where a record stands: ``<topic id>/<partition>/<offset>``. The broker's topic id, so that a topic made anew is another origin."""

from dataclasses import dataclass
from typing import NewType, Self

Origin = NewType("Origin", str)
"""``<topic id>/<partition>``."""
LONGEST_OFFSET = 18
"""Digits."""


def origin(topic_id: str, partition: int) -> Origin:
    return Origin(f"{topic_id}/{partition}")


@dataclass(frozen=True, slots=True)
class Position:
    origin: Origin
    offset: int

    def __str__(self) -> str:
        return f"{self.origin}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for anything but ``<topic id>/<partition>/<offset>``."""
        where, _, offset = text.rpartition("/")
        if not where or not is_offset(offset):
            raise ValueError(f"not a position: {text!r}")
        return cls(Origin(where), int(offset))


def is_offset(text: str) -> bool:
    """Plain digits that a broker's 64 bits hold."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_OFFSET
