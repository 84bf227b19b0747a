"""A person's profile and preferences under one key: the profile is the root, so that both are erased in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from contracts.file import File, ObjectKey
from contracts.message import CommandData
from contracts.types import Locale, Phone, Pii, Text80, Text200, UserId
from contracts.user import NotificationChannels
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import Command, Item, ItemRef, Refused
from workers.engine.row import EMPTY_OR_ZERO, DecidedRow
from workers.services.user.rights import owner

TABLE = "user-profiles"
PREFERENCES = "user-preferences"
DEFAULT_TIMEZONE = "UTC"


class _Row(DecidedRow):
    leaves_out = EMPTY_OR_ZERO

    user_id: UserId
    erased: bool = False


class Profile(_Row):
    """``avatars_to_delete``: keys of objects that nobody shows any more and whose deletion is not reported yet."""

    first_name: Pii[Text80] | None = None
    last_name: Pii[Text80] | None = None
    phone: Pii[Phone] | None = None
    avatar: File | None = None
    avatars_to_delete: tuple[ObjectKey, ...] = ()


class Preferences(_Row):
    """A row that is not there means the same as one of defaults; an erased one says nothing."""

    language: Locale | None = Locale.EN
    timezone: Text200 | None = DEFAULT_TIMEZONE
    notifications: NotificationChannels | None = NotificationChannels()


@dataclass(frozen=True, slots=True)
class Person:
    """Root: the profile. ``preferences`` only for commands that ask for them."""

    user_id: UserId
    profile: Profile | None = None
    preferences: Preferences | None = None

    def with_profile(self, profile: Profile) -> Self:
        return replace(self, profile=profile)

    def with_preferences(self, preferences: Preferences) -> Self:
        return replace(self, preferences=preferences)


def refusal(row: Profile | Preferences | None, command: Command[CommandData]) -> Refused | None:
    """For what a person says of himself. Rows need not be there: it may come before what follows from the registration."""
    if not owner(command.actor, command.key):
        return Refused("forbidden")
    return Refused("erased") if row is not None and row.erased else None


# --- state and items -----------------------------------------------------------------------------------------------


def _preferences_ref(user_id: str) -> ItemRef:
    return ItemRef(PREFERENCES, user_id)


def _load(key: str, items: Items) -> Person:
    profile, preferences = items.get(ItemRef(TABLE, key)), items.get(_preferences_ref(key))
    return Person(
        UserId(key),
        Profile.from_item(profile) if profile else None,
        Preferences.from_item(_absences(preferences)) if preferences else None,
    )


def _absences(row: Item) -> Item:
    """What an erased row does not say must not read as a default."""
    return {"language": None, "timezone": None, "notifications": None, **row}


def _save(state: Person) -> Items:
    rows: dict[ItemRef, Item] = {}
    if state.profile:
        rows[ItemRef(TABLE, state.user_id)] = state.profile.to_item()
    if state.preferences:
        rows[_preferences_ref(state.user_id)] = state.preferences.to_item()
    return rows


PERSONS: Aggregate[Person] = Aggregate(TABLE, _load, _save)


def preferences_row(_state: Person, command: Command[CommandData]) -> Iterable[Read]:
    return (Read(_preferences_ref(command.key)),)
