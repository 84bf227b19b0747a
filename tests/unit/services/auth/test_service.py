"""auth as declared: every kind has its place; on the engine, faults and races end in one right outcome."""

from random import Random
from typing import Any

import pytest

from contracts.analytics import VisitorErased
from contracts.auth import (
    DestroyLegalKey,
    ErasurePart,
    ExpireSession,
    KeyScope,
    LegalKeyDestructionRequested,
    RecordErasurePart,
    RecordSubjectKeyDestroyed,
    ReinstateUser,
    RequestErasure,
    RevokeAllSessions,
    SessionId,
    SubjectKeyDestructionRequested,
    VerifyEmail,
)
from contracts.catalogue import event_models
from contracts.client import CompanyErased
from contracts.contractor import ContractorErased
from contracts.ids import derived, effect_id
from contracts.lead import LeadErased
from contracts.message import CommandData, EventData
from contracts.notification.events import RecipientErased
from contracts.sealed import KeysUnavailable
from contracts.topics import commands_topic, events_topic
from contracts.types import ClientId, ContractorId, Purpose, UserId
from contracts.user import UserDataErased
from tests.support import verdict
from tests.support.faults import MANY
from tests.support.process import plant
from tests.support.reacting import event_of, sent_on
from tests.support.service_story import ADMIN, USER, after, digest
from tests.support.under_faults import assert_ends_as_without_faults, numbered, outgoing
from tests.unit.services.auth.story import (
    ASKING_AGAIN,
    CONFIRMING,
    DEACTIVATING,
    ERASING,
    FAILING,
    KEY_DESTROYED,
    OTHER_SESSION,
    OWNER,
    PUBLIC,
    REPLACING,
    RESETTING,
    REVOKING,
    SETTING,
    SUSPENDING,
    SYSTEM,
    TIMERS,
    VERIFYING,
    Story,
    changing,
    erased,
    opening,
    registering,
    rotating,
)
from workers.engine.decision import Accepted
from workers.engine.service import Call, Done, Effect, Result, Retryable, Send
from workers.services.auth.account import claim_ref
from workers.services.auth.ports import KeyStore
from workers.services.auth.service import SERVICE

THIRD_SESSION = SessionId("77777777-7777-4777-8777-777777777777")
GROUP, COMMANDS, EVENTS = "auth-commands", commands_topic("auth"), events_topic("auth")


# --- reactions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "service"),
    [
        (UserDataErased(user_id=USER), "user"),
        (CompanyErased(company_id=ClientId(derived("company")), user_id=USER, existed=False), "client"),
        (ContractorErased(contractor_id=ContractorId(derived("contractor")), user_id=USER, existed=True), "contractor"),
        (RecipientErased(user_id=USER), "notification"),
        (LeadErased(email_hash=digest("amina@example.com"), user_id=USER), "lead"),
        (VisitorErased(user_id=USER, visits=0, events=0), "analytics"),
    ],
)
def test_a_service_that_has_erased_its_part_is_counted(data: EventData, service: str) -> None:
    assert data.service == service
    assert sent_on(SERVICE, data) == [Send(RecordErasurePart(user_id=USER, part=ErasurePart(service)))]


def test_every_part_is_waited_for_and_answered() -> None:
    assert {reaction.event.service for reaction in SERVICE.reactions} == {part.value for part in ErasurePart}


def test_the_erasure_of_an_address_without_account_concerns_no_account() -> None:
    assert sent_on(SERVICE, LeadErased(email_hash=digest("amina@example.com"))) == []


# --- the keys ------------------------------------------------------------------------------------------------------


