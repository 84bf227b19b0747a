"""A session is asked for, and made at the provider, or it can't be made."""

from contracts.kyc import (
    KycSessionFailed,
    KycSessionReady,
    KycSessionStarted,
    RecordKycSessionCreated,
    RecordKycSessionFailed,
    StartKycSession,
)
from contracts.timestamps import decision_time
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.kyc.case import Case, found
from workers.services.kyc.closing import without_verdict
from workers.services.kyc.rights import ours
from workers.services.kyc.session import Session, VerificationResult
from workers.services.kyc.timers import expires_on, session_expiry

PROVIDER_ERROR = "provider_error"


def start_kyc_session(state: Case, command: Command[StartKycSession], at: Timestamp) -> Decision[Case]:
    data = command.data
    if not ours(command.actor, data.contractor_id):
        return Refused("forbidden")
    if state.session is not None:
        return UNCHANGED if state.session.created_by == command.id else Refused("id_conflict")
    session = Session(
        id=data.kyc_session_id,
        contractor_id=data.contractor_id,
        user_id=data.user_id,
        provider=data.provider,
        expires_on=expires_on(at),
    )
    event = KycSessionStarted.model_validate(data.model_dump())
    return Accepted(state.become(session), (event,), (session_expiry(session.id, session.expires_on),))


def record_kyc_session_created(state: Case, command: Command[RecordKycSessionCreated], _at: Timestamp) -> Decision[Case]:
    """The first recorded wins; a session that ended in the meantime needs no link."""
    session, data = found(state, command, ours), command.data
    if isinstance(session, Refused):
        return session
    if session.veriff_session_id is not None or not session.is_open:
        return UNCHANGED
    link = None if session.restricted else data.session_url
    ready = session.having(veriff_session_id=data.veriff_session_id, session_url=link, applicant_id=data.applicant_id)
    event = KycSessionReady(
        kyc_session_id=session.id,
        contractor_id=session.contractor_id,
        user_id=session.user_id,
        provider=session.provider,
        expires_on=session.expires_on,
    )
    return Accepted(state.become(ready), (event,))


def record_kyc_session_failed(state: Case, command: Command[RecordKycSessionFailed], at: Timestamp) -> Decision[Case]:
    """Once a session exists at the provider, the failure is that of a repetition."""
    session, code = found(state, command, ours), command.data.code
    if isinstance(session, Refused):
        return session
    if session.veriff_session_id is not None or not session.is_open:
        return UNCHANGED
    event = KycSessionFailed(
        kyc_session_id=session.id,
        contractor_id=session.contractor_id,
        user_id=session.user_id,
        code=code,
        decision_time=decision_time(at),
    )
    return without_verdict(state, session, VerificationResult(status=PROVIDER_ERROR, code=code), event, at)
