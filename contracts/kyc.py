"""Commands and events of kyc: identity checks, their verdicts, documents and retention. Key ``kycSessionId``."""

from enum import StrEnum
from typing import ClassVar, NewType, Self

from pydantic import model_validator

from contracts.file import File, ObjectKey
from contracts.message import CommandData, EventData
from contracts.types import (
    Code,
    ContractorId,
    Country,
    DecisionTime,
    Hash,
    Id,
    KycSessionId,
    Ordinal,
    Pii,
    ProviderId,
    Sealed,
    Text160,
    Text200,
    Text500,
    Text2000,
    Timestamp,
    UserId,
)

DocumentId = NewType("DocumentId", Id)

MOST_DOCUMENTS = 20
"""Of one session."""


class KycProvider(StrEnum):
    VERIFF = "veriff"
    ONFIDO = "onfido"


class DecidedBy(StrEnum):
    PROVIDER = "provider"
    ADMIN = "admin"


class ProviderOutcome(StrEnum):
    """What a provider decided, in one word for all of them. Only the first two are verdicts, and both may be overridden."""

    APPROVED = "approved"
    DECLINED = "declined"
    """Veriff's resubmission with reasonCode 539 (too many attempts) arrives as this."""
    RESUBMISSION = "resubmission"
    REVIEW = "review"
    """Onfido's check with result ``consider`` too."""
    EXPIRED = "expired"
    ABANDONED = "abandoned"
    ERROR = "error"


class KycVerdict(StrEnum):
    """Of a session; of a document too."""

    VERIFIED = "verified"
    REJECTED = "rejected"


class ManualDecision(StrEnum):
    VERIFIED = "verified"
    REJECTED = "rejected"
    UNLOCK = "unlock"
    """The verdict stays; what the provider decides from here on counts again."""


class ExpiryReason(StrEnum):
    EXPIRED = "expired"
    ABANDONED = "abandoned"
    TIMEOUT = "timeout"
    """Seven days passed without a decision."""
    ERROR = "error"


class DocumentType(StrEnum):
    PASSPORT = "passport"
    ID = "id"
    SELFIE = "selfie"
    PROOF_OF_ADDRESS = "proof_of_address"


def document_prefix(session: KycSessionId) -> str:
    """What the keys of a session's uploaded documents begin with."""
    return f"kyc/{session}/"


def raw_body_prefix(session: KycSessionId) -> str:
    """What the keys of a session's bodies begin with."""
    return f"kyc-raw/{session}/"


def raw_body_key(session: KycSessionId, digest: Hash) -> ObjectKey:
    """Where the encrypted body of a decision lies. ``digest``: sha256 of the body, or of what tells a webhook's delivery apart, so that a
    repeat has the same key. Apart from the
    documents: nobody uploads there."""
    return f"{raw_body_prefix(session)}{digest}"


# --- commands ------------------------------------------------------------------------------------------------------


class _KycCommand(CommandData):
    key_field: ClassVar[str] = "kyc_session_id"
    kyc_session_id: KycSessionId


class StartKycSession(_KycCommand):
    contractor_id: ContractorId
    user_id: UserId
    provider: KycProvider
    country: Country
    name: Pii[Text160]


class RecordKycSessionCreated(_KycCommand):
    """``veriff_session_id``: the provider's reference, whichever provider. ``session_url`` is sealed for the API (``KYC_LINK``)."""

    veriff_session_id: ProviderId
    session_url: Sealed[Text2000]
    applicant_id: ProviderId | None = None


class RecordKycSessionFailed(_KycCommand):
    """The provider refused to create a session: final."""

    code: Code


class RecordKycProgress(_KycCommand):
    """``code`` of Veriff (7001, 7002), ``action`` of Onfido (``workflow_task.completed``), as the provider writes them."""

    veriff_session_id: ProviderId
    attempt_id: ProviderId | None = None
    code: Code | None = None
    action: Text200 | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if self.code is None and self.action is None:
            raise ValueError("code or action says what happened")
        return self


