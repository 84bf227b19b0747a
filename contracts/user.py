"""Commands and events of user: a person's profile and preferences. Key ``userId``."""

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from contracts.file import File, ObjectKey
from contracts.message import CommandData, EventData, Value
from contracts.types import (
    Locale,
    Phone,
    Pii,
    Text80,
    Text200,
    UserId,
)


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


class ChannelWishes(Value):
    """Absent channels stay as they are."""

    email: bool | None = None
    sms: bool | None = None
    push: bool | None = None


def avatar_folder(user: UserId) -> str:
    """What the keys of a person's uploaded pictures begin with."""
    return f"avatars/{user}/"


# --- commands ------------------------------------------------------------------------------------------------------


class _UserCommand(CommandData):
    key_field: ClassVar[str] = "user_id"
    user_id: UserId


class CreateProfile(_UserCommand):
    pass


class CreatePreferences(_UserCommand):
    language: Locale


class UpdateProfile(_UserCommand):
    """Absent fields stay as they are; a phone of null takes the number away."""

    first_name: Pii[Text80] | None = None
    last_name: Pii[Text80] | None = None
    phone: Pii[Phone] | None = None

    @property
    def without_phone(self) -> bool:
        return "phone" in self.model_fields_set and self.phone is None

    def to_json(self) -> bytes:
        """The null of a phone is on the wire too: it says something else than absence."""
        unsaid = {name for name in ("first_name", "last_name") if getattr(self, name) is None}
        return self.model_dump_json(by_alias=True, exclude_unset=True, exclude=unsaid).encode()


class SetAvatar(_UserCommand):
    """Without a file the avatar is taken away. Whoever names somebody else's object would have it deleted later, so none is taken."""

    avatar: File | None = None

    @model_validator(mode="after")
    def _own_folder(self) -> Self:
        if self.avatar is not None and not self.avatar.key.startswith(avatar_folder(self.user_id)):
            raise ValueError("avatar.key must lie under avatars/<userId>/")
        return self


class RecordAvatarDeleted(_UserCommand):
    avatar_key: ObjectKey = Field(alias="key")


class UpdatePreferences(_UserCommand):
    """Absent fields stay as they are."""

    language: Locale | None = None
    timezone: Text200 | None = None
    notifications: ChannelWishes | None = None


class EraseUserData(_UserCommand):
    pass


# --- events --------------------------------------------------------------------------------------------------------


class _UserEvent(EventData):
    user_id: UserId


class ProfileCreated(_UserEvent):
    pass


class ProfileUpdated(_UserEvent):
    """The profile as it is now; a field that is absent but named in ``changed`` was taken away."""

    first_name: Pii[Text80] | None = None
    last_name: Pii[Text80] | None = None
    phone: Pii[Phone] | None = None
    changed: tuple[ProfileField, ...]


class PreferencesUpdated(_UserEvent):
    language: Locale
    timezone: Text200
    notifications: NotificationChannels


class AvatarChanged(_UserEvent):
    """``old_key``: of the object that nobody shows any more."""

    old_key: ObjectKey | None = None


class UserDataErased(_UserEvent):
    """``avatar_key``: of the object that is to go too."""

    avatar_key: ObjectKey | None = None
