"""The timers of an account (domain.md 1): a date each, by name and account or session."""

from contracts.auth import DestroyLegalKey, ExpireSession, RequestEmailVerification, SessionId
from contracts.timestamps import from_seconds, plus
from contracts.types import Timestamp, UserId
from workers.engine.decision import CancelTimer, ScheduleTimer
from workers.services.auth.session import Session

REMIND_AFTER_DAYS = 3
LEGAL_DAYS = 3653
"""Ten years, leap days included."""

_REMINDER, _EXPIRY, _LEGAL = "email-verification-reminder", "session-expiry", "legal-key-destroy"


def reminder_due(registered_at: Timestamp) -> Timestamp:
    return plus(registered_at, days=REMIND_AFTER_DAYS)


def legal_destruction_due(erased_at: Timestamp) -> Timestamp:
    return plus(erased_at, days=LEGAL_DAYS)


def verification_reminder(user_id: UserId, registered_at: Timestamp) -> ScheduleTimer:
    return ScheduleTimer(_REMINDER, user_id, reminder_due(registered_at), RequestEmailVerification(user_id=user_id))


def without_verification_reminder(user_id: UserId) -> CancelTimer:
    return CancelTimer(_REMINDER, user_id)


def session_expiry(session: Session) -> ScheduleTimer:
    command = ExpireSession(user_id=session.user_id, session_id=session.id)
    return ScheduleTimer(_EXPIRY, session.id, from_seconds(session.expires_at), command)


def without_session_expiry(session_id: SessionId) -> CancelTimer:
    return CancelTimer(_EXPIRY, session_id)


def legal_key_destroy(user_id: UserId, erased_at: Timestamp) -> ScheduleTimer:
    return ScheduleTimer(_LEGAL, user_id, legal_destruction_due(erased_at), DestroyLegalKey(user_id=user_id))
