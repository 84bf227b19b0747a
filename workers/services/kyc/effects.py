"""Sessions made and decisions fetched at Veriff or Onfido, records destroyed in S3. Each may be repeated without harm."""

from collections.abc import Mapping, Sequence

from contracts.clear import Redacted
from contracts.kyc import (
    KycDecisionFetchRequested,
    KycDestructionRequested,
    KycSessionStarted,
    RecordKycDecision,
    RecordKycRecordsDestroyed,
    RecordKycSessionCreated,
    RecordKycSessionFailed,
)
from contracts.sealed import SubjectErased
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Event, Failed, Result, Retryable, Unknown
from workers.services.kyc.case import CASES
from workers.services.kyc.ports import (
    CreatedSession,
    KycPort,
    KycRecords,
    Lost,
    Problem,
    ProviderDecision,
    RecordsRefusedError,
    RecordsUnavailableError,
    Refusal,
    SessionRequest,
    Unavailable,
    Undecided,
)
from workers.services.kyc.session import Session

Rows = Mapping[ItemRef, Item]
PERMANENT = frozenset({400, 401, 403, 422})
"""Statuses with which a provider refuses a session for good."""


async def create_session(call: Call[KycSessionStarted], _rows: Rows, port: KycPort) -> Result:
    """A repeat makes one more session, which nobody is sent to: the first one recorded wins."""
    data = call.event.data
    name = await port.seals.open_name(data.name)
    if isinstance(name, Redacted):
        return _creation_failed(data, "erased")
    answer = await port.checks.create_session(SessionRequest(data.kyc_session_id, data.contractor_id, name, data.country, call.environment))
    match answer:
        case CreatedSession():
            return await _created(data, answer, port)
        case Refusal(status, code) if status in PERMANENT:
            return _creation_failed(data, code)
        case _:
            return _outcome(answer)


async def fetch_decision(call: Call[KycDecisionFetchRequested], rows: Rows, port: KycPort) -> Result:
    """A question: the decision arrives as if by webhook, and is judged by its time."""
    data = call.event.data
    answer = await port.checks.fetch_decision(data.veriff_session_id)
    match answer:
        case ProviderDecision():
            return await _fetched(data, answer, rows, port.records)
        case Undecided():
            return Done()
        case _:
            return _outcome(answer)


async def destroy_records(call: Call[KycDestructionRequested], _rows: Rows, port: KycRecords) -> Result:
    data = call.event.data
    try:
        await port.delete(data.keys)
        await port.delete_all(data.kyc_session_id)
    except RecordsUnavailableError as failure:
        return Retryable(_reason(failure))
    except RecordsRefusedError as failure:
        return Failed(_reason(failure))
    return Done((RecordKycRecordsDestroyed(kyc_session_id=data.kyc_session_id, keys=data.keys),))


def session_of(event: Event[KycDecisionFetchRequested], _rows: Rows) -> Sequence[ItemRef]:
    """Whose keys the decision's body is encrypted under."""
    return (CASES.root(event.data.kyc_session_id),)


# --- answers -------------------------------------------------------------------------------------------------------


async def _created(data: KycSessionStarted, made: CreatedSession, port: KycPort) -> Done:
    link = await port.seals.seal_link(made.url)
    record = RecordKycSessionCreated(
        kyc_session_id=data.kyc_session_id,
        veriff_session_id=made.reference,
        session_url=link,
        applicant_id=made.applicant_id,
    )
    return Done((record,), made.reference)


def _creation_failed(data: KycSessionStarted, code: str) -> Done:
    return Done((RecordKycSessionFailed(kyc_session_id=data.kyc_session_id, code=code),))


async def _fetched(data: KycDecisionFetchRequested, decision: ProviderDecision, rows: Rows, records: KycRecords) -> Result:
    session = Session.from_item(rows[CASES.root(data.kyc_session_id)])
    try:
        key = await records.keep_body(session.id, session.user_id, decision.body)
    except RecordsUnavailableError as failure:
        return Retryable(_reason(failure))
    except (RecordsRefusedError, SubjectErased) as failure:
        return Failed(_reason(failure))
    record = RecordKycDecision(
        kyc_session_id=session.id,
        provider=data.provider,
        veriff_session_id=data.veriff_session_id,
        attempt_id=decision.attempt_id,
        outcome=decision.outcome,
        code=decision.code,
        reason=decision.reason,
        reason_code=decision.reason_code,
        decision_time=decision.decision_time,
        document_type=decision.document_type,
        document_country=decision.document_country,
        risk_labels=decision.risk_labels,
        raw_key=key,
    )
    return Done((record,), data.veriff_session_id)


def _outcome(problem: Problem) -> Result:
    match problem:
        case Unavailable(reason, after):
            return Retryable(reason, after)
        case Lost(reason):
            return Unknown(reason)
        case Refusal(status, code):
            return Failed(f"the provider refused with {status} {code}")


def _reason(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"
