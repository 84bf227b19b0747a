"""Commands and events of user: a person's profile and preferences. Key ``userId``."""

from enum import StrEnum
from typing import ClassVar

from contracts.message import CommandData, EventData, Value
from contracts.types import Locale, Pii, Text200, UserId


class ProfileField(StrEnum):
    """Names in ``changed``, as they are on the wire."""

    FIRST_NAME = "firstName"
    LAST_NAME = "lastName"
    PHONE = "phone"


class NotificationChannels(Value):
    """Which channels a person wants for what may be switched off."""

    email: bool = True
    sms: bool = False
    push: bool = True


# --- commands ------------------------------------------------------------------------------------------------------


class _UserCommand(CommandData):
    key_field: ClassVar[str] = "user_id"
    user_id: UserId


class UpdateProfile(_UserCommand):
    """Absent fields stay as they are."""

    first_name: Pii | None = None
    last_name: Pii | None = None
    phone: Pii | None = None


# --- events --------------------------------------------------------------------------------------------------------


class _UserEvent(EventData):
    user_id: UserId


class ProfileUpdated(_UserEvent):
    """The profile as it is now; a field that is absent but named in ``changed`` was taken away."""

    first_name: Pii | None = None
    last_name: Pii | None = None
    phone: Pii | None = None
    changed: tuple[ProfileField, ...]


class PreferencesUpdated(_UserEvent):
    language: Locale
    timezone: Text200
    notifications: NotificationChannels
