"""What a provider or an admin decided, in whatever order it arrives: the same facts lead to the same end.

A verdict (verified, rejected) beats everything that is none, and a newer verdict an older one, by the time of the decision. An
expiry beats what asks the person or the provider for more. Among those the newest counts.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from contracts.kyc import (
    DecidedBy,
    DecideKycManually,
    ExpiryReason,
    KycDecisionContested,
    KycDestructionRequested,
    KycResubmissionRequested,
    KycReviewStarted,
    KycVerdict,
    ManualDecision,
    ProviderOutcome,
    RecordKycDecision,
)
from contracts.timestamps import decision_time
from contracts.types import DecisionTime, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.kyc.case import Case, found, readable
from workers.services.kyc.closing import expired_event, with_verdict, without_verdict
from workers.services.kyc.rights import admin, ours
from workers.services.kyc.session import (
    MOST_RISK_LABELS,
    AttemptState,
    Contest,
    Destruction,
    ReviewState,
    Session,
    Status,
    VerificationResult,
)

_VERDICTS: Mapping[ProviderOutcome, KycVerdict] = MappingProxyType(
    {ProviderOutcome.APPROVED: KycVerdict.VERIFIED, ProviderOutcome.DECLINED: KycVerdict.REJECTED}
)
_EXPIRIES: Mapping[ProviderOutcome, ExpiryReason] = MappingProxyType(
    {
        ProviderOutcome.EXPIRED: ExpiryReason.EXPIRED,
        ProviderOutcome.ABANDONED: ExpiryReason.ABANDONED,
        ProviderOutcome.ERROR: ExpiryReason.ERROR,
    }
)
_REVIEWS: Mapping[ProviderOutcome, ReviewState] = MappingProxyType(
    {ProviderOutcome.RESUBMISSION: ReviewState.RESUBMISSION, ProviderOutcome.REVIEW: ReviewState.REVIEW}
)
_LAST = DecisionTime("2999-12-31T23:59:59.999999Z")


def record_kyc_decision(state: Case, command: Command[RecordKycDecision], at: Timestamp) -> Decision[Case]:
    session, data = found(state, command, ours), command.data
    if isinstance(session, Refused):
        return session
    if not session.concerns(data.veriff_session_id):
        return _ignored(state, session, data)
    if verdict := _VERDICTS.get(data.outcome):
        return _offered(state, session, verdict, data, at)
    if not session.is_open:
        return _ignored(state, session, data)
    if reason := _EXPIRIES.get(data.outcome):
        event = expired_event(session, reason, data.decision_time)
        return without_verdict(state, session.noting(data.raw_key), _result(data), event, at)
    return _more_wanted(state, session, _REVIEWS[data.outcome], data)


def decide_kyc_manually(state: Case, command: Command[DecideKycManually], at: Timestamp) -> Decision[Case]:
    session, data = readable(state, command, admin), command.data
    if isinstance(session, Refused):
        return session
    if data.reason is None:
        return Refused("reason_required")
    wanted = None if data.outcome is ManualDecision.UNLOCK else KycVerdict(data.outcome)
    holds = session.locked and session.verdict is wanted if wanted else not session.locked
    if holds or command.id in session.decided_by:
        return UNCHANGED
    time = _not_before(decision_time(at), session.decision_time)
    decided = session.decided(command.id, locked=wanted is not None, contested=None)
    if wanted is None:
        return Accepted(state.become(decided.having(decision_time=time)))
    result = _manual_result(session, wanted, data.reason)
    if session.verdict is wanted:
        kept = {} if session.destruction else {"verification_result": result}
        return Accepted(state.become(decided.having(decision_time=time, **kept)))
    return with_verdict(state, decided, wanted, result, time, DecidedBy.ADMIN, at)


# --- verdicts ------------------------------------------------------------------------------------------------------


def _offered(state: Case, session: Session, verdict: KycVerdict, data: RecordKycDecision, at: Timestamp) -> Decision[Case]:
    offered = Contest(verdict=verdict, decision_time=data.decision_time)
    if session.verdict is None:
        return with_verdict(state, session.noting(data.raw_key), verdict, _result(data), data.decision_time, DecidedBy.PROVIDER, at)
    if not _outranks(offered, session.verdict, session.decision_time):
        return _ignored(state, session, data)
    if session.locked:
        return _contested(state, session, session.verdict, offered, data)
    if session.verdict is verdict:
        return _said_again(state, session, data)
    return with_verdict(state, session.noting(data.raw_key), verdict, _result(data), data.decision_time, DecidedBy.PROVIDER, at)


def _outranks(offered: Contest, stored: KycVerdict, stored_time: DecisionTime | None) -> bool:
    """The newer one; of two of the same microsecond the rejection."""
    rejects = (offered.verdict is KycVerdict.REJECTED, stored is KycVerdict.REJECTED)
    return (offered.decision_time, rejects[0]) > (stored_time or "", rejects[1])


def _contested(state: Case, session: Session, stored: KycVerdict, offered: Contest, data: RecordKycDecision) -> Decision[Case]:
    """The admin's verdict stands, and people are told once for each newer contradiction."""
    known = session.contested
    if offered.verdict is stored or (known and not _outranks(offered, known.verdict, known.decision_time)):
        return _ignored(state, session, data)
    event = KycDecisionContested(
        kyc_session_id=session.id,
        contractor_id=session.contractor_id,
        stored=stored,
        offered=offered.verdict,
        decision_time=offered.decision_time,
    )
    return Accepted(state.become(session.noting(data.raw_key).having(contested=offered)), (event,))


