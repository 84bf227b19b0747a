"""Messages that every service's topics carry. Their kind names the service whose topic it is."""

import json
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import field_validator

from contracts.message import CommandData, EventData, Message
from contracts.position import Position
from contracts.types import CommandId, Id, Timestamp


class Settlement(StrEnum):
    APPLIED = "applied"
    UNCHANGED = "unchanged"


class CommandRefused(EventData):
    """A business rule said no. ``reason`` is also the metric tag, the log field and the reply."""

    command_id: CommandId
    command_type: str
    key: str
    reason: str


class CommandSettled(EventData):
    """Stands in for the events of a command that wants a receipt and emits none."""

    command_id: CommandId
    outcome: Settlement


class TimerScheduled(EventData):
    """At ``due_at`` send ``command_type`` with ``data`` to ``key``. Scheduling the same timer again moves it."""

    timer_id: Id
    timer: str
    due_at: Timestamp
    command_type: str
    key: str
    data: dict[str, Any]

    @field_validator("data")
    @classmethod
    def _is_json(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Parsers take NaN, which no JSON can say: it would fire as something else than what was scheduled."""
        json.dumps(data, allow_nan=False)
        return data


class TimerCancelled(EventData):
    timer_id: Id
    timer: str


class _PeoplesWord(CommandData):
    """People decided about a record that failed. No decision judges it: it stands in the log so that whoever reads the log again knows.
    ``subject``: the record's key. ``position``: where it stands. ``role``: whose it is, as in ``payment-commands``."""

    key_field: ClassVar[str] = "subject"

    subject: str
    position: str
    role: str
    reason: str
    who: str

    @field_validator("position")
    @classmethod
    def _is_position(cls, position: str) -> str:
        return str(Position.parse(position))


class SkipRecord(_PeoplesWord):
    """Passed over, so that those behind it go on; what it asked for may be asked again, by another command."""


class DiscardRecord(_PeoplesWord):
    """Not to be done at all."""


WORDS: tuple[type[CommandData], ...] = (SkipRecord, DiscardRecord)
SHARED: tuple[type[Message], ...] = (CommandRefused, CommandSettled, TimerScheduled, TimerCancelled, *WORDS)
