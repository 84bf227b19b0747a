"""user as declared: reactions, the deletion of pictures, erasure; on the engine, faults change nothing."""

from random import Random
from typing import Any

import pytest

from contracts.auth import ErasureRequested, Role, UserRegistered
from contracts.ids import derived, effect_id
from contracts.message import CommandData, EventData
from contracts.types import ClientId, ContractorId, Locale
from contracts.user import (
    AvatarChanged,
    ChannelWishes,
    CreatePreferences,
    CreateProfile,
    EraseUserData,
    RecordAvatarDeleted,
    UpdatePreferences,
    UpdateProfile,
    UserDataErased,
)
from tests.support.oracle import START
from tests.support.reacting import event_of, sent_on
from tests.support.service_story import USER, sealed
from tests.support.under_faults import assert_ends_as_without_faults, numbered
from tests.unit.services.user.story import (
    CREATING_PREFERENCES,
    CREATING_PROFILE,
    ERASING,
    HIDING,
    OWNER,
    SYSTEM,
    Story,
    picture,
    showing,
)
from workers.engine.decision import UNCHANGED, ItemRef, Refused
from workers.engine.service import Call, Done, Effect, Failed, Result, Retryable, Send
from workers.services.user.person import PERSONS, PREFERENCES
from workers.services.user.ports import AvatarStoreRefusedError, AvatarStoreUnavailableError
from workers.services.user.service import SERVICE

HASH = "ab" * 32


# --- reactions -----------------------------------------------------------------------------------------------------

REGISTERED = UserRegistered(
    user_id=USER,
    email=sealed("amina@example.com"),
    email_hash=HASH,
    role=Role.COMPANY,
    locale=Locale.AR,
    nonce="n" * 43,
    kid="k1",
    expires_on=START,
)
LEAVING = ErasureRequested(
    user_id=USER, company_id=ClientId(derived("company")), contractor_id=ContractorId(derived("contractor")), email_hash=HASH
)


@pytest.mark.parametrize(
    ("data", "commands"),
    [
        (REGISTERED, [CreateProfile(user_id=USER), CreatePreferences(user_id=USER, language=Locale.AR)]),
        (LEAVING, [EraseUserData(user_id=USER)]),
    ],
)
def test_what_auth_says_is_acted_on(data: EventData, commands: list[CommandData]) -> None:
    assert sent_on(SERVICE, data) == [Send(command) for command in commands]


# --- erasure -------------------------------------------------------------------------------------------------------


def test_erasure_empties_both_rows() -> None:
    story = Story().shown()
    story.send(UpdateProfile(user_id=USER, first_name=sealed("Amina")))
    story.send(ERASING, SYSTEM)
    assert story.last == UserDataErased(user_id=USER, avatar_key=picture().key)
    for ref in (PERSONS.root(USER), ItemRef(PREFERENCES, USER)):
        assert story.oracle.items[ref].keys() == {"userId", "erased", "createdBy", "createdAt", "updatedAt"}
    assert story.send(ERASING, SYSTEM) == UNCHANGED


def test_who_never_was_here_is_erased_all_the_same() -> None:
    story = Story()
    story.send(ERASING, SYSTEM)
    assert story.last == UserDataErased(user_id=USER)
    assert story.send(CREATING_PROFILE, SYSTEM) == UNCHANGED
    assert story.send(CREATING_PREFERENCES, SYSTEM) == UNCHANGED
    assert Story().send(ERASING, OWNER) == Refused("forbidden")


# --- deleting pictures ---------------------------------------------------------------------------------------------


class Pictures:
    """An avatar store that shows what was deleted, or fails as it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.deleted: list[str] = []

    async def delete(self, key: str) -> None:
        if self.failure:
            raise self.failure
        self.deleted.append(key)

    async def delete_all(self, user: str) -> None:
        await self.delete(f"all of {user}")


def effect_on(data: EventData) -> Effect[Any]:
    (effect,) = [effect for effect in SERVICE.effects if effect.event is type(data)]
    return effect


async def carried_out(data: EventData, pictures: Pictures) -> Result:
    effect, event = effect_on(data), event_of(data)
    return await effect.run(Call(effect_id(event.id, effect.name), event, "test"), {}, pictures)


GIVEN_UP = [AvatarChanged(user_id=USER, old_key=picture().key), UserDataErased(user_id=USER, avatar_key=picture().key)]


@pytest.mark.parametrize("data", GIVEN_UP)
async def test_a_picture_that_nobody_shows_is_deleted(data: EventData) -> None:
    pictures = Pictures()
    assert effect_on(data).when(event_of(data))
    assert await carried_out(data, pictures) == Done((RecordAvatarDeleted(user_id=USER, key=picture().key),), reference=picture().key)
    assert pictures.deleted == [picture().key if isinstance(data, AvatarChanged) else f"all of {USER}"]


async def test_without_a_picture_nothing_is_called() -> None:
    pictures, data = Pictures(), AvatarChanged(user_id=USER)
    assert not effect_on(data).when(event_of(data))
    assert await carried_out(data, pictures) == Done()
    assert pictures.deleted == []


async def test_pictures_that_were_never_shown_go_with_the_person() -> None:
    pictures, data = Pictures(), UserDataErased(user_id=USER)
    assert effect_on(data).when(event_of(data))
    assert await carried_out(data, pictures) == Done()
    assert pictures.deleted == [f"all of {USER}"]


@pytest.mark.parametrize("data", GIVEN_UP)
@pytest.mark.parametrize(
    ("failure", "verdict_"),
    [
        (AvatarStoreUnavailableError("SlowDown"), Retryable("AvatarStoreUnavailableError: SlowDown")),
        (AvatarStoreRefusedError("AccessDenied"), Failed("AvatarStoreRefusedError: AccessDenied")),
    ],
)
async def test_passing_trouble_is_tried_again_and_the_rest_is_for_people(data: EventData, failure: Exception, verdict_: Result) -> None:
    assert await carried_out(data, Pictures(failure)) == verdict_


# --- on the engine -------------------------------------------------------------------------------------------------

STEPS: list[tuple[CommandData, str]] = [
    (CREATING_PROFILE, SYSTEM),
    (CREATING_PREFERENCES, SYSTEM),
    (UpdateProfile(user_id=USER, first_name=sealed("Amina")), OWNER),
    (UpdateProfile(user_id=USER, phone=sealed("+201000000000")), OWNER),
    (UpdateProfile(user_id=USER, phone=None), OWNER),
    (showing(), OWNER),
    (showing("second.png"), OWNER),
    (HIDING, OWNER),
    (RecordAvatarDeleted(user_id=USER, key=picture().key), SYSTEM),
    (UpdatePreferences(user_id=USER, notifications=ChannelWishes(sms=True)), OWNER),
    (UpdatePreferences(user_id=USER, timezone="Asia/Dubai"), OWNER),
    (UpdatePreferences(user_id=USER, timezone="Nowhere"), OWNER),
]


@pytest.mark.parametrize("seed", range(10))
async def test_a_person_under_faults_ends_as_without(seed: int) -> None:
    chance = Random(seed)
    steps = [*chance.choices(STEPS, k=30), (ERASING, SYSTEM), *chance.choices(STEPS, k=5)]
    await assert_ends_as_without_faults(SERVICE, numbered(steps), seed)
