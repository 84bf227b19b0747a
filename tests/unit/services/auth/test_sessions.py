"""Sessions: opened, rotated, reused, revoked, expired."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.auth import (
    AllSessionsRevoked,
    ExpireSession,
    RevokeAllSessions,
    SessionExpired,
    SessionOpened,
    SessionReuseDetected,
    SessionRevoked,
    SessionRotated,
)
from contracts.ids import within
from contracts.timestamps import plus, to_seconds
from contracts.types import CommandId
from tests.support.oracle import START
from tests.support.service_story import ADMIN, USER, after, digest
from tests.unit.services.auth.story import (
    AGENT,
    DEACTIVATING,
    ERASING,
    OTHER,
    OTHER_SESSION,
    OWNER,
    PUBLIC,
    REPLACING,
    REVOKING,
    SESSION,
    STRANGER,
    SUSPENDING,
    TIMERS,
    Story,
    opening,
    registering,
    rotating,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.auth.session import SessionState

FIRST = CommandId(within(USER, "first"))
REVOKING_ALL = RevokeAllSessions(user_id=USER)
EXPIRING = ExpireSession(user_id=USER, session_id=SESSION)
NEXT = rotating("token 1", "token 2")


def test_signing_in_opens_a_session() -> None:
    story = Story().signed_in()
    assert story.last == SessionOpened(user_id=USER, session_id=SESSION, new_device=True, user_agent=AGENT)
    session = story.session()
    assert (session.refresh_token, session.generation, session.state) == (digest("token 1"), 1, SessionState.OPEN)
    assert (session.expires_at, session.absolute_expiry) == (to_seconds(after(days=7)), after(days=30))
    assert story.timers == {"session-expiry": after(days=7)}


def test_a_session_is_opened_once() -> None:
    story = Story().verified()
    story.send(opening(), PUBLIC, command=FIRST)
    assert story.send(opening(), PUBLIC, command=FIRST) == UNCHANGED
    assert story.send(opening(), PUBLIC) == Refused("id_conflict")
    story.send(registering(OTHER, "other@example.com"), PUBLIC)
    assert story.send(opening(user=OTHER), PUBLIC) == Refused("id_conflict")
    assert story.session().user_id == USER


def test_a_session_is_refused() -> None:
    assert Story().send(opening(), PUBLIC) == Refused("not_found")
    assert Story().gone().send(opening(OTHER_SESSION), PUBLIC) == Refused("erased")
    assert Story().verified().send(opening(epoch=2), PUBLIC) == Refused("stale_password")
    for leaving, actor in ((SUSPENDING, ADMIN), (DEACTIVATING, OWNER), (ERASING, OWNER)):
        story = Story().verified()
        story.send(leaving, actor)
        assert story.send(opening(), PUBLIC) == Refused("user_not_active")


# --- rotation ------------------------------------------------------------------------------------------------------


def test_the_current_token_is_exchanged_for_the_next() -> None:
    story = Story().signed_in()
    story.send(NEXT, at=after(days=5))
    assert story.last == SessionRotated(user_id=USER, session_id=SESSION, generation=2)
    session = story.session()
    assert (session.refresh_token, session.prev_refresh_token, session.rotated_at) == (digest("token 2"), digest("token 1"), after(days=5))
    assert story.timers == {"session-expiry": after(days=12)}
    assert story.send(NEXT, at=after(days=5)) == UNCHANGED


def test_no_session_lives_longer_than_thirty_days() -> None:
    story = Story().signed_in()
    for number, day in enumerate((6, 12, 18, 24, 29), start=1):
        story.send(rotating(f"token {number}", f"token {number + 1}"), at=after(days=day))
    assert story.timers == {"session-expiry": after(days=30)}
    assert story.send(rotating("token 6", "token 7"), at=after(days=30)) == Refused("session_expired")


def test_who_lost_the_answer_asks_again_within_thirty_seconds() -> None:
    story = Story().signed_in()
    story.send(NEXT)
    for seconds, new in ((10, "token 3"), (30, "token 4")):
        assert isinstance(story.send(rotating("token 1", new), at=after(seconds=seconds)), Accepted)
    assert story.session().refresh_token == digest("token 4")
    story.send(rotating("token 1", "token 5"), at=after(seconds=31))
    assert story.last == SessionReuseDetected(user_id=USER, session_id=SESSION, generation=4)


def test_a_token_that_two_people_hold_ends_the_session() -> None:
    story = Story().signed_in()
    story.send(NEXT)
    story.send(rotating("token 1", "token 3"), at=after(seconds=5))
    story.send(rotating("token 2", "token 4"), at=after(seconds=6))
    assert isinstance(story.last, SessionReuseDetected)
    assert (story.session().state, story.timers) == (SessionState.REVOKED, {})
    assert story.send(rotating("token 3", "token 5"), at=after(seconds=7)) == Refused("session_revoked")


def test_an_exchange_is_refused() -> None:
    assert Story().send(NEXT) == Refused("not_found")
    assert Story().verified().send(NEXT) == Refused("not_found")
    assert Story().signed_in().send(NEXT, STRANGER) == Refused("forbidden")
    assert Story().signed_in().send(NEXT, at=after(days=7)) == Refused("session_expired")
    assert Story().gone().send(NEXT) == Refused("erased")


@pytest.mark.parametrize(
    ("closing", "actor", "reason"),
    [
        (REVOKING, OWNER, "session_revoked"),
        (REVOKING_ALL, OWNER, "session_revoked"),
        (REPLACING, OWNER, "session_revoked"),
        (SUSPENDING, ADMIN, "user_not_active"),
        (DEACTIVATING, OWNER, "user_not_active"),
        (ERASING, OWNER, "user_not_active"),
    ],
)
def test_what_closes_a_session(closing: Any, actor: str, reason: str) -> None:
    story = Story().signed_in()
    story.send(closing, actor, after(minutes=1))
    assert story.send(NEXT, at=after(minutes=2)) == Refused(reason)


def test_nobody_exchanges_the_token_of_another_account() -> None:
    story = Story().signed_in()
    story.send(registering(OTHER, "other@example.com"), PUBLIC)
    theirs = NEXT.model_copy(update={"user_id": OTHER})
    assert story.send(theirs, STRANGER) == Refused("not_found")
    assert story.send(REVOKING.model_copy(update={"user_id": OTHER}), STRANGER) == Refused("not_found")


TOKENS = [f"token {number}" for number in range(1, 9)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 40)), max_size=20))
def test_no_order_of_genuine_tokens_keeps_two_holders_going(moves: list[tuple[int, int]]) -> None:
    """Tokens that were given out are presented in any order, again and again, each time for a token never seen before."""
    story, now, given_out = Story().signed_in(), 0, ["token 1"]
    current, former, since, revoked = "token 1", "", 0, False
    for step, (choice, gap) in enumerate(moves):
        now += gap
        presented, new = given_out[choice % len(given_out)], f"fresh {step}"
        decision = story.send(rotating(presented, new), at=plus(START, seconds=now))
        if revoked:
            assert decision == Refused("session_revoked")
            continue
        assert isinstance(decision, Accepted)
        genuine = presented == current or (presented == former and now <= since + 30)
        revoked = not genuine
        if genuine:
            since = now if presented == current else since
            current, former = new, presented
            given_out.append(new)
        assert story.session().refresh_token == digest(current)
    assert story.session().is_open is not revoked
    assert len(story.oracle.emitted(SessionReuseDetected)) == int(revoked)
    assert story.session().generation == 1 + len(story.oracle.emitted(SessionRotated))
    assert ("session-expiry" in story.timers) is not revoked


@settings(max_examples=200, deadline=None)
@given(st.permutations(range(1, 6)), st.lists(st.integers(1, 5), max_size=5))
def test_rotations_published_again_in_any_order_open_no_door(order: list[int], repeats: list[int]) -> None:
    """Each exchange is ``token n`` for ``token n+1``: whatever comes back late, the last token given out is the only one that may work."""
    story = Story().signed_in()
    steps = [rotating(f"token {number}", f"token {number + 1}") for number in range(1, 6)]
    for minute, number in enumerate([1, 2, 3, 4, 5, *order, *repeats]):
        story.send(steps[number - 1], at=after(minutes=minute))
    session = story.session()
    assert session.refresh_token == digest("token 6")
    assert len(story.oracle.emitted(SessionRotated)) == 5
    assert len(story.oracle.emitted(SessionReuseDetected)) <= 1


# --- the end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_a_session_is_revoked_once(actor: str) -> None:
    story = Story().signed_in()
    story.send(REVOKING, actor)
    assert story.last == SessionRevoked(user_id=USER, session_id=SESSION)
    assert (story.session().state, story.timers) == (SessionState.REVOKED, {})
    assert story.send(REVOKING, actor) == UNCHANGED


def test_revoking_is_refused() -> None:
    assert Story().send(REVOKING) == Refused("not_found")
    assert Story().verified().send(REVOKING) == Refused("not_found")
    assert Story().signed_in().send(REVOKING, STRANGER) == Refused("forbidden")
    assert Story().gone().send(REVOKING) == Refused("erased")
    assert Story().send(REVOKING_ALL) == Refused("not_found")
    assert Story().signed_in().send(REVOKING_ALL, STRANGER) == Refused("forbidden")
    assert Story().gone().send(REVOKING_ALL) == Refused("erased")


def test_all_sessions_are_revoked_by_a_date() -> None:
    story = Story().signed_in()
    story.send(REVOKING_ALL, at=after(minutes=1), command=FIRST)
    assert story.last == AllSessionsRevoked(user_id=USER)
    story.send(opening(OTHER_SESSION), PUBLIC, after(minutes=2))
    assert story.send(REVOKING_ALL, at=after(minutes=3), command=FIRST) == UNCHANGED
    assert isinstance(story.send(rotating("token 1", "token 2", OTHER_SESSION), at=after(minutes=4)), Accepted)


def test_a_session_expires_when_its_time_has_come() -> None:
    story = Story().signed_in()
    story.send(NEXT, at=after(days=1))
    assert story.send(EXPIRING, TIMERS, after(days=7)) == UNCHANGED
    story.send(EXPIRING, TIMERS, after(days=8))
    assert story.last == SessionExpired(user_id=USER, session_id=SESSION)
    assert story.send(EXPIRING, TIMERS, after(days=8)) == UNCHANGED


def test_an_expiry_that_comes_after_the_row_is_gone() -> None:
    assert Story().verified().send(EXPIRING, TIMERS, after(days=9)) == UNCHANGED
    assert Story().send(EXPIRING, TIMERS) == Refused("not_found")
    assert Story().signed_in().send(EXPIRING, OWNER, after(days=9)) == Refused("forbidden")
