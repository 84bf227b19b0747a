"""A person's rows, command by command, as the tests of their parts need them."""

import hashlib
from typing import Any

from contracts.file import File
from contracts.types import Locale, UserId
from contracts.user import CreatePreferences, CreateProfile, EraseUserData, SetAvatar
from tests.support.service_story import USER, ServiceStory
from workers.engine.decision import ItemRef
from workers.services.user.person import PERSONS, PREFERENCES, Preferences, Profile
from workers.services.user.service import SERVICE

OTHER = UserId("22222222-2222-4222-8222-222222222222")

OWNER = f"contractor:{USER}"
STRANGER = f"contractor:{OTHER}"
SYSTEM = "system:user"


def picture(name: str = "first.png", **other: Any) -> File:
    values = {"key": f"avatars/{USER}/{name}", "sha256": hashlib.sha256(name.encode()).hexdigest(), "size": 1000, "mime": "image/png"}
    return File.model_validate(values | other)


def showing(name: str = "first.png", **other: Any) -> SetAvatar:
    return SetAvatar(user_id=USER, avatar=picture(name, **other))


CREATING_PROFILE = CreateProfile(user_id=USER)
CREATING_PREFERENCES = CreatePreferences(user_id=USER, language=Locale.AR)
ERASING = EraseUserData(user_id=USER)
HIDING = SetAvatar(user_id=USER)


class Story(ServiceStory):
    """Brings a person's rows to where a test begins."""

    service, actor = SERVICE, OWNER

    @property
    def profile(self) -> Profile:
        return Profile.from_item(self.oracle.items[PERSONS.root(USER)])

    @property
    def preferences(self) -> Preferences:
        return Preferences.from_item(self.oracle.items[ItemRef(PREFERENCES, USER)])

    def created(self) -> "Story":
        self.send(CREATING_PROFILE, SYSTEM)
        self.send(CREATING_PREFERENCES, SYSTEM)
        return self

    def shown(self) -> "Story":
        self.created().send(showing())
        return self

    def erased(self) -> "Story":
        self.shown().send(ERASING, SYSTEM)
        return self
