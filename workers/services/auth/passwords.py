"""Passwords: forgotten, set anew, guessed at. Nobody here sees one; who checked one says which by its epoch."""

from contracts.auth import LoginLocked, PasswordChanged, PasswordResetRequested, RecordLoginFailure, RequestPasswordReset, SetPassword
from contracts.timestamps import plus
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.auth.account import Account, found, living
from workers.services.auth.proof import Proof, token_refusal
from workers.services.auth.rights import anyone, owner
from workers.services.auth.user import FailedLogin, Status, User

RESET_HOURS = 1
MOST_RESETS = 3
LOCKING_FAILURES = 10
LOCK_MINUTES = 15


def request_password_reset(state: Account, command: Command[RequestPasswordReset], at: Timestamp) -> Decision[Account]:
    user, link = living(state, command, anyone), command.data.reset
    if isinstance(user, Refused):
        return user
    if command.id in user.decided_by:
        return UNCHANGED
    if not user.is_active:
        return Refused("invalid_state")
    proof = user.password_reset or Proof()
    if len(proof.sent_within(at, hours=RESET_HOURS)) >= MOST_RESETS:
        return Refused("too_many_requests")
    expires_on = plus(at, hours=RESET_HOURS)
    asked = user.decided(command.id, password_reset=proof.asked(link, at, expires_on, hours=RESET_HOURS))
    event = PasswordResetRequested(user_id=user.id, nonce=link.nonce, kid=link.kid, expires_on=expires_on)
    return Accepted(state.become(asked), (event,))


def set_password(state: Account, command: Command[SetPassword], at: Timestamp) -> Decision[Account]:
    data = command.data
    user = living(state, command, anyone if data.token_hash else owner)
    if isinstance(user, Refused):
        return user
    if user.status is Status.INACTIVE:
        return Refused("invalid_state")
    if refusal := _unproved(user, data, at):
        return refusal
    changed = user.having(
        password_hash=data.password_hash,
        password_epoch=user.password_epoch + 1,
        password_reset=user.password_reset and user.password_reset.used(),
        sessions_valid_from=at,
    )
    return Accepted(state.become(changed), (PasswordChanged(user_id=user.id),))


def record_login_failure(state: Account, command: Command[RecordLoginFailure], at: Timestamp) -> Decision[Account]:
    """While it is locked nobody is counted: a lock ends by itself, whoever goes on trying."""
    user = found(state, command, anyone)
    if isinstance(user, Refused):
        return user
    recent = user.failures_within(at, minutes=LOCK_MINUTES)
    if user.is_erased or user.is_locked(at) or command.id in {failure.command_id for failure in recent}:
        return UNCHANGED
    failures = (*recent, FailedLogin(command_id=command.id, at=at))
    if len(failures) < LOCKING_FAILURES:
        return Accepted(state.become(user.having(failed_logins=failures, locked_until=None)))
    locked_until = plus(at, minutes=LOCK_MINUTES)
    event = LoginLocked(user_id=user.id, locked_until=locked_until)
    return Accepted(state.become(user.having(failed_logins=failures, locked_until=locked_until)), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _unproved(user: User, data: SetPassword, at: Timestamp) -> Refused | None:
    if data.token_hash is not None:
        return token_refusal(user.password_reset, data.token_hash, at)
    return None if data.verified_epoch == user.password_epoch else Refused("stale_password")
