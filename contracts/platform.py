"""Messages that every service's events topic carries. Their kind names the service that publishes them."""

import json
from enum import StrEnum
from typing import Any

from pydantic import field_validator

from contracts.message import EventData
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


SHARED: tuple[type[EventData], ...] = (CommandRefused, CommandSettled, TimerScheduled, TimerCancelled)
