"""A person's rows, command by command, as the tests of their parts need them."""

import hashlib
from typing import Any

from contracts.file import File
from contracts.types import CommandId, Locale, Timestamp, UserId
from contracts.user import CreatePreferences, CreateProfile, EraseUserData, SetAvatar
from tests.support.oracle import START, Oracle
from workers.engine.decision import Decision, ItemRef
from workers.services.user.person import PERSONS, PREFERENCES, Preferences, Profile
from workers.services.user.service import SERVICE

USER = UserId("11111111-1111-4111-8111-111111111111")
OTHER = UserId("22222222-2222-4222-8222-222222222222")

OWNER = f"contractor:{USER}"
STRANGER = f"contractor:{OTHER}"
ADMIN = "admin:44444444-4444-4444-8444-444444444444"
SYSTEM = "system:user"


def sealed(text: str) -> str:
    return f"s1.subject.{USER}.1.{text.encode().hex()}"


def picture(name: str = "first.png", **other: Any) -> File:
    values = {"key": f"avatars/{USER}/{name}", "sha256": hashlib.sha256(name.encode()).hexdigest(), "size": 1000, "mime": "image/png"}
    return File.model_validate(values | other)


def showing(name: str = "first.png", **other: Any) -> SetAvatar:
    return SetAvatar(user_id=USER, avatar=picture(name, **other))


CREATING_PROFILE = CreateProfile(user_id=USER)
CREATING_PREFERENCES = CreatePreferences(user_id=USER, language=Locale.AR)
ERASING = EraseUserData(user_id=USER)
HIDING = SetAvatar(user_id=USER)


class Story:
    """Brings a person's rows to where a test begins."""

    def __init__(self) -> None:
        self.oracle = Oracle(SERVICE)

    def send(self, data: Any, actor: str = OWNER, at: Timestamp = START, command: CommandId | None = None) -> Decision[Any]:
        return self.oracle.send(data, actor=actor, at=at, id=command)

    @property
    def profile(self) -> Profile:
        return Profile.from_item(self.oracle.items[PERSONS.root(USER)])

    @property
    def preferences(self) -> Preferences:
        return Preferences.from_item(self.oracle.items[ItemRef(PREFERENCES, USER)])

    @property
    def last(self) -> Any:
        return self.oracle.events[-1]

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
