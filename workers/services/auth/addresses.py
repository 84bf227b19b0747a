"""An account begins with an address; the address is proved, and may be changed for another that is proved first."""

from typing import TypedDict

from contracts.auth import (
    ChangeEmail,
    ConfirmEmailChange,
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    EmailVerified,
    RegisterUser,
    RequestEmailVerification,
    Role,
    UserRegistered,
    VerifyEmail,
)
from contracts.links import Link
from contracts.timestamps import plus
from contracts.types import Email, Hash, Pii, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.auth.account import EMAIL_TAKEN, Account, address_claim, address_release, living
from workers.services.auth.proof import Proof, token_refusal
from workers.services.auth.rights import anyone, makes_admins, owner, owner_or_ours
from workers.services.auth.timers import reminder_due, verification_reminder, without_verification_reminder
from workers.services.auth.user import Status, User

VALID_DAYS = 7
MOST_A_DAY = 5


def register_user(state: Account, command: Command[RegisterUser], at: Timestamp) -> Decision[Account]:
    data = command.data
    if state.user is not None:
        return UNCHANGED if state.user.created_by == command.id else Refused("id_conflict")
    if data.role is Role.ADMIN and not makes_admins(command.actor):
        return Refused("role_not_allowed")
    if state.is_taken(data.email_hash):
        return Refused(EMAIL_TAKEN)
    proof = _sent_out(Proof(), data.verification, at)
    user = User(id=data.user_id, email_verification=proof, **data.model_dump(exclude={"user_id", "verification"}))
    event = UserRegistered(
        user_id=user.id, email=data.email, email_hash=data.email_hash, role=user.role, locale=user.locale, **_link_of(data.verification, at)
    )
    claim = address_claim(data.email_hash, user.id)
    return Accepted(state.become(user), (event,), (verification_reminder(user.id, at),), (claim,))


def request_email_verification(state: Account, command: Command[RequestEmailVerification], at: Timestamp) -> Decision[Account]:
    user = living(state, command, owner_or_ours)
    if isinstance(user, Refused):
        return user
    if user.email_verified or command.id in user.decided_by:
        return UNCHANGED
    if not owner(command.actor, user.id):
        return _reminded(state, user, at)
    if not user.is_active:
        return Refused("invalid_state")
    proof = user.email_verification or Proof()
    if len(proof.sent_within(at, hours=24)) >= MOST_A_DAY:
        return Refused("too_many_requests")
    return _asked(state, user.decided(command.id), proof, command.data.verification or proof.link, at)


def verify_email(state: Account, command: Command[VerifyEmail], at: Timestamp) -> Decision[Account]:
    user = living(state, command, anyone)
    if isinstance(user, Refused):
        return user
    if user.email_verified:
        return UNCHANGED
    if user.status is Status.INACTIVE:
        return Refused("invalid_state")
    if refusal := token_refusal(user.email_verification, command.data.token_hash, at):
        return refusal
    verified = user.having(email_verified=True, email_verification=None)
    event = EmailVerified(user_id=user.id, email_hash=user.mailbox.email_hash)
    return Accepted(state.become(verified), (event,), (without_verification_reminder(user.id),))


def change_email(state: Account, command: Command[ChangeEmail], at: Timestamp) -> Decision[Account]:
    user, data = living(state, command, owner), command.data
    if isinstance(user, Refused):
        return user
    if command.id in user.decided_by:
        return UNCHANGED
    if not user.is_active:
        return Refused("invalid_state")
    if data.new_email_hash == user.email_hash:
        return Refused("same_email")
    proof = _sent_out(Proof(), data.verification, at)
    pending = user.decided(command.id, pending_email=data.new_email, pending_email_hash=data.new_email_hash, email_change=proof)
    event = EmailChangeRequested(
        user_id=user.id, new_email=data.new_email, new_email_hash=data.new_email_hash, **_link_of(data.verification, at)
    )
    return Accepted(state.become(pending), (event,))


def confirm_email_change(state: Account, command: Command[ConfirmEmailChange], at: Timestamp) -> Decision[Account]:
    user = living(state, command, anyone)
    if isinstance(user, Refused):
        return user
    if user.status is Status.INACTIVE:
        return Refused("invalid_state")
    if refusal := token_refusal(user.email_change, command.data.token_hash, at):
        return refusal
    email, email_hash = user.pending_email, user.pending_email_hash
    if email is None or email_hash is None:
        return Refused("token_invalid")
    return Refused(EMAIL_TAKEN) if state.is_taken(email_hash) else _changed(state, user, email, email_hash)


# --- rules ---------------------------------------------------------------------------------------------------------


class _LinkFields(TypedDict):
    nonce: str
    kid: str
    expires_on: Timestamp


def _expires_on(at: Timestamp) -> Timestamp:
    return plus(at, days=VALID_DAYS)


def _sent_out(proof: Proof, link: Link, at: Timestamp) -> Proof:
    return proof.asked(link, at, _expires_on(at), hours=24)


def _link_of(link: Link, at: Timestamp) -> _LinkFields:
    """What a sending effect needs to form the link's token."""
    return {"nonce": link.nonce, "kid": link.kid, "expires_on": _expires_on(at)}


def _reminded(state: Account, user: User, at: Timestamp) -> Decision[Account]:
    """Once, and nobody who asked often enough by himself needs it."""
    proof = user.email_verification or Proof()
    too_early = user.created_at is None or at < reminder_due(user.created_at)
    often = len(proof.sent_within(at, hours=24)) >= MOST_A_DAY
    if not user.is_active or proof.reminded_at is not None or too_early or often:
        return UNCHANGED
    return _asked(state, user, proof.model_copy(update={"reminded_at": at}), proof.link, at, reminder=True)


def _asked(state: Account, user: User, proof: Proof, link: Link | None, at: Timestamp, *, reminder: bool = False) -> Decision[Account]:
    if link is None:
        return Refused("invalid_state")
    event = EmailVerificationRequested(user_id=user.id, email=user.mailbox.email, reminder=reminder, **_link_of(link, at))
    return Accepted(state.become(user.having(email_verification=_sent_out(proof, link, at))), (event,))


def _changed(state: Account, user: User, email: Pii[Email], email_hash: Hash) -> Accepted[Account]:
    """The mailbox is proved with it. A link that went to the former one resets no password any more."""
    changed = user.having(
        email=email,
        email_hash=email_hash,
        email_verified=True,
        email_verification=None,
        pending_email=None,
        pending_email_hash=None,
        email_change=None,
        password_reset=user.password_reset and user.password_reset.used(),
    )
    old = user.mailbox
    event = EmailChanged(user_id=user.id, email=email, email_hash=email_hash, old_email=old.email, old_email_hash=old.email_hash)
    timers = () if user.email_verified else (without_verification_reminder(user.id),)
    return Accepted(state.become(changed), (event,), timers, (address_claim(email_hash, user.id), address_release(old.email_hash, user.id)))
