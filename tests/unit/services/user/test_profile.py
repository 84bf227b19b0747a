"""Names, phone and avatar."""

from typing import Any

import pytest

from contracts.ids import within
from contracts.types import CommandId
from contracts.user import AvatarChanged, ProfileCreated, ProfileField, ProfileUpdated, RecordAvatarDeleted, SetAvatar, UpdateProfile
from tests.support.service_story import ADMIN, USER, sealed
from tests.unit.services.user.story import (
    CREATING_PROFILE,
    HIDING,
    OTHER,
    OWNER,
    STRANGER,
    SYSTEM,
    Story,
    picture,
    showing,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused

FIRST = CommandId(within(USER, "first"))
AMINA, HASSAN, PHONE = sealed("Amina"), sealed("Hassan"), sealed("+201000000000")
NAMING = UpdateProfile(user_id=USER, first_name=AMINA, last_name=HASSAN, phone=PHONE)


def deleted(name: str) -> RecordAvatarDeleted:
    return RecordAvatarDeleted(user_id=USER, key=picture(name).key)


def test_a_registration_makes_an_empty_profile_once() -> None:
    story = Story()
    story.send(CREATING_PROFILE, SYSTEM)
    assert story.oracle.events == [ProfileCreated(user_id=USER)]
    assert story.send(CREATING_PROFILE, SYSTEM) == UNCHANGED
    assert Story().send(CREATING_PROFILE, OWNER) == Refused("forbidden")
    assert Story().erased().send(CREATING_PROFILE, SYSTEM) == UNCHANGED


def test_names_and_phone_are_told_whole() -> None:
    story = Story().created()
    story.send(NAMING)
    told: dict[str, Any] = {"user_id": USER, "first_name": AMINA, "last_name": HASSAN}
    assert story.last == ProfileUpdated(**told, phone=PHONE, changed=(ProfileField.FIRST_NAME, ProfileField.LAST_NAME, ProfileField.PHONE))
    assert story.send(NAMING) == UNCHANGED
    story.send(UpdateProfile(user_id=USER, phone=None), ADMIN)
    assert story.last == ProfileUpdated(**told, changed=(ProfileField.PHONE,))
    assert story.send(UpdateProfile(user_id=USER, phone=None)) == UNCHANGED


def test_a_phone_taken_away_is_told_apart_from_one_not_mentioned() -> None:
    taken, silent = UpdateProfile(user_id=USER, phone=None), UpdateProfile(user_id=USER, first_name=AMINA)
    assert taken.to_json() == f'{{"userId":"{USER}","phone":null}}'.encode()
    assert b"phone" not in silent.to_json()
    for said in (taken, silent):
        again = UpdateProfile.model_validate_json(said.to_json())
        assert again == said
        assert again.without_phone is said.without_phone


def test_what_a_person_says_may_come_before_the_registration_is_heard() -> None:
    story = Story()
    assert isinstance(story.send(NAMING), Accepted)
    assert story.send(CREATING_PROFILE, SYSTEM) == UNCHANGED
    assert story.profile.first_name == AMINA


def test_an_old_wish_published_again_undoes_no_newer() -> None:
    story = Story().created()
    story.send(NAMING, command=FIRST)
    story.send(UpdateProfile(user_id=USER, phone=None))
    assert story.send(NAMING, command=FIRST) == UNCHANGED


@pytest.mark.parametrize("command", [NAMING, showing()])
def test_a_profile_is_the_persons_own(command: Any) -> None:
    for actor in (STRANGER, SYSTEM, "public"):
        assert Story().created().send(command, actor) == Refused("forbidden")
    assert Story().erased().send(command) == Refused("erased")


# --- the avatar ----------------------------------------------------------------------------------------------------


def test_a_picture_is_shown_replaced_and_taken_away() -> None:
    story = Story().created()
    story.send(showing())
    assert story.last == AvatarChanged(user_id=USER)
    assert story.send(showing()) == UNCHANGED
    story.send(showing("second.png"))
    assert story.last == AvatarChanged(user_id=USER, old_key=picture().key)
    story.send(HIDING)
    assert story.last == AvatarChanged(user_id=USER, old_key=picture("second.png").key)
    assert story.send(HIDING) == UNCHANGED
    assert (story.profile.avatar, story.profile.avatars_to_delete) == (None, (picture().key, picture("second.png").key))


def test_another_picture_under_the_same_key_leaves_nothing_to_delete() -> None:
    story = Story().shown()
    story.send(showing(sha256="ab" * 32))
    assert story.last == AvatarChanged(user_id=USER)


@pytest.mark.parametrize(
    ("other", "reason"),
    [({"mime": "image/svg+xml"}, "file_type_not_allowed"), ({"size": 5 * 1024 * 1024 + 1}, "file_too_large")],
)
def test_a_picture_is_refused(other: dict[str, Any], reason: str) -> None:
    assert Story().created().send(showing(**other)) == Refused(reason)
    assert isinstance(Story().created().send(showing(size=5 * 1024 * 1024, mime="image/webp")), Accepted)


def test_nobody_shows_an_object_of_others() -> None:
    for key in (f"avatars/{OTHER}/first.png", "contracts/first.pdf", f"avatars/{USER}"):
        with pytest.raises(ValueError, match="avatars/<userId>/"):
            SetAvatar(user_id=USER, avatar=picture(key=key))


def test_a_deletion_that_is_under_way_is_waited_for() -> None:
    story = Story().shown()
    story.send(showing("second.png"))
    assert story.send(showing()) == Refused("invalid_state")
    assert isinstance(story.send(deleted("first.png"), SYSTEM), Accepted)
    assert story.send(deleted("first.png"), SYSTEM) == UNCHANGED
    assert story.profile.avatars_to_delete == ()
    assert isinstance(story.send(showing()), Accepted)


def test_no_more_than_twenty_deletions_are_remembered() -> None:
    story = Story().created()
    for number in range(23):
        story.send(showing(f"{number}.png"))
    assert story.profile.avatars_to_delete == tuple(picture(f"{number}.png").key for number in range(2, 22))


def test_a_deletion_that_nobody_waits_for() -> None:
    assert Story().send(deleted("first.png"), SYSTEM) == Refused("not_found")
    assert Story().shown().send(deleted("first.png"), OWNER) == Refused("forbidden")
    assert Story().erased().send(deleted("first.png"), SYSTEM) == UNCHANGED


def test_an_old_picture_published_again_takes_no_newer_ones_place() -> None:
    story = Story().created()
    story.send(showing(), command=FIRST)
    story.send(showing("second.png"))
    story.send(deleted("first.png"), SYSTEM)
    assert story.send(showing(), command=FIRST) == UNCHANGED
