"""Invitations accepted, revoked, expired; any order of it all, and all of it again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.client import InvitationAccepted, InvitationExpired, InvitationRevoked, InvitationSent
from contracts.ids import derived, within
from contracts.timestamps import to_seconds
from contracts.types import CommandId, Timestamp
from tests.support.oracle import START
from tests.support.service_story import ADMIN, USER, after, digest
from tests.unit.services.client.story import (
    COMPANY,
    CONTRACTOR,
    EMAIL,
    ERASING,
    EXPIRING,
    INVITATION,
    INVITED,
    LAST_DAY,
    OTHER,
    OWNER,
    REMINDING,
    REVOKING,
    STRANGER,
    SYSTEM,
    TIMERS,
    WORKER,
    Story,
    accepting,
    inviting,
    resending,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.client.invitation import Status

TOO_LATE = Timestamp(LAST_DAY.replace(".000Z", ".001Z"))


@pytest.mark.parametrize("actor", [INVITED, ADMIN])
def test_the_invited_person_accepts_until_the_last_moment(actor: str) -> None:
    story = Story().invited()
    story.send(accepting(), actor, LAST_DAY)
    assert story.last == InvitationAccepted(
        invitation_id=INVITATION,
        client_id=COMPANY,
        client_user_id=USER,
        contractor_email=EMAIL,
        contractor_id=CONTRACTOR,
        user_id=WORKER,
    )
    row = story.invitation
    assert (row.status, row.accepted_by, row.accepted_at, row.contractor_id) == (Status.ACCEPTED, WORKER, LAST_DAY, CONTRACTOR)
    assert (row.expires_at, story.timers) == (None, {})
    assert story.send(accepting(), actor, after(days=100)) == UNCHANGED


def erased() -> Story:
    story = Story().invited()
    story.send(ERASING, SYSTEM)
    return story


@pytest.mark.parametrize(
    ("story", "command", "actor", "at", "reason"),
    [
        (Story(), accepting(), INVITED, START, "not_found"),
        (Story().verified(), accepting(), INVITED, START, "not_found"),
        (Story().invited(), accepting(), f"contractor:{OTHER}", START, "forbidden"),
        (Story().invited(), accepting(), f"company:{WORKER}", START, "forbidden"),
        (Story().invited(), accepting(contractor_id=derived("another")), INVITED, START, "id_mismatch"),
        (Story().invited(), accepting("guessed"), INVITED, START, "token_invalid"),
        (Story().invited(), accepting(email_hash=digest("another")), INVITED, START, "email_mismatch"),
        (Story().invited(), accepting(), INVITED, TOO_LATE, "invitation_expired"),
        (Story().expired(), accepting(), INVITED, LAST_DAY, "invitation_expired"),
        (Story().revoked(), accepting(), INVITED, START, "invitation_revoked"),
        (Story().revoked(), accepting("guessed"), INVITED, START, "token_invalid"),
        (Story().accepted(), accepting(user=OTHER), f"contractor:{OTHER}", START, "already_accepted"),
        (erased(), accepting(), INVITED, START, "erased"),
    ],
)
def test_an_acceptance_is_refused(story: Story, command: Any, actor: str, at: Timestamp, reason: str) -> None:
    assert story.send(command, actor, at) == Refused(reason)


# --- revoked -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [OWNER, ADMIN, SYSTEM])
def test_an_invitation_is_revoked(actor: str) -> None:
    story = Story().invited()
    story.send(REVOKING, actor, after(days=1))
    assert story.last == InvitationRevoked(invitation_id=INVITATION, client_id=COMPANY)
    assert (story.invitation.status, story.invitation.expires_at) == (Status.REVOKED, to_seconds(after(days=31)))
    assert story.timers == {}
    assert story.send(REVOKING, actor) == UNCHANGED


def test_that_of_an_erased_company_too() -> None:
    story = erased()
    story.send(REVOKING, SYSTEM)
    assert story.last == InvitationRevoked(invitation_id=INVITATION, client_id=COMPANY)


def test_an_old_revocation_published_again_ends_no_other_invitation() -> None:
    story, first = Story().invited(), CommandId(within(USER, "first"))
    story.send(REVOKING, command=first)
    story.send(inviting("anew"))
    assert story.send(REVOKING, command=first) == UNCHANGED


@pytest.mark.parametrize(
    ("story", "actor", "reason"),
    [
        (Story(), OWNER, "not_found"),
        (Story().verified(), OWNER, "not_found"),
        (Story().invited(), STRANGER, "forbidden"),
        (Story().accepted(), OWNER, "already_accepted"),
        (Story().expired(), OWNER, "invalid_state"),
    ],
)
def test_a_revocation_is_refused(story: Story, actor: str, reason: str) -> None:
    assert story.send(REVOKING, actor) == Refused(reason)


# --- expired -------------------------------------------------------------------------------------------------------


def test_an_invitation_expires_when_its_time_is_over() -> None:
    story = Story().invited()
    assert story.send(EXPIRING, TIMERS, after(days=6)) == UNCHANGED
    story.send(EXPIRING, TIMERS, after(days=8))
    assert story.last == InvitationExpired(invitation_id=INVITATION, client_id=COMPANY, client_user_id=USER, contractor_email=EMAIL)
    assert (story.invitation.status, story.invitation.expires_at) == (Status.EXPIRED, to_seconds(after(days=38)))
    assert story.send(EXPIRING, TIMERS, after(days=9)) == UNCHANGED


@pytest.mark.parametrize("story", [Story().accepted(), Story().revoked(), Story().verified(), Story().gone()])
def test_what_is_over_does_not_expire(story: Story) -> None:
    assert story.send(EXPIRING, TIMERS, LAST_DAY) == UNCHANGED


@pytest.mark.parametrize(("story", "actor", "reason"), [(Story(), TIMERS, "not_found"), (Story().invited(), OWNER, "forbidden")])
def test_an_expiry_is_refused(story: Story, actor: str, reason: str) -> None:
    assert story.send(EXPIRING, actor, LAST_DAY) == Refused(reason)


# --- any order -----------------------------------------------------------------------------------------------------

TOKENS = ("first", "second", "third")
STEPS: list[tuple[Any, str]] = [
    *((inviting(token), OWNER) for token in TOKENS),
    *((resending(token), OWNER) for token in TOKENS),
    *((accepting(token), INVITED) for token in TOKENS),
    (accepting("first", OTHER), f"contractor:{OTHER}"),
    (REVOKING, OWNER),
    (EXPIRING, TIMERS),
    (REMINDING, TIMERS),
]
ENDED: dict[Any, Status] = {
    InvitationAccepted: Status.ACCEPTED,
    InvitationRevoked: Status.REVOKED,
    InvitationExpired: Status.EXPIRED,
}
ORDERS = st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 3)), max_size=20)


def told(order: list[tuple[int, int]]) -> tuple[Story, list[tuple[Any, str, Timestamp, CommandId, Any]]]:
    """Each step some days after the one before."""
    story, day, done = Story().verified(), 0, []
    for place, (number, days) in enumerate(order):
        day += days
        data, actor = STEPS[number]
        id_, at = CommandId(within(USER, f"step {place}")), after(days=day)
        done.append((data, actor, at, id_, story.send(data, actor, at, id_)))
    return story, done


@settings(max_examples=300, deadline=None)
@given(ORDERS)
def test_an_invitation_is_accepted_once_by_whoever_has_its_last_link_in_time(order: list[tuple[int, int]]) -> None:
    story, _ = told(order)
    sent: InvitationSent | None = None
    over: Any = None
    for event in story.oracle.emitted(InvitationSent, InvitationAccepted, InvitationRevoked, InvitationExpired):
        assert not isinstance(over, InvitationAccepted), "nothing follows an acceptance"
        assert isinstance(event, InvitationSent) or (sent is not None and over is None)
        sent, over = (event, None) if isinstance(event, InvitationSent) else (sent, event)
    if sent is None:
        return
    row = story.invitation
    assert row.status is (ENDED[type(over)] if over else Status.PENDING)
    assert (row.expires_at is None) is (row.status is Status.ACCEPTED)
    assert (row.nonce, row.valid_until) == (sent.nonce, sent.valid_until)
    assert row.accepted_at is None or row.accepted_at <= row.valid_until
    assert set(story.timers) <= {"invitation-reminder", "invitation-expiry"}
    assert row.status is Status.PENDING or isinstance(over, InvitationExpired) or story.timers == {}


@settings(max_examples=200, deadline=None)
@given(ORDERS, st.data())
def test_what_was_applied_changes_nothing_when_it_is_published_again(order: list[tuple[int, int]], data: st.DataObject) -> None:
    """At any later time and in any order: people's commands are remembered by their row, the others judged by its state."""
    story, done = told(order)
    applied = [step for step in done if isinstance(step[4], Accepted)]
    items, events = dict(story.oracle.items), len(story.oracle.events)
    now = max((at for _, _, at, _, _ in done), default=START)
    repeated = [step for step in applied if step[1] != TIMERS]
    for command, actor, _, id_, _ in data.draw(st.permutations(repeated)):
        assert not isinstance(story.send(command, actor, now, id_), Accepted)
    assert (story.oracle.items, len(story.oracle.events)) == (items, events)
