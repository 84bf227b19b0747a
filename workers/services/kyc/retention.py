"""Records are kept as long as the law wants and no longer; of an erased person nobody reads them meanwhile."""

from contracts.kyc import (
    DestroyKycRecords,
    KycDestructionRequested,
    KycRecordsDestroyed,
    KycSessionRestricted,
    RecordKycRecordsDestroyed,
    RestrictKycSession,
)
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.kyc.case import Case, found
from workers.services.kyc.document import Document
from workers.services.kyc.rights import ours
from workers.services.kyc.session import Destruction, Session


def restrict_kyc_session(state: Case, command: Command[RestrictKycSession], _at: Timestamp) -> Decision[Case]:
    session = found(state, command, ours)
    if isinstance(session, Refused):
        return session
    if session.restricted:
        return UNCHANGED
    event = KycSessionRestricted(kyc_session_id=session.id, contractor_id=session.contractor_id)
    # Sealed for the API, the link outlives the person's key.
    return Accepted(state.become(session.having(restricted=True, session_url=None)), (event,))


def destroy_kyc_records(state: Case, command: Command[DestroyKycRecords], at: Timestamp) -> Decision[Case]:
    """Nobody shortens the retention, an admin neither."""
    session = found(state, command, ours)
    if isinstance(session, Refused):
        return session
    if session.retain_until is None or at < session.retain_until or session.destruction is not None:
        return UNCHANGED
    keys = (*sorted(document.s3_key for document in _there(state)), *session.raw_keys)
    event = KycDestructionRequested(kyc_session_id=session.id, keys=keys)
    return Accepted(state.become(session.having(destruction=Destruction.REQUESTED)), (event,))


def record_kyc_records_destroyed(state: Case, command: Command[RecordKycRecordsDestroyed], _at: Timestamp) -> Decision[Case]:
    """What is gone is gone, even if a verdict came in between that began the retention anew."""
    session, keys = found(state, command, ours), frozenset(command.data.keys)
    if isinstance(session, Refused):
        return session
    gone = [document.having(destroyed=True) for document in _there(state) if document.s3_key in keys]
    kept = tuple(key for key in session.raw_keys if key not in keys)
    after = state.become(session.having(raw_keys=kept), *gone)
    if session.destruction is Destruction.REQUESTED and not kept and not _there(after):
        return Accepted(after.become(_emptied(session)), (KycRecordsDestroyed(kyc_session_id=session.id),))
    return UNCHANGED if after == state else Accepted(after)


# --- rules ---------------------------------------------------------------------------------------------------------


def _there(state: Case) -> tuple[Document, ...]:
    """Documents whose object lies in S3."""
    return tuple(document for document in state.own_documents if not document.destroyed)


def _emptied(session: Session) -> Session:
    return session.having(raw_keys=(), verification_result=None, session_url=None, destruction=Destruction.DESTROYED)
