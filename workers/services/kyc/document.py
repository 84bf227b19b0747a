"""An uploaded document as it rests; the object itself lies in S3."""

from enum import StrEnum
from typing import Any, Self

from contracts.file import ObjectKey
from contracts.kyc import DocumentId, DocumentType
from contracts.message import Value
from contracts.types import CommandId, ContractorId, Hash, KycSessionId, Timestamp

REMEMBERED = 20
"""How many of an admin's reviews a document remembers."""


class DocumentStatus(StrEnum):
    UPLOADED = "uploaded"
    VERIFIED = "verified"
    REJECTED = "rejected"


class Document(Value):
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
    decided_by: tuple[CommandId, ...] = ()
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    def to_item(self) -> dict[str, Any]:
        """Lists without entries are left out."""
        return {name: value for name, value in super().to_item().items() if value != []}

    def having(self, **values: object) -> Self:
        return self.model_copy(update=values)