class Keys:
    """A key store that shows what was destroyed, or fails as it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.destroyed: list[tuple[str, Purpose]] = []

    async def destroy(self, subject: str, purpose: Purpose) -> list[int]:
        if self.failure:
            raise self.failure
        self.destroyed.append((subject, purpose))
        return [1]


async def carried_out(data: EventData, keys: KeyStore) -> Result:
    effects: list[Effect[Any]] = [effect for effect in SERVICE.effects if effect.event is type(data)]
    (effect,) = effects
    event = event_of(data)
    return await effect.run(Call(effect_id(event.id, effect.name), event, "test"), {}, keys)


@pytest.mark.parametrize(
    ("data", "purpose", "scope"),
    [
        (SubjectKeyDestructionRequested(user_id=USER), Purpose.SUBJECT, KeyScope.SUBJECT),
        (LegalKeyDestructionRequested(user_id=USER), Purpose.LEGAL, KeyScope.LEGAL),
    ],
)
async def test_the_key_that_is_named_is_destroyed_and_no_other(data: EventData, purpose: Purpose, scope: KeyScope) -> None:
    keys = Keys()
    assert await carried_out(data, keys) == Done((RecordSubjectKeyDestroyed(user_id=USER, scope=scope),))
    assert keys.destroyed == [(USER, purpose)]


async def test_keys_that_cannot_be_had_are_asked_for_again() -> None:
    keys = Keys(KeysUnavailable("throttled"))
    assert await carried_out(SubjectKeyDestructionRequested(user_id=USER), keys) == Retryable("KeysUnavailable: throttled")


# --- repetition ----------------------------------------------------------------------------------------------------

AGAIN: list[tuple[CommandData, str]] = [
    (registering(), PUBLIC),
    (VERIFYING, PUBLIC),
    (CONFIRMING, PUBLIC),
    (SETTING, PUBLIC),
    (REPLACING, OWNER),
    (opening(), PUBLIC),
    (rotating("token 1", "token 2"), OWNER),
    (REVOKING, OWNER),
    (RevokeAllSessions(user_id=USER), OWNER),
    (SUSPENDING, ADMIN),
    (ReinstateUser(user_id=USER), ADMIN),
    (ERASING, OWNER),
    (erased(ErasurePart.USER), SYSTEM),
    (KEY_DESTROYED, SYSTEM),
    (DestroyLegalKey(user_id=USER), TIMERS),
]


@pytest.mark.parametrize("index", range(len(AGAIN)))
def test_a_command_sent_twice_changes_nothing_the_second_time(index: int) -> None:
    data, actor = AGAIN[index]
    for story in (Story(), Story().registered(), Story().signed_in(), Story().leaving(), Story().emptied(), Story().gone()):
        story.send(changing())
        story.send(RESETTING, PUBLIC)
        story.assert_moved_once(data, actor)


LIFE: list[tuple[CommandData, str, int]] = [
    (registering(), PUBLIC, 0),
    (ASKING_AGAIN, OWNER, 0),
    (VerifyEmail(user_id=USER, token_hash=digest("again")), PUBLIC, 0),
    (changing(), OWNER, 0),
    (CONFIRMING, PUBLIC, 0),
    (RESETTING, PUBLIC, 0),
    (SETTING, PUBLIC, 0),
    *[(FAILING, PUBLIC, 0)] * 10,
    (opening(epoch=2), PUBLIC, 1),
    (rotating("token 1", "token 2"), OWNER, 1),
    (REVOKING, OWNER, 1),
    (opening(OTHER_SESSION, 2), PUBLIC, 1),
    (rotating("token 0", "token 9", OTHER_SESSION), OWNER, 1),
    (opening(THIRD_SESSION, 2), PUBLIC, 1),
    (ExpireSession(user_id=USER, session_id=THIRD_SESSION), TIMERS, 8),
    (RevokeAllSessions(user_id=USER), OWNER, 9),
    (SUSPENDING, ADMIN, 10),
    (ReinstateUser(user_id=USER), ADMIN, 10),
    (DEACTIVATING, OWNER, 11),
    (RequestErasure(user_id=USER, verified_epoch=2), OWNER, 12),
    *[(erased(part), SYSTEM, 12) for part in ErasurePart],
    (KEY_DESTROYED, SYSTEM, 12),
    (DestroyLegalKey(user_id=USER), TIMERS, 12 + 3653),
]


def test_a_life_from_registration_to_the_last_key_tells_every_event_there_is() -> None:
    story = Story()
    for data, actor, day in LIFE:
        assert isinstance(story.send(data, actor, after(days=day)), Accepted), data
    assert {type(event) for event in story.oracle.events} == set(event_models("auth"))
    assert story.timers.keys() == {"session-expiry", "legal-key-destroy"}


# --- on the engine -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
async def test_two_who_want_one_address_at_once_get_one_account(seed: int) -> None:
    async with plant(SERVICE, seed) as made:
        users = [UserId(derived(f"user {seed} {number}")) for number in range(6)]
        await made.send(COMMANDS, [outgoing(registering(user), PUBLIC, user) for user in users])
        process = made.start(rates=MANY)
        await made.until_settled(GROUP, COMMANDS)
        await process.stop()
        claims = [item for ref, item in made.store.items.items() if ref == claim_ref(digest("amina@example.com"))]
        (winner,) = [ref.key for ref, item in made.store.items.items() if item.get("emailHash")]
        assert [claim["ownerId"] for claim in claims] == [winner]
        told = {verdict.header(record, "ce_id"): record.value or b"" for record in made.records(EVENTS)}
        assert sum(b'"reason":"email_taken"' in value for value in told.values()) == len(users) - 1
        assert sum(b'"emailHash"' in value for value in told.values()) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_a_change_of_address_and_a_registration_race_for_it(seed: int) -> None:
    other = UserId(derived(f"other {seed}"))
    async with plant(SERVICE, seed) as made:
        await made.send(COMMANDS, [outgoing(registering(), PUBLIC, "registering"), outgoing(changing(), OWNER, "changing")])
        process = made.start(rates=MANY)
        await made.until_settled(GROUP, COMMANDS)
        wanted = registering(other, "amina@example.org")
        await made.send(COMMANDS, [outgoing(CONFIRMING, PUBLIC, "confirming"), outgoing(wanted, PUBLIC, "wanting")])
        await made.until_settled(GROUP, COMMANDS)
        await process.stop()
        holders = [ref.key for ref, item in made.store.items.items() if item.get("emailHash") == digest("amina@example.org")]
        assert holders == [made.store.items[claim_ref(digest("amina@example.org"))]["ownerId"]]
        kept = claim_ref(digest("amina@example.com")) in made.store.items
        assert kept is (holders == [other])


STEPS: list[tuple[CommandData, str]] = [
    (VERIFYING, PUBLIC),
    (ASKING_AGAIN, OWNER),
    (changing(), OWNER),
    (CONFIRMING, PUBLIC),
    (RESETTING, PUBLIC),
    (SETTING, PUBLIC),
    (FAILING, PUBLIC),
    (opening(), PUBLIC),
    (opening(OTHER_SESSION, 2), PUBLIC),
    (rotating("token 1", "token 2"), OWNER),
    (rotating("token 2", "token 3"), OWNER),
    (rotating("token 1", "token 2", OTHER_SESSION), OWNER),
    (REVOKING, OWNER),
    (SUSPENDING, ADMIN),
    (ReinstateUser(user_id=USER), ADMIN),
]
LEAVING: list[tuple[CommandData, str]] = [(ERASING, OWNER), *((erased(part), SYSTEM) for part in ErasurePart), (KEY_DESTROYED, SYSTEM)]


@pytest.mark.parametrize("seed", range(10))
async def test_an_account_under_faults_ends_as_without(seed: int) -> None:
    chance = Random(seed)
    steps = [(registering(), PUBLIC), *chance.choices(STEPS, k=40), *LEAVING]
    await assert_ends_as_without_faults(SERVICE, numbered(steps), seed)
