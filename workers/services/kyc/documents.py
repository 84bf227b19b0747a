"""Documents that a contractor uploads to a session, and what is thought of them."""

from typing import Final

from contracts.kyc import (
    MOST_DOCUMENTS,
    KycDocumentRegistered,
    KycDocumentReviewed,
    RegisterKycDocument,
    ReviewKycDocument,
    document_prefix,
)
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.kyc.case import Case, found, readable
from workers.services.kyc.document import Document, DocumentStatus
from workers.services.kyc.rights import is_ours, ours, owner
from workers.services.kyc.session import Session

DOCUMENT_TYPES: Final = frozenset({"image/jpeg", "image/png", "application/pdf"})
LARGEST_DOCUMENT: Final = 15 * 1024 * 1024
"""Bytes."""


def register_kyc_document(state: Case, command: Command[RegisterKycDocument], at: Timestamp) -> Decision[Case]:
    session, data = readable(state, command, owner), command.data
    if isinstance(session, Refused):
        return session
    if known := state.documents.get(data.document_id):
        return UNCHANGED if known.created_by == command.id else Refused("id_conflict")
    if refusal := _refusal(session, data):
        return refusal
    document = _uploaded(session, data, at)
    with_it = session.having(documents=(*session.documents, document.id))
    event = KycDocumentRegistered(kyc_session_id=session.id, document_id=document.id, document_type=document.document_type)
    return Accepted(state.become(with_it, document), (event,))


def review_kyc_document(state: Case, command: Command[ReviewKycDocument], _at: Timestamp) -> Decision[Case]:
    """The session's verdict covers what nobody has looked at yet; an admin may think otherwise of each."""
    automatic = is_ours(command.actor)
    session, data = (found if automatic else readable)(state, command, ours), command.data
    if isinstance(session, Refused):
        return session
    document, status = state.document(data.document_id), DocumentStatus(data.status)
    if document is None:
        return Refused("not_found")
    if document.status is status or command.id in document.decided_by:
        return UNCHANGED
    if automatic and (document.status is not DocumentStatus.UPLOADED or document.destroyed):
        return UNCHANGED
    if document.destroyed:
        return Refused("invalid_state")
    reviewed = document.decided(command.id, status=status)
    event = KycDocumentReviewed(kyc_session_id=session.id, document_id=document.id, status=data.status)
    return Accepted(state.become(session, reviewed), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _refusal(session: Session, data: RegisterKycDocument) -> Refused | None:
    if not session.is_open:
        return Refused("invalid_state")
    if data.file.mime not in DOCUMENT_TYPES:
        return Refused("file_type_not_allowed")
    if data.file.size > LARGEST_DOCUMENT:
        return Refused("file_too_large")
    # Whoever names somebody else's object would get to read it.
    if not data.file.key.startswith(document_prefix(session.id)):
        return Refused("id_mismatch")
    return Refused("too_many_documents") if len(session.documents) >= MOST_DOCUMENTS else None


def _uploaded(session: Session, data: RegisterKycDocument, at: Timestamp) -> Document:
    return Document(
        id=data.document_id,
        contractor_id=session.contractor_id,
        kyc_session_id=session.id,
        document_type=data.document_type,
        s3_key=data.file.key,
        uploaded_at=at,
        sha256=data.file.sha256,
        size=data.file.size,
        mime_type=data.file.mime,
    )