class RecordKycDecision(_KycCommand):
    """``reason_code`` is the provider's number as text. ``document_type`` is its own word. ``raw_key``: the encrypted body in S3
    (``raw_body_key``), stored before the command goes out. A ``document_country`` of another form than ISO 3166 alpha-2 is left out."""

    provider: KycProvider
    veriff_session_id: ProviderId
    attempt_id: ProviderId | None = None
    outcome: ProviderOutcome
    code: Code | None = None
    reason: Text500 | None = None
    reason_code: Code | None = None
    decision_time: DecisionTime
    document_type: Text200 | None = None
    document_country: Country | None = None
    risk_labels: tuple[Text200, ...] = ()
    raw_key: ObjectKey


class RefreshKycDecision(_KycCommand):
    pass


class ExpireKycSession(_KycCommand):
    pass


class DecideKycManually(_KycCommand):
    """Without a reason it is refused."""

    outcome: ManualDecision
    reason: Text500 | None = None


class RegisterKycDocument(_KycCommand):
    document_id: DocumentId
    document_type: DocumentType
    file: File


class ReviewKycDocument(_KycCommand):
    document_id: DocumentId
    status: KycVerdict


class RestrictKycSession(_KycCommand):
    pass


class DestroyKycRecords(_KycCommand):
    pass


class RecordKycRecordsDestroyed(_KycCommand):
    """``keys``: of the objects that are gone from S3."""

    keys: tuple[ObjectKey, ...]


# --- events --------------------------------------------------------------------------------------------------------


class _KycEvent(EventData):
    kyc_session_id: KycSessionId


class _ContractorKycEvent(_KycEvent):
    contractor_id: ContractorId
    user_id: UserId


class KycSessionStarted(_ContractorKycEvent):
    provider: KycProvider
    country: Country
    name: Pii[Text160]


class KycSessionReady(_ContractorKycEvent):
    """The person may follow the link."""

    provider: KycProvider
    expires_on: Timestamp


class KycSessionFailed(_ContractorKycEvent):
    code: Code
    decision_time: DecisionTime


class KycProcessing(_ContractorKycEvent):
    """A person began the attempt with this number."""

    attempt: Ordinal


class KycSessionVerified(_ContractorKycEvent):
    """``overturned``: an earlier final verdict said otherwise."""

    provider: KycProvider
    decision_time: DecisionTime
    overturned: bool
    by: DecidedBy
    document_ids: tuple[Id, ...]


class KycSessionRejected(_ContractorKycEvent):
    """``overturned``: an earlier final verdict said otherwise."""

    provider: KycProvider
    decision_time: DecisionTime
    overturned: bool
    by: DecidedBy
    document_ids: tuple[Id, ...]
    reason: Text500 | None = None
    reason_code: Code | None = None


class KycSessionExpired(_ContractorKycEvent):
    reason: ExpiryReason
    decision_time: DecisionTime


class KycResubmissionRequested(_ContractorKycEvent):
    """The same session and link; ``attempt``: how many there were so far."""

    reason: Text500 | None = None
    reason_code: Code | None = None
    attempt: Ordinal


class KycReviewStarted(_ContractorKycEvent):
    reason: Text500 | None = None


class KycDecisionContested(_KycEvent):
    """The provider decided otherwise than an admin did; the admin's verdict stands."""

    contractor_id: ContractorId
    stored: KycVerdict
    offered: KycVerdict
    decision_time: DecisionTime


class KycDecisionFetchRequested(_KycEvent):
    """``n`` counts the session's questions to the provider."""

    provider: KycProvider
    veriff_session_id: ProviderId
    n: Ordinal


class KycDocumentRegistered(_KycEvent):
    document_id: DocumentId
    document_type: DocumentType


class KycDocumentReviewed(_KycEvent):
    document_id: DocumentId
    status: KycVerdict


class KycSessionRestricted(_KycEvent):
    """Read by nobody any more, legal requests excepted; destroyed when its retention ends."""

    contractor_id: ContractorId


class KycDestructionRequested(_KycEvent):
    """``keys``: documents and raw bodies in S3."""

    keys: tuple[ObjectKey, ...]


class KycRecordsDestroyed(_KycEvent):
    pass
