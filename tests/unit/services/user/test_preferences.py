"""Language, time zone, wanted channels."""

from typing import Any

import pytest

from contracts.ids import within
from contracts.types import CommandId, Locale
from contracts.user import ChannelWishes, NotificationChannels, PreferencesUpdated, UpdatePreferences
from tests.support.service_story import USER
from tests.unit.services.user.story import (
    CREATING_PREFERENCES,
    OWNER,
    STRANGER,
    SYSTEM,
    Story,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.user.timezones import TIMEZONES

FIRST = CommandId(within(USER, "first"))


def wishing(**wishes: Any) -> UpdatePreferences:
    return UpdatePreferences.model_validate({"user_id": USER} | wishes)


def told(**other: Any) -> PreferencesUpdated:
    values = {"user_id": USER, "language": Locale.AR, "timezone": "UTC", "notifications": NotificationChannels()}
    return PreferencesUpdated.model_validate(values | other)


def test_a_registration_makes_preferences_in_its_language_once() -> None:
    story = Story()
    story.send(CREATING_PREFERENCES, SYSTEM)
    assert story.oracle.events == [told()]
    assert story.send(CREATING_PREFERENCES, SYSTEM) == UNCHANGED
    assert Story().send(CREATING_PREFERENCES, OWNER) == Refused("forbidden")
    assert Story().erased().send(CREATING_PREFERENCES, SYSTEM) == UNCHANGED


@pytest.mark.parametrize(
    ("wishes", "changes"),
    [
        ({"language": Locale.EN}, {"language": Locale.EN}),
        ({"timezone": "Africa/Cairo"}, {"timezone": "Africa/Cairo"}),
        ({"notifications": ChannelWishes(sms=True)}, {"notifications": NotificationChannels(sms=True)}),
        ({"notifications": ChannelWishes(email=False, push=False)}, {"notifications": NotificationChannels(email=False, push=False)}),
    ],
)
def test_what_is_not_mentioned_stays(wishes: dict[str, Any], changes: dict[str, Any]) -> None:
    story = Story().created()
    story.send(wishing(**wishes))
    assert story.last == told(**changes)
    assert story.send(wishing(**wishes)) == UNCHANGED


def test_wishes_may_come_before_the_registration_is_heard() -> None:
    story = Story()
    story.send(wishing(timezone="Asia/Dubai"))
    assert story.last == told(language=Locale.EN, timezone="Asia/Dubai")
    assert story.send(CREATING_PREFERENCES, SYSTEM) == UNCHANGED
    assert isinstance(Story().send(wishing()), Accepted)


def test_an_old_wish_published_again_undoes_no_newer() -> None:
    story = Story().created()
    story.send(wishing(timezone="Asia/Dubai"), command=FIRST)
    story.send(wishing(timezone="Africa/Cairo"))
    assert story.send(wishing(timezone="Asia/Dubai"), command=FIRST) == UNCHANGED


def test_wishes_are_refused() -> None:
    assert Story().created().send(wishing(timezone="Cairo")) == Refused("timezone_unknown")
    assert Story().erased().send(wishing(language=Locale.EN)) == Refused("erased")
    for actor in (STRANGER, SYSTEM, "public"):
        assert Story().created().send(wishing(language=Locale.EN), actor) == Refused("forbidden")


@pytest.mark.parametrize(
    "name", ["UTC", "Africa/Cairo", "Asia/Dubai", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5"]
)
def test_the_names_of_the_database_are_known(name: str) -> None:
    assert name in TIMEZONES
    assert name.lower() not in TIMEZONES
    assert len(TIMEZONES) == 597
