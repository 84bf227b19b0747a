"""Invitations made, made anew, sent again, reminded of."""

from typing import Any

import pytest

from contracts.client import InvitationReminderDue, InvitationSent
from contracts.ids import within
from contracts.timestamps import to_seconds
from contracts.types import CommandId, Locale, Timestamp
from tests.support.oracle import START
from tests.support.service_story import ADMIN, USER, after, digest, link
from tests.unit.services.client.story import (
    COMPANY,
    EMAIL,
    EMAIL_HASH,
    ERASING,
    EXPIRING,
    INVITATION,
    INVITED,
    LAST_DAY,
    MESSAGE,
    NAME,
    OTHER,
    OWNER,
    REJECTING,
    REMINDING,
    REVOKING,
    STRANGER,
    SYSTEM,
    TIMERS,
    VERIFYING,
    Story,
    accepting,
    inviting,
    registering,
    resending,
)
from workers.engine.decision import UNCHANGED, Accepted, Command, Refused
from workers.services.client.invitation import Status, invitation_id
from workers.services.client.inviting import invite_contractor
from workers.services.client.state import CLIENTS, invitation_ref

FIRST = CommandId(within(USER, "first"))


def mail(token: str, valid_until: Timestamp) -> dict[str, Any]:
    return {
        "invitation_id": INVITATION,
        "client_id": COMPANY,
        "company_name": NAME,
        "contractor_email": EMAIL,
        "email_hash": EMAIL_HASH,
        "nonce": link(token).nonce,
        "kid": "k1",
        "valid_until": valid_until,
        "locale": Locale.AR,
        "message": MESSAGE,
    }


def test_an_invitation_goes_out() -> None:
    story = Story().invited()
    assert story.last == InvitationSent(**mail("first", LAST_DAY))
    assert story.timers == {"invitation-reminder": after(days=3), "invitation-expiry": LAST_DAY}
    assert [timer.command for timer in story.oracle.timers.values()] == [REMINDING, EXPIRING]
    row = story.oracle.items[invitation_ref(INVITATION)]
    assert {name: value for name, value in row.items() if name not in ("createdBy", "createdAt", "updatedAt", "decidedBy")} == {
        "id": INVITATION,
        "clientId": COMPANY,
        "contractorEmail": EMAIL,
        "emailHash": EMAIL_HASH,
        "token": digest("first"),
        "nonce": link("first").nonce,
        "kid": "k1",
        "locale": "ar",
        "message": MESSAGE,
        "status": "pending",
        "validUntil": LAST_DAY,
        "expiresAt": to_seconds(after(days=37)),
        "sent": 1,
    }


@pytest.mark.parametrize("at", [START, LAST_DAY])
def test_whoever_is_invited_is_not_invited_twice(at: Timestamp) -> None:
    story = Story().invited()
    assert story.send(inviting("another"), at=at) == UNCHANGED


@pytest.mark.parametrize("story", [Story().revoked(), Story().expired(), Story().invited()])
def test_what_has_ended_is_made_anew(story: Story) -> None:
    """The third has only passed its deadline; its timer is late."""
    story.send(inviting("anew", message=None), at=after(days=8))
    assert story.last == InvitationSent(**mail("anew", after(days=15)) | {"message": None})
    assert (story.invitation.status, story.invitation.sent) == (Status.PENDING, 1)
    assert story.send(accepting(), INVITED, after(days=9)) == Refused("token_invalid")
    assert isinstance(story.send(accepting("anew"), INVITED, after(days=9)), Accepted)


def test_an_old_invitation_published_again_invites_nobody() -> None:
    story = Story().verified()
    story.send(inviting(), command=FIRST)
    story.send(REVOKING)
    assert story.send(inviting(), command=FIRST) == UNCHANGED


@pytest.mark.parametrize(
    ("story", "actor", "changes", "reason"),
    [
        (Story(), OWNER, {}, "not_found"),
        (Story().verified(), STRANGER, {}, "forbidden"),
        (Story().verified(), SYSTEM, {}, "forbidden"),
        (Story().verified(), OWNER, {"email_hash": digest("another")}, "id_mismatch"),
        (Story().registered(), OWNER, {}, "company_not_verified"),
        (Story().accepted(), OWNER, {}, "already_accepted"),
        (Story().gone(), OWNER, {}, "erased"),
    ],
)
def test_an_invitation_is_refused(story: Story, actor: str, changes: dict[str, Any], reason: str) -> None:
    assert story.send(inviting(**changes), actor) == Refused(reason)


