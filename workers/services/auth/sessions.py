"""Signing in and staying so: sessions opened, rotated, revoked, expired."""

from contracts.auth import (
    AllSessionsRevoked,
    ExpireSession,
    OpenSession,
    RevokeAllSessions,
    RevokeSession,
    RotateSession,
    SessionExpired,
    SessionOpened,
    SessionReuseDetected,
    SessionRevoked,
    SessionRotated,
)
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.auth.account import Account, found, living
from workers.services.auth.rights import anyone, ours, owner
from workers.services.auth.session import Session, absolute_expiry, expiry
from workers.services.auth.timers import session_expiry, without_session_expiry
from workers.services.auth.user import User


def open_session(state: Account, command: Command[OpenSession], at: Timestamp) -> Decision[Account]:
    user, data = living(state, command, anyone), command.data
    if isinstance(user, Refused):
        return user
    if known := state.sessions.get(data.session_id):
        return UNCHANGED if known.created_by == command.id else Refused("id_conflict")
    if refusal := _sign_in_refusal(user, data, at):
        return refusal
    session = _opened(data, at)
    event = SessionOpened(user_id=user.id, session_id=session.id, new_device=data.new_device, user_agent=data.user_agent)
    welcome = user.having(failed_logins=(), locked_until=None)
    return Accepted(state.become(welcome, session), (event,), (session_expiry(session),))


def rotate_session(state: Account, command: Command[RotateSession], at: Timestamp) -> Decision[Account]:
    user, data = living(state, command, owner), command.data
    if isinstance(user, Refused):
        return user
    session = state.session(data.session_id)
    if session is None:
        return Refused("not_found")
    if data.new_hash in (session.refresh_token, session.prev_refresh_token):
        return UNCHANGED
    if refusal := _closed(user, session, at):
        return refusal
    if not session.takes(data.presented_hash, at):
        return _reused(state, user, session)
    rotated = session.rotated(data.presented_hash, data.new_hash, at)
    event = SessionRotated(user_id=user.id, session_id=session.id, generation=rotated.generation)
    return Accepted(state.become(user, rotated), (event,), (session_expiry(rotated),))


def revoke_session(state: Account, command: Command[RevokeSession], _at: Timestamp) -> Decision[Account]:
    user = living(state, command, owner)
    if isinstance(user, Refused):
        return user
    session = state.session(command.data.session_id)
    if session is None:
        return Refused("not_found")
    if not session.is_open:
        return UNCHANGED
    event = SessionRevoked(user_id=user.id, session_id=session.id)
    return Accepted(state.become(user, session.revoked()), (event,), (without_session_expiry(session.id),))


def revoke_all_sessions(state: Account, command: Command[RevokeAllSessions], at: Timestamp) -> Decision[Account]:
    user = living(state, command, owner)
    if isinstance(user, Refused):
        return user
    if command.id in user.decided_by or user.sessions_valid_from == at:
        return UNCHANGED
    revoked = user.decided(command.id, sessions_valid_from=at)
    return Accepted(state.become(revoked), (AllSessionsRevoked(user_id=user.id),))


def expire_session(state: Account, command: Command[ExpireSession], at: Timestamp) -> Decision[Account]:
    """The row may be gone: its TTL is the same date."""
    user = found(state, command, ours)
    if isinstance(user, Refused):
        return user
    session = state.session(command.data.session_id)
    if session is None or not session.is_open or not session.has_expired(at):
        return UNCHANGED
    event = SessionExpired(user_id=user.id, session_id=session.id)
    return Accepted(state.become(user, session.revoked()), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _sign_in_refusal(user: User, data: OpenSession, at: Timestamp) -> Refused | None:
    if not user.is_active:
        return Refused("user_not_active")
    if user.is_locked(at):
        return Refused("locked")
    return None if data.verified_epoch == user.password_epoch else Refused("stale_password")


def _opened(data: OpenSession, at: Timestamp) -> Session:
    latest = absolute_expiry(at)
    return Session(
        id=data.session_id,
        user_id=data.user_id,
        refresh_token=data.refresh_token_hash,
        ip_address=data.ip_hash,
        user_agent=data.user_agent,
        expires_at=expiry(at, latest),
        absolute_expiry=latest,
    )


def _closed(user: User, session: Session, at: Timestamp) -> Refused | None:
    """A session is closed by what became of its user, too, without its row being touched."""
    if not user.is_active:
        return Refused("user_not_active")
    outdated = user.sessions_valid_from is not None and (session.created_at or at) < user.sessions_valid_from
    if outdated or not session.is_open:
        return Refused("session_revoked")
    return Refused("session_expired") if session.has_expired(at) else None


def _reused(state: Account, user: User, session: Session) -> Accepted[Account]:
    """Two people hold tokens of this session, and nobody can tell which of them is the right one: neither goes on."""
    event = SessionReuseDetected(user_id=user.id, session_id=session.id, generation=session.generation)
    return Accepted(state.become(user, session.revoked()), (event,), (without_session_expiry(session.id),))
