"""Passwords forgotten, set, guessed at."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.auth import LoginLocked, PasswordChanged, PasswordResetRequested, SetPassword
from contracts.ids import within
from contracts.timestamps import plus
from contracts.types import CommandId, Timestamp
from tests.support.oracle import START
from tests.support.service_story import ADMIN, USER, after, digest, link
from tests.unit.services.auth.story import (
    DEACTIVATING,
    FAILING,
    OWNER,
    PUBLIC,
    REPLACING,
    RESETTING,
    SETTING,
    STRANGER,
    SYSTEM,
    Story,
    opening,
    password,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused

FIRST = CommandId(within(USER, "first"))


def test_a_link_to_set_another_password() -> None:
    story = Story().registered()
    story.send(RESETTING, PUBLIC)
    assert story.last == PasswordResetRequested(user_id=USER, nonce=link("reset").nonce, kid="k1", expires_on=after(hours=1))


def test_three_links_an_hour_are_enough() -> None:
    story = Story().registered()
    for minute in (0, 10, 20):
        assert isinstance(story.send(RESETTING, PUBLIC, after(minutes=minute)), Accepted)
    assert story.send(RESETTING, PUBLIC, after(minutes=59)) == Refused("too_many_requests")
    assert isinstance(story.send(RESETTING, PUBLIC, after(minutes=60)), Accepted)


def test_three_links_an_hour_whether_they_are_used_or_not() -> None:
    story = Story().registered()
    for minute in (0, 10, 20):
        story.send(RESETTING, PUBLIC, after(minutes=minute))
        assert isinstance(story.send(SETTING, PUBLIC, after(minutes=minute)), Accepted)
    assert story.send(RESETTING, PUBLIC, after(minutes=30)) == Refused("too_many_requests")


def test_an_old_request_published_again_sends_nothing() -> None:
    story = Story().registered()
    story.send(RESETTING, PUBLIC, command=FIRST)
    story.send(SETTING, PUBLIC)
    assert story.send(RESETTING, PUBLIC, after(days=1), FIRST) == UNCHANGED


@pytest.mark.parametrize(("story", "reason"), [(Story(), "not_found"), (Story().leaving(), "invalid_state"), (Story().gone(), "erased")])
def test_a_link_is_refused(story: Story, reason: str) -> None:
    assert story.send(RESETTING, PUBLIC) == Refused(reason)


# --- setting -------------------------------------------------------------------------------------------------------


def test_the_link_sets_a_password_and_closes_every_session() -> None:
    story = Story().signed_in()
    story.send(RESETTING, PUBLIC)
    story.send(SETTING, PUBLIC, after(hours=1))
    assert story.last == PasswordChanged(user_id=USER)
    user = story.user
    assert (user.password_hash, user.password_epoch, user.sessions_valid_from) == (password("second"), 2, after(hours=1))
    assert story.send(SETTING, PUBLIC) == Refused("token_invalid")


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_who_knows_the_password_sets_another(actor: str) -> None:
    story = Story().registered()
    assert isinstance(story.send(REPLACING, actor), Accepted)
    assert story.send(REPLACING, actor) == Refused("stale_password")


def test_a_password_is_refused() -> None:
    assert Story().send(REPLACING) == Refused("not_found")
    assert Story().registered().send(REPLACING, STRANGER) == Refused("forbidden")
    assert Story().registered().send(REPLACING, PUBLIC) == Refused("forbidden")
    assert Story().gone().send(REPLACING) == Refused("erased")
    story = Story().registered()
    assert story.send(SETTING, PUBLIC) == Refused("token_invalid")
    story.send(RESETTING, PUBLIC)
    assert story.send(SETTING, PUBLIC, after(hours=1, seconds=1)) == Refused("token_expired")
    story.send(DEACTIVATING)
    assert story.send(SETTING, PUBLIC) == Refused("invalid_state")


@pytest.mark.parametrize("proofs", [{}, {"token_hash": digest("reset"), "verified_epoch": 1}])
def test_one_proof_is_needed(proofs: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either tokenHash or verifiedEpoch"):
        SetPassword(user_id=USER, password_hash=password("second"), **proofs)


# --- guessing ------------------------------------------------------------------------------------------------------


def failed(story: Story, times: int, at: Timestamp = START) -> Story:
    for _ in range(times):
        story.send(FAILING, PUBLIC, at)
    return story


def test_the_tenth_failure_locks() -> None:
    story = failed(Story().registered(), 9)
    assert story.oracle.emitted(LoginLocked) == []
    story.send(FAILING, PUBLIC, after(minutes=14))
    assert story.last == LoginLocked(user_id=USER, locked_until=after(minutes=29))
    assert story.send(opening(), PUBLIC, after(minutes=28)) == Refused("locked")
    assert isinstance(story.send(opening(), PUBLIC, after(minutes=29)), Accepted)


def test_a_lock_ends_whoever_goes_on_trying() -> None:
    story = failed(Story().registered(), 10)
    assert story.send(FAILING, PUBLIC, after(minutes=14)) == UNCHANGED
    assert isinstance(story.send(FAILING, PUBLIC, after(minutes=15)), Accepted)
    assert (len(story.user.failed_logins), story.user.locked_until) == (1, None)


def test_a_failure_counts_once_and_a_sign_in_forgets_them() -> None:
    story = failed(Story().registered(), 8)
    story.send(FAILING, PUBLIC, command=FIRST)
    assert story.send(FAILING, PUBLIC, command=FIRST) == UNCHANGED
    story.send(opening(), PUBLIC)
    assert story.user.failed_logins == ()


def test_failures_of_nobody() -> None:
    assert Story().send(FAILING, PUBLIC) == Refused("not_found")
    assert Story().gone().send(FAILING, PUBLIC) == UNCHANGED
    assert isinstance(Story().registered().send(FAILING, SYSTEM), Accepted)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_ten_failures_within_fifteen_minutes_lock_and_nothing_else_does(gaps: list[int]) -> None:
    """Told again as plainly as can be: seconds on a line, those while locked not counted."""
    story, now, counted, locked_until, locks = Story().registered(), 0, list[int](), 0, list[int]()
    for gap in gaps:
        now += gap
        story.send(FAILING, PUBLIC, plus(START, seconds=now))
        if now < locked_until:
            continue
        counted = [second for second in counted if second > now - 900] + [now]
        if len(counted) == 10:
            locked_until = now + 900
            locks.append(locked_until)
    assert [event.locked_until for event in story.oracle.emitted(LoginLocked) if isinstance(event, LoginLocked)] == [
        plus(START, seconds=second) for second in locks
    ]
    assert len(story.user.failed_logins) <= 10
