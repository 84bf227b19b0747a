"""A session goes on: the person starts and submits, we ask for the decision, time runs out."""

from contracts.kyc import ExpireKycSession, ExpiryReason, KycDecisionFetchRequested, KycProcessing, RecordKycProgress, RefreshKycDecision
from contracts.timestamps import decision_time
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.kyc.case import Case, found
from workers.services.kyc.closing import expired_event, without_verdict
from workers.services.kyc.rights import ours
from workers.services.kyc.session import AttemptState, ReviewState, Session, Status, VerificationResult
from workers.services.kyc.timers import expires_on, poll, session_expiry

STARTED = frozenset({"7001", "workflow_task.started", "check.started", "check.form_completed", "awaiting_input", "processing"})
SUBMITTED = frozenset({"7002", "workflow_task.completed"})
"""Codes of Veriff, actions and statuses of Onfido. What is in neither says nothing about how far the person is."""


def record_kyc_progress(state: Case, command: Command[RecordKycProgress], at: Timestamp) -> Decision[Case]:
    session, data = found(state, command, ours), command.data
    if isinstance(session, Refused):
        return session
    reached = _reached(data)
    if reached is None or not session.is_open or not session.concerns(data.veriff_session_id):
        return UNCHANGED
    seen = session.seeing(data.attempt_id, reached)
    if seen is session:
        return UNCHANGED
    after = seen.having(status=Status.PROCESSING)
    events = (_processing(after),) if after.attempt > session.attempt else ()
    if reached is AttemptState.STARTED:
        return Accepted(state.become(after), events)
    return Accepted(state.become(after.having(submitted_at=at)), events, (poll(session.id, at),))


def refresh_kyc_decision(state: Case, command: Command[RefreshKycDecision], at: Timestamp) -> Decision[Case]:
    """An expired session is asked about too, because a late verdict counts; the daily question ends with the expiry."""
    session = found(state, command, ours)
    if isinstance(session, Refused):
        return session
    if session.verdict is not None or session.veriff_session_id is None:
        return UNCHANGED
    asked = session.having(fetches=session.fetches + 1)
    event = KycDecisionFetchRequested(
        kyc_session_id=session.id, provider=session.provider, veriff_session_id=session.veriff_session_id, n=asked.fetches
    )
    return Accepted(state.become(asked), (event,), (poll(session.id, at),) if session.is_open else ())


def expire_kyc_session(state: Case, command: Command[ExpireKycSession], at: Timestamp) -> Decision[Case]:
    """A review is the provider's to end, so it is waited for."""
    session = found(state, command, ours)
    if isinstance(session, Refused):
        return session
    if not session.is_open or at < session.expires_on:
        return UNCHANGED
    if session.review_state is ReviewState.REVIEW:
        waiting = session.having(expires_on=expires_on(at))
        return Accepted(state.become(waiting), (), (session_expiry(session.id, waiting.expires_on),))
    event = expired_event(session, ExpiryReason.TIMEOUT, decision_time(at))
    return without_verdict(state, session, VerificationResult(status=Status.EXPIRED, reason=ExpiryReason.TIMEOUT), event, at)


# --- rules ---------------------------------------------------------------------------------------------------------


def _reached(data: RecordKycProgress) -> AttemptState | None:
    said = {data.code, data.action}
    if said & SUBMITTED:
        return AttemptState.SUBMITTED
    return AttemptState.STARTED if said & STARTED else None


def _processing(session: Session) -> KycProcessing:
    return KycProcessing(kyc_session_id=session.id, contractor_id=session.contractor_id, user_id=session.user_id, attempt=session.attempt)
