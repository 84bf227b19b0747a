"""The identity check as it rests: where it stands at the provider, its verdict, how long it is kept."""

from enum import StrEnum
from typing import Self

from contracts.file import ObjectKey
from contracts.kyc import DocumentId, KycProvider, KycVerdict
from contracts.message import Value
from contracts.types import ContractorId, DecisionTime, KycSessionId, Sealed, Text2000, Timestamp, UserId
from workers.engine.row import DecidedRow

MOST_RISK_LABELS = 20
UNNAMED = "-"
"""Stands for the attempt of a provider that names none."""


class Status(StrEnum):
    """Everything but ``verified`` and ``rejected`` may still become one of these two."""

    PENDING = "pending"
    PROCESSING = "processing"
    VERIFIED = "verified"
    REJECTED = "rejected"
    EXPIRED = "expired"


class ReviewState(StrEnum):
    """What the provider's last decision asked for, as long as it was no verdict."""

    NONE = "none"
    RESUBMISSION = "resubmission"
    REVIEW = "review"


class AttemptState(StrEnum):
    STARTED = "started"
    SUBMITTED = "submitted"


class Destruction(StrEnum):
    """Of documents and raw bodies, once the retention has ended."""

    REQUESTED = "requested"
    DESTROYED = "destroyed"


class VerificationResult(Value):
    """What was decided last. ``status`` is the word of whoever decided; ``raw_key`` the encrypted body in S3."""

    status: str
    code: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    attempt_id: str | None = None
    document_type: str | None = None
    document_country: str | None = None
    risk_labels: tuple[str, ...] = ()
    raw_key: ObjectKey | None = None


class Contest(Value):
    """The newest verdict that a provider offered against an admin's."""

    verdict: KycVerdict
    decision_time: DecisionTime


class Session(DecidedRow):
    """``decision_time``: of the verdict, or of what set ``review_state``. ``attempts``: by the provider's id. ``raw_keys``: every body
    that lies in S3, those of ignored decisions too, because all of them are to be destroyed."""

    id: KycSessionId
    contractor_id: ContractorId
    user_id: UserId
    provider: KycProvider
    status: Status = Status.PENDING
    expires_on: Timestamp
    review_state: ReviewState = ReviewState.NONE
    veriff_session_id: str | None = None
    session_url: Sealed[Text2000] | None = None
    applicant_id: str | None = None
    verification_result: VerificationResult | None = None
    decision_time: DecisionTime | None = None
    documents: tuple[DocumentId, ...] = ()
    attempts: dict[str, AttemptState] = {}
    attempt: int = 0
    submitted_at: Timestamp | None = None
    fetches: int = 0
    locked: bool = False
    contested: Contest | None = None
    restricted: bool = False
    raw_keys: tuple[ObjectKey, ...] = ()
    retain_until: Timestamp | None = None
    destruction: Destruction | None = None

    @property
    def is_open(self) -> bool:
        """The person, or the provider, still has something to do."""
        return self.status in (Status.PENDING, Status.PROCESSING)

    @property
    def verdict(self) -> KycVerdict | None:
        return KycVerdict(self.status) if self.status in (Status.VERIFIED, Status.REJECTED) else None

    def concerns(self, reference: str) -> bool:
        """False for a provider's session that nobody was sent to: the first of a creation that was repeated. What comes before the creation
        is recorded is about this one."""
        return self.veriff_session_id in (None, reference)

    def seeing(self, attempt_id: str | None, state: AttemptState) -> Self:
        """An unnamed attempt counts as long as none is named."""
        label = attempt_id or UNNAMED
        if self.attempts.get(label) in (state, AttemptState.SUBMITTED):
            return self
        attempts = {**self.attempts, label: state}
        return self.having(attempts=attempts, attempt=len(attempts.keys() - {UNNAMED}) or 1)

    def noting(self, raw_key: ObjectKey) -> Self:
        return self if raw_key in self.raw_keys else self.having(raw_keys=(*self.raw_keys, raw_key))
