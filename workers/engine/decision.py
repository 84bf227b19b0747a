"""What a decision may say. ``decide(state, command, at)`` is pure and returns one of these; an exception is a fault, never an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from contracts.message import CommandData, EventData
from contracts.types import CommandId, Timestamp

S = TypeVar("S")
D = TypeVar("D", bound=CommandData)
D_co = TypeVar("D_co", bound=CommandData, covariant=True)

Item: TypeAlias = Mapping[str, Any]
"""Attributes of one row: text, int, bool, bytes, lists and maps of them. No floats, no None."""


class ItemRef(NamedTuple):
    """One row: the table's name without the environment prefix, its partition key's value, and its sort key's where the table has one.

    A tuple, because a dataclass hashes and compares in Python, and every command looks rows up by the dozen.
    """

    table: str
    key: str
    range: str | None = None


@dataclass(frozen=True, slots=True)
class Command(Generic[D_co]):
    """What ``decide`` sees of a command. ``actor`` is ``<role>:<userId>``, ``public`` or ``system:<sender>``."""

    id: CommandId
    key: str
    actor: str
    data: D_co


@dataclass(frozen=True, slots=True)
class ScheduleTimer:
    """Send ``command`` (its name) with ``data`` to ``key`` at ``due_at``. ``owner`` is the aggregate or row the timer belongs to:
    one timer per name and owner, scheduling again moves it."""

    timer: str
    owner: str
    due_at: Timestamp
    command: CommandData


@dataclass(frozen=True, slots=True)
class CancelTimer:
    timer: str
    owner: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Put an item that must not exist yet, in the same transaction. Lost races answer ``refusal``; without one the command is
    decided again from what is there now."""

    ref: ItemRef
    item: Item
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseClaim:
    """Delete a claim if ``attribute`` still has ``value``, in the same transaction."""

    ref: ItemRef
    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Accepted(Generic[S]):
    """The new state and what happened, in order."""

    state: S
    events: tuple[EventData, ...] = ()
    timers: tuple[ScheduleTimer | CancelTimer, ...] = ()
    claims: tuple[Claim | ReleaseClaim, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A business rule said no. ``reason`` is the metric tag, the log field and the reply."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The wanted state already holds, or a fact is old news."""


UNCHANGED = Unchanged()

Decision: TypeAlias = Accepted[S] | Refused | Unchanged
