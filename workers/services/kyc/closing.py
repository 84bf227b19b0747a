"""A session ends, with a verdict or without one: nothing is waited for, and its retention begins."""

from contracts.kyc import (
    DecidedBy,
    ExpiryReason,
    KycSessionExpired,
    KycSessionFailed,
    KycSessionRejected,
    KycSessionVerified,
    KycVerdict,
)
from contracts.types import DecisionTime, Timestamp
from workers.engine.decision import Accepted
from workers.services.kyc.case import Case
from workers.services.kyc.session import ReviewState, Session, Status, VerificationResult
from workers.services.kyc.timers import closing_timers, retain_until


def with_verdict(
    state: Case, session: Session, verdict: KycVerdict, result: VerificationResult, time: DecisionTime, by: DecidedBy, at: Timestamp
) -> Accepted[Case]:
    """``session`` has another verdict, or none."""
    until = retain_until(verdict, at)
    closed = session.having(
        status=Status(verdict),
        review_state=ReviewState.NONE,
        verification_result=result,
        decision_time=time,
        retain_until=until,
        destruction=None,
    )
    event = _verdict_event(closed, verdict, result, time, overturned=session.verdict is not None, by=by)
    return Accepted(state.become(closed), (event,), closing_timers(session.id, until))


def without_verdict(
    state: Case, session: Session, result: VerificationResult, event: KycSessionExpired | KycSessionFailed, at: Timestamp
) -> Accepted[Case]:
    until = retain_until(None, at)
    closed = session.having(
        status=Status.EXPIRED,
        review_state=ReviewState.NONE,
        verification_result=result,
        decision_time=event.decision_time,
        retain_until=until,
    )
    return Accepted(state.become(closed), (event,), closing_timers(session.id, until))


def expired_event(session: Session, reason: ExpiryReason, time: DecisionTime) -> KycSessionExpired:
    return KycSessionExpired(
        kyc_session_id=session.id,
        contractor_id=session.contractor_id,
        user_id=session.user_id,
        reason=reason,
        decision_time=time,
    )


def _verdict_event(
    session: Session, verdict: KycVerdict, result: VerificationResult, time: DecisionTime, *, overturned: bool, by: DecidedBy
) -> KycSessionVerified | KycSessionRejected:
    verified = KycSessionVerified(
        kyc_session_id=session.id,
        contractor_id=session.contractor_id,
        user_id=session.user_id,
        provider=session.provider,
        decision_time=time,
        overturned=overturned,
        by=by,
        document_ids=session.documents,
    )
    if verdict is KycVerdict.VERIFIED:
        return verified
    return KycSessionRejected(**verified.model_dump(), reason=result.reason, reason_code=result.reason_code)