def test_who_is_verified_no_more_invites_nobody() -> None:
    story = Story().verified()
    story.send(REJECTING, ADMIN)
    assert story.send(inviting()) == Refused("company_not_verified")
    story.send(VERIFYING, ADMIN)
    assert isinstance(story.send(inviting()), Accepted)


# --- once more -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", [Story().invited(), Story().expired()])
def test_another_link_takes_the_place_of_the_first(story: Story) -> None:
    story.send(resending(), at=LAST_DAY)
    assert story.last == InvitationSent(**mail("second", after(days=14)))
    assert story.timers == {"invitation-reminder": after(days=10), "invitation-expiry": after(days=14)}
    assert (story.invitation.sent, story.invitation.expires_at) == (2, to_seconds(after(days=44)))
    assert story.send(accepting(), INVITED) == Refused("token_invalid")
    assert isinstance(story.send(accepting("second"), INVITED), Accepted)


def test_five_mails_are_enough() -> None:
    story = Story().invited()
    for number in range(4):
        assert isinstance(story.send(resending(str(number))), Accepted)
    assert story.send(resending("last")) == Refused("too_many_requests")


def test_an_old_link_published_again_replaces_none() -> None:
    story = Story().invited()
    story.send(resending(), command=FIRST)
    story.send(resending("third"))
    assert story.send(resending(), command=FIRST) == UNCHANGED
    assert story.invitation.token == digest("third")


@pytest.mark.parametrize(
    ("story", "actor", "reason"),
    [
        (Story(), OWNER, "not_found"),
        (Story().verified(), OWNER, "not_found"),
        (Story().invited(), STRANGER, "forbidden"),
        (Story().accepted(), OWNER, "already_accepted"),
        (Story().revoked(), OWNER, "invalid_state"),
        (Story().gone(), OWNER, "erased"),
    ],
)
def test_another_link_is_refused(story: Story, actor: str, reason: str) -> None:
    assert story.send(resending(), actor) == Refused(reason)


def test_another_companys_invitation_is_not_found() -> None:
    story = Story().invited()
    theirs = registering(OTHER)
    story.send(theirs, STRANGER)
    for command in (resending(), REVOKING, accepting()):
        elsewhere = command.model_copy(update={"company_id": theirs.company_id})
        assert story.send(elsewhere, ADMIN) == Refused("not_found")


# --- reminded ------------------------------------------------------------------------------------------------------


def test_each_mail_is_reminded_of_once() -> None:
    story = Story().invited()
    assert story.send(REMINDING, TIMERS, after(days=2)) == UNCHANGED
    story.send(REMINDING, TIMERS, after(days=3))
    assert story.last == InvitationReminderDue(**mail("first", LAST_DAY))
    assert story.send(REMINDING, TIMERS, after(days=4)) == UNCHANGED
    story.send(resending(), at=after(days=5))
    assert story.send(REMINDING, TIMERS, after(days=6)) == UNCHANGED
    story.send(REMINDING, TIMERS, after(days=8))
    assert story.last == InvitationReminderDue(**mail("second", after(days=12)))


@pytest.mark.parametrize(
    ("story", "days"),
    [(Story().accepted(), 3), (Story().revoked(), 3), (Story().invited(), 8), (Story().verified(), 3), (Story().gone(), 3)],
)
def test_nobody_is_reminded_of_what_is_over(story: Story, days: int) -> None:
    assert story.send(REMINDING, TIMERS, after(days=days)) == UNCHANGED


def test_an_erased_company_reminds_nobody() -> None:
    story = Story().invited()
    story.send(ERASING, SYSTEM)
    assert story.send(REMINDING, TIMERS, after(days=3)) == UNCHANGED


@pytest.mark.parametrize(("story", "actor", "reason"), [(Story(), TIMERS, "not_found"), (Story().invited(), OWNER, "forbidden")])
def test_a_reminder_is_refused(story: Story, actor: str, reason: str) -> None:
    assert story.send(REMINDING, actor, after(days=3)) == Refused(reason)


def test_invitations_read_together_stay_apart() -> None:
    """Commands of one company may be judged in one go, over the rows of all of them."""
    another = invitation_id(COMPANY, digest("b@example.com"))
    story = Story().invited()
    rows = dict(story.oracle.items)
    command = inviting("second", invitation_id=another, email_hash=digest("b@example.com"))

    decision = invite_contractor(CLIENTS.load(COMPANY, rows), Command(FIRST, COMPANY, OWNER, command), START)

    assert isinstance(decision, Accepted)
    saved = CLIENTS.save(decision.state)
    assert saved.keys() == {*rows, invitation_ref(another)}
    assert (saved[invitation_ref(INVITATION)]["token"], saved[invitation_ref(another)]["token"]) == (digest("first"), digest("second"))
