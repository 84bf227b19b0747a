"""Addresses: taken once, proved, changed for another that is proved first."""

from typing import Any

import pytest

from contracts.auth import (
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    EmailVerified,
    RequestEmailVerification,
    Role,
    UserRegistered,
)
from contracts.ids import within
from contracts.types import CommandId, Locale
from tests.support.oracle import START
from tests.support.service_story import ADMIN, USER, after, digest, link, sealed
from tests.unit.services.auth.story import (
    ASKING_AGAIN,
    CONFIRMING,
    DEACTIVATING,
    OTHER,
    OWNER,
    PUBLIC,
    REMINDING,
    RESETTING,
    SEED,
    SETTING,
    STRANGER,
    SUSPENDING,
    SYSTEM,
    TIMERS,
    VERIFYING,
    Story,
    changing,
    registering,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.auth.account import claim_ref

FIRST = CommandId(within(USER, "first"))
ADDRESS, NEW_ADDRESS = "amina@example.com", "amina@example.org"
LAST_DAY = after(days=7)


def test_a_registration_takes_the_address_and_asks_for_a_proof() -> None:
    story = Story().registered()
    assert story.oracle.events == [
        UserRegistered(
            user_id=USER,
            email=sealed(ADDRESS),
            email_hash=digest(ADDRESS),
            role=Role.COMPANY,
            locale=Locale.AR,
            nonce=link("verify").nonce,
            kid="k1",
            expires_on=LAST_DAY,
        )
    ]
    assert story.oracle.items[claim_ref(digest(ADDRESS))]["ownerId"] == USER
    assert story.timers == {"email-verification-reminder": after(days=3)}
    assert (story.user.password_epoch, story.user.email_verified) == (1, False)


def test_an_account_is_created_once() -> None:
    story = Story()
    story.send(registering(), PUBLIC, command=FIRST)
    assert story.send(registering(), PUBLIC, command=FIRST) == UNCHANGED
    assert story.send(registering(), PUBLIC) == Refused("id_conflict")


def test_an_address_belongs_to_one_account() -> None:
    assert Story().registered().send(registering(OTHER), PUBLIC) == Refused("email_taken")


@pytest.mark.parametrize(("actor", "allowed"), [(PUBLIC, False), (OWNER, False), (SYSTEM, False), (ADMIN, True), (SEED, True)])
def test_admins_are_made_by_admins_and_the_seed(actor: str, allowed: bool) -> None:
    decision = Story().send(registering(role=Role.ADMIN), actor)
    assert isinstance(decision, Accepted) if allowed else decision == Refused("role_not_allowed")


# --- the proof -----------------------------------------------------------------------------------------------------


def test_the_link_proves_the_address() -> None:
    story = Story().registered()
    story.send(VERIFYING, PUBLIC, LAST_DAY)
    assert story.last == EmailVerified(user_id=USER, email_hash=digest(ADDRESS))
    assert (story.user.email_verified, story.user.email_verification) == (True, None)
    assert story.timers == {}
    assert story.send(VERIFYING, PUBLIC, after(days=30)) == UNCHANGED


@pytest.mark.parametrize(
    ("story", "days", "reason"),
    [
        (Story(), 0, "not_found"),
        (Story().registered(verification=link("another")), 0, "token_invalid"),
        (Story().registered(), 8, "token_expired"),
        (Story().gone(), 0, "erased"),
    ],
)
def test_a_proof_is_refused(story: Story, days: int, reason: str) -> None:
    assert story.send(VERIFYING, PUBLIC, after(days=days)) == Refused(reason)


def test_who_left_proves_nothing() -> None:
    story = Story().registered()
    story.send(DEACTIVATING)
    assert story.send(VERIFYING, PUBLIC) == Refused("invalid_state")


def test_another_link_takes_the_place_of_the_first() -> None:
    story = Story().registered()
    story.send(ASKING_AGAIN, at=after(hours=1))
    assert story.last == EmailVerificationRequested(
        user_id=USER, email=sealed(ADDRESS), nonce=link("again").nonce, kid="k1", expires_on=after(days=7, hours=1), reminder=False
    )
    assert story.send(VERIFYING, PUBLIC) == Refused("token_invalid")


def test_without_a_link_the_stored_one_goes_out_again() -> None:
    story = Story().registered()
    story.send(REMINDING, at=after(days=6))
    assert story.last.nonce == link("verify").nonce
    assert isinstance(story.send(VERIFYING, PUBLIC, after(days=8)), Accepted)


def test_five_a_day_are_enough() -> None:
    story = Story().registered()
    for hour in range(1, 5):
        assert isinstance(story.send(ASKING_AGAIN, at=after(hours=hour)), Accepted)
    assert story.send(ASKING_AGAIN, at=after(hours=5)) == Refused("too_many_requests")
    assert isinstance(story.send(ASKING_AGAIN, at=after(days=1, hours=1)), Accepted)


@pytest.mark.parametrize(
    ("story", "actor", "reason"),
    [
        (Story(), OWNER, "not_found"),
        (Story().registered(), STRANGER, "forbidden"),
        (Story().registered(), PUBLIC, "forbidden"),
        (Story().gone(), OWNER, "erased"),
    ],
)
def test_another_link_is_refused(story: Story, actor: str, reason: str) -> None:
    assert story.send(ASKING_AGAIN, actor) == Refused(reason)


def test_nobody_who_is_suspended_asks_for_links() -> None:
    story = Story().registered()
    story.send(SUSPENDING, ADMIN)
    assert story.send(ASKING_AGAIN) == Refused("invalid_state")
    assert story.send(changing()) == Refused("invalid_state")
    assert story.send(RESETTING, PUBLIC) == Refused("invalid_state")
    assert story.send(REMINDING, TIMERS, after(days=3)) == UNCHANGED


def test_a_proved_address_needs_no_link() -> None:
    assert Story().verified().send(ASKING_AGAIN) == UNCHANGED


def test_the_timer_reminds_once() -> None:
    story = Story().registered()
    assert story.send(REMINDING, TIMERS, after(days=2)) == UNCHANGED
    story.send(REMINDING, TIMERS, after(days=3))
    assert story.last == EmailVerificationRequested(
        user_id=USER, email=sealed(ADDRESS), nonce=link("verify").nonce, kid="k1", expires_on=after(days=10), reminder=True
    )
    assert story.send(REMINDING, TIMERS, after(days=4)) == UNCHANGED
    story.send(ASKING_AGAIN, at=after(days=5))
    assert story.send(REMINDING, TIMERS, after(days=6)) == UNCHANGED


def test_who_asked_often_is_not_reminded() -> None:
    story = Story().registered()
    for hour in range(5):
        story.send(ASKING_AGAIN, at=after(days=2, hours=12 + hour))
    assert story.send(REMINDING, TIMERS, after(days=3)) == UNCHANGED


# --- another address -----------------------------------------------------------------------------------------------


def test_a_change_waits_for_the_proof_of_the_other_address() -> None:
    story = Story().verified()
    story.send(changing())
    assert story.last == EmailChangeRequested(
        user_id=USER,
        new_email=sealed(NEW_ADDRESS),
        new_email_hash=digest(NEW_ADDRESS),
        nonce=link("change").nonce,
        kid="k1",
        expires_on=LAST_DAY,
    )
    assert story.user.email_hash == digest(ADDRESS)
    assert claim_ref(digest(NEW_ADDRESS)) not in story.oracle.items


def test_the_proof_changes_the_address_and_its_claim() -> None:
    story = Story().registered()
    story.send(changing())
    story.send(CONFIRMING, PUBLIC, LAST_DAY)
    assert story.last == EmailChanged(
        user_id=USER,
        email=sealed(NEW_ADDRESS),
        email_hash=digest(NEW_ADDRESS),
        old_email=sealed(ADDRESS),
        old_email_hash=digest(ADDRESS),
    )
    assert (story.user.email_verified, story.user.pending_email, story.timers) == (True, None, {})
    assert story.oracle.items[claim_ref(digest(NEW_ADDRESS))]["ownerId"] == USER
    assert isinstance(story.send(registering(OTHER), PUBLIC), Accepted)
    assert story.send(CONFIRMING, PUBLIC) == Refused("token_invalid")


def test_a_link_to_the_former_mailbox_resets_no_password() -> None:
    story = Story().verified()
    story.send(RESETTING, PUBLIC)
    story.send(changing())
    story.send(CONFIRMING, PUBLIC)
    assert story.send(SETTING, PUBLIC) == Refused("token_invalid")


def test_a_link_to_one_mailbox_is_no_proof_of_the_other() -> None:
    story = Story().registered()
    story.send(changing())
    assert story.send(VERIFYING.model_copy(update={"token_hash": digest("change")}), PUBLIC) == Refused("token_invalid")
    assert story.send(CONFIRMING.model_copy(update={"token_hash": digest("verify")}), PUBLIC) == Refused("token_invalid")


def test_a_change_is_refused() -> None:
    assert Story().send(changing()) == Refused("not_found")
    assert Story().verified().send(changing(), STRANGER) == Refused("forbidden")
    assert Story().verified().send(changing(ADDRESS)) == Refused("same_email")
    assert Story().gone().send(changing()) == Refused("erased")


def test_the_proof_of_a_change_is_refused() -> None:
    assert Story().send(CONFIRMING, PUBLIC) == Refused("not_found")
    assert Story().verified().send(CONFIRMING, PUBLIC) == Refused("token_invalid")
    assert Story().gone().send(CONFIRMING, PUBLIC) == Refused("erased")
    story = Story().verified()
    story.send(changing())
    assert story.send(CONFIRMING, PUBLIC, after(days=8)) == Refused("token_expired")
    story.send(registering(OTHER, NEW_ADDRESS), PUBLIC)
    assert story.send(CONFIRMING, PUBLIC) == Refused("email_taken")
    assert story.user.email_hash == digest(ADDRESS)
    story.send(DEACTIVATING)
    assert story.send(CONFIRMING, PUBLIC) == Refused("invalid_state")


@pytest.mark.parametrize("asking", [ASKING_AGAIN, changing(), RequestEmailVerification(user_id=USER)])
def test_an_old_request_published_again_takes_no_newer_ones_place(asking: Any) -> None:
    story = Story().registered()
    story.send(asking, command=FIRST)
    story.send(changing("amina@example.net", "newer"))
    story.send(ASKING_AGAIN)
    before = story.user
    assert story.send(asking, at=START, command=FIRST) == UNCHANGED
    assert story.user == before
