"""Tables of kyc: identity checks and their documents. Retention is a timer's, not a TTL's: it must leave a trace."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, text

SESSIONS: Final = Table(
    name="kyc-sessions",
    owner=Owner.KYC,
    purpose="Identity checks at Veriff or Onfido and their decisions.",
    sensitivity=Sensitivity.RESTRICTED,
    key=Key(text("id")),
    indexes=(
        Index(
            "contractorId-index",
            hash=text("contractorId"),
            range=text("createdAt"),
            projection=("status", "provider", "reviewState", "decisionTime"),
        ),
        Index(
            "status-index",
            hash=text("status"),
            range=text("createdAt"),
            projection=("contractorId", "provider", "reviewState"),
        ),
        # The provider's reference, whichever provider: webhooks without our own id find their row by it.
        Index("veriffSessionId-index", hash=text("veriffSessionId")),
    ),
)

DOCUMENTS: Final = Table(
    name="kyc-documents",
    owner=Owner.KYC,
    purpose="Uploaded identity documents: where they lie, their digest, whether they are destroyed.",
    sensitivity=Sensitivity.RESTRICTED,
    key=Key(text("id")),
    indexes=(
        Index(
            "contractorId-index",
            hash=text("contractorId"),
            range=text("uploadedAt"),
            projection=("kycSessionId", "documentType", "status"),
        ),
    ),
)

TABLES: Final = (SESSIONS, DOCUMENTS)
