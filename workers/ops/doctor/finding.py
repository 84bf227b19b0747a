"""What a check can find, as a person reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong. ``UNCHECKED``: nobody could look."""

    NO_MEMBERS = "no-members"
    LAG = "lag"
    BEHIND_RETENTION = "behind-retention"
    BEYOND_END = "beyond-end"
    MOVED_OFFSETS = "moved-offsets"
    PARKED = "parked"
    QUARANTINED = "quarantined"
    UNPUBLISHED = "unpublished-outcomes"
    TOPIC = "topic-differs"
    TABLE = "table-differs"
    BOOKS = "books"
    CLOCK = "clock-skew"
    EFFECT = "stuck-effects"
    TIMER = "overdue-timers"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Finding:
    """``about``: the group, key, table or check it is about. ``do`` names a command to run where there is one."""

    kind: Kind
    about: str
    what: str
    means: str
    do: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not looked at although it may be wrong, so that nobody takes a look for the whole. ``do``: the command that looks."""

    what: str
    why: str
    do: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check says. ``looked_at``: how far it looked."""

    looked_at: str
    findings: Sequence[Finding] = ()
    left_out: Sequence[LeftOut] = ()


def many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
