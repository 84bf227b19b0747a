"""What a genuine delivery of a message provider says, whichever provider and channel: read by their translations, taken by
``feedback_intake``."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

from contracts.types import UUID_PATTERN

Json: TypeAlias = Mapping[str, Any]
_UUID: Final = re.compile(UUID_PATTERN)


class Provider(StrEnum):
    """As metric, quarantine and command ids name them."""

    SES = "ses"
    SMS = "sms"
    TWILIO = "twilio"


@dataclass(frozen=True, slots=True)
class MessageKey:
    """The notification by our own tags, which came back; else the row of the provider's message id."""

    notification_id: str | None
    recipient_id: str | None
    message_id: str


@dataclass(frozen=True, slots=True)
class Translation:
    """``data`` lacks the notification's and recipient's ids. ``repeat``: which of the affected recipients, counted from 1."""

    command: str
    data: Json = field(repr=False)
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Untranslated:
    """``ignored``: says nothing to us. ``dropped``: another environment's."""

    why: str


Said: TypeAlias = tuple[Translation, ...] | Untranslated


@dataclass(frozen=True, slots=True)
class Feedback:
    """``id``: the provider's, of the delivery; repeats have the same. ``type`` is a word of the metric. ``at``: its time in milliseconds,
    where it tells one. ``said`` raises Problem ``invalid_payload`` for what no repeat will mend."""

    provider: Provider
    id: str
    type: str
    at: int | None
    key: MessageKey
    said: Callable[[], Said]


OTHER: Final = "other"
"""The metric's word for types that we do not know: a provider adds more when it likes."""


def nothing(provider: Provider, delivery: str, at: int | None, type_: str = OTHER) -> Feedback:
    """One that is known to become no command."""
    return Feedback(provider, delivery, type_, at, MessageKey(None, None, ""), lambda: Untranslated("ignored"))


def own_id(value: Any) -> str | None:
    """None for what was never ours."""
    return value if isinstance(value, str) and _UUID.fullmatch(value) else None


def mapping(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def words(value: Any, length: int) -> str | None:
    """A provider's words on one line, at most ``length`` characters."""
    return " ".join(value.split())[:length].strip() if text(value) else None
