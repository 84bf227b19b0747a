"""The timers of an identity check (domain.md 5): a date each, by name and session."""

from contracts.kyc import DestroyKycRecords, ExpireKycSession, KycVerdict, RefreshKycDecision
from contracts.timestamps import plus
from contracts.types import KycSessionId, Timestamp
from workers.engine.decision import CancelTimer, ScheduleTimer

VALID_DAYS = 7
POLL_HOURS = 24
VERIFIED_DAYS, OTHER_DAYS = 1827, 366
"""Five years and one, leap days included."""

_EXPIRY, _POLL, _RETENTION = "kyc-session-expiry", "kyc-poll", "kyc-retention"


def expires_on(at: Timestamp) -> Timestamp:
    return plus(at, days=VALID_DAYS)


def retain_until(verdict: KycVerdict | None, at: Timestamp) -> Timestamp:
    """``verdict``: None for a session that ended without. ``at``: when we heard of its end; a provider's own time may be anything."""
    return plus(at, days=VERIFIED_DAYS if verdict is KycVerdict.VERIFIED else OTHER_DAYS)


def session_expiry(session: KycSessionId, due: Timestamp) -> ScheduleTimer:
    return ScheduleTimer(_EXPIRY, session, due, ExpireKycSession(kyc_session_id=session))


def poll(session: KycSessionId, at: Timestamp) -> ScheduleTimer:
    return ScheduleTimer(_POLL, session, plus(at, hours=POLL_HOURS), RefreshKycDecision(kyc_session_id=session))


def closing_timers(session: KycSessionId, retained_until: Timestamp) -> tuple[ScheduleTimer | CancelTimer, ...]:
    """Nothing is waited for any more but the end of the retention."""
    retention = ScheduleTimer(_RETENTION, session, retained_until, DestroyKycRecords(kyc_session_id=session))
    return CancelTimer(_EXPIRY, session), CancelTimer(_POLL, session), retention
