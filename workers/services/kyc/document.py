"""An uploaded document as it rests; the object itself lies in S3."""

from enum import StrEnum

from contracts.file import ObjectKey
from contracts.kyc import DocumentId, DocumentType
from contracts.types import ContractorId, Hash, KycSessionId, Timestamp
from workers.engine.row import DecidedRow


class DocumentStatus(StrEnum):
    UPLOADED = "uploaded"
    VERIFIED = "verified"
    REJECTED = "rejected"


class Document(DecidedRow):
    """``destroyed``: the object is gone from S3."""

    id: DocumentId
    contractor_id: ContractorId
    kyc_session_id: KycSessionId
    document_type: DocumentType
    s3_key: ObjectKey
    status: DocumentStatus = DocumentStatus.UPLOADED
    uploaded_at: Timestamp
    sha256: Hash
    size: int
    mime_type: str
    destroyed: bool = False