def _said_again(state: Case, session: Session, data: RecordKycDecision) -> Decision[Case]:
    """The same verdict, decided anew: it counts against whatever was decided in between, and nobody needs to hear it twice."""
    if session.destruction is not None:
        return _ignored(state, session.having(decision_time=data.decision_time), data)
    again = session.noting(data.raw_key).having(decision_time=data.decision_time, verification_result=_result(data))
    return Accepted(state.become(again))


# --- what is no verdict --------------------------------------------------------------------------------------------


def _more_wanted(state: Case, session: Session, wanted: ReviewState, data: RecordKycDecision) -> Decision[Case]:
    """A newer decision, or a review of the same microsecond, takes the former one's place."""
    seen = session.seeing(data.attempt_id, AttemptState.STARTED)
    former = (session.decision_time or "", session.review_state is ReviewState.REVIEW)
    if session.review_state is not ReviewState.NONE and (data.decision_time, wanted is ReviewState.REVIEW) <= former:
        return _ignored(state, seen, data)
    after = seen.noting(data.raw_key).having(
        status=Status.PROCESSING, review_state=wanted, verification_result=_result(data), decision_time=data.decision_time
    )
    if wanted is ReviewState.RESUBMISSION:
        return Accepted(state.become(after), (_resubmission(after, data),))
    begins = session.review_state is not ReviewState.REVIEW
    return Accepted(state.become(after), (_review(after, data),) if begins else ())


def _resubmission(session: Session, data: RecordKycDecision) -> KycResubmissionRequested:
    return KycResubmissionRequested(
        kyc_session_id=session.id,
        contractor_id=session.contractor_id,
        user_id=session.user_id,
        reason=data.reason,
        reason_code=data.reason_code,
        attempt=session.attempt,
    )


def _review(session: Session, data: RecordKycDecision) -> KycReviewStarted:
    return KycReviewStarted(kyc_session_id=session.id, contractor_id=session.contractor_id, user_id=session.user_id, reason=data.reason)


def _ignored(state: Case, session: Session, data: RecordKycDecision) -> Decision[Case]:
    """Nothing changes, but the decision's body lies in S3 and has to go with the others, at once if they are gone."""
    if session == state.session and data.raw_key in session.raw_keys:
        return UNCHANGED
    noted = session.noting(data.raw_key)
    if noted is session or session.destruction is None:
        return Accepted(state.become(noted))
    event = KycDestructionRequested(kyc_session_id=session.id, keys=(data.raw_key,))
    return Accepted(state.become(noted.having(destruction=Destruction.REQUESTED)), (event,))


# --- results and times ---------------------------------------------------------------------------------------------


def _result(data: RecordKycDecision) -> VerificationResult:
    said = data.model_dump(include=set(VerificationResult.model_fields) - {"risk_labels"})
    return VerificationResult(status=data.outcome, risk_labels=data.risk_labels[:MOST_RISK_LABELS], **said)


def _manual_result(session: Session, verdict: KycVerdict, reason: str) -> VerificationResult:
    """The provider's findings stay beside what the admin made of them."""
    former = session.verification_result or VerificationResult(status=verdict)
    return former.model_copy(update={"status": verdict.value, "code": None, "reason": reason, "reason_code": None})


def _not_before(time: DecisionTime, stored: DecisionTime | None) -> DecisionTime:
    """Whoever orders verdicts by their time must see an admin's as the later one, even if a provider's clock is ahead."""
    if stored is None or stored < time:
        return time
    return min(decision_time((datetime.fromisoformat(stored) + timedelta(microseconds=1)).isoformat()), _LAST)
