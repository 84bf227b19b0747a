"""What kyc's effects need of the outside: a provider of identity checks, and the store of documents and raw bodies.

No method retries. Providers answer with the thing or with a problem; the store raises what stands here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from contracts.clear import Clear, Redacted
from contracts.file import ObjectKey
from contracts.kyc import ProviderOutcome
from contracts.types import ContractorId, Country, DecisionTime, KycSessionId, UserId

# --- a provider of identity checks ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """The provider said no, and will say no again. ``code``: its own word for why, else ``http_<status>``."""

    status: int
    code: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """It certainly did nothing: 429, no connection. ``after``: its own wish, in seconds."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The call may have happened: 5xx, or no answer in time."""

    reason: str


Problem: TypeAlias = Refusal | Unavailable | Lost


@dataclass(frozen=True, slots=True, repr=False)
class SessionRequest:
    """Names a person, so it has no repr. ``kyc_session_id`` is what the provider echoes in its webhooks (vendorData, a tag)."""

    kyc_session_id: KycSessionId
    contractor_id: ContractorId
    name: Clear
    country: Country
    environment: str


@dataclass(frozen=True, slots=True)
class CreatedSession:
    """``reference``: Veriff's session id, Onfido's workflow run id. ``url``: where the person goes; it is a secret of theirs."""

    reference: str
    url: Clear
    applicant_id: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ProviderDecision:
    """``body``: the provider's answer as it came, which holds personal details, so it has no repr. The texts are within the limits of
    ``contracts.kyc.RecordKycDecision``."""

    outcome: ProviderOutcome
    decision_time: DecisionTime
    body: bytes
    code: str | None = None
    attempt_id: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    document_type: str | None = None
    document_country: Country | None = None
    risk_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """The provider is still waiting or checking."""


class IdentityChecks(Protocol):
    """One provider. Every method waits for the network; a creation that dies here may or may not have happened."""

    async def create_session(self, request: SessionRequest) -> CreatedSession | Problem:
        """There is no idempotency key: a repeat makes another session, and one that nobody visits expires by itself."""
        ...

    async def fetch_decision(self, reference: str) -> ProviderDecision | Undecided | Problem:
        """Asks our own host for ``reference``: addresses in webhooks are not followed."""
        ...


# --- sealed values, documents, raw bodies --------------------------------------------------------------------------


class RecordsUnavailableError(Exception):
    """The store did not do it, or its answer is unknown. The same may be asked again."""


class RecordsRefusedError(Exception):
    """The store won't do it as it is configured (403): a thing for people."""


class KycSeals(Protocol):
    """All methods raise ``contracts.sealed.KeysUnavailable``."""

    async def open_name(self, sealed: str) -> Clear | Redacted:
        """Redacted once the person's key is destroyed."""
        ...

    async def seal_link(self, url: Clear) -> str:
        """A session's URL, sealed for the API alone (``Reader.API``, ``KYC_LINK``)."""
        ...


class KycRecords(Protocol):
    """Uploaded documents, and the bodies of decisions."""

    async def keep_body(self, session: KycSessionId, subject: UserId, body: bytes) -> ObjectKey:
        """Keeps ``body``, encrypted under the legal key of ``subject``, and answers its key (``contracts.kyc.raw_body_key``).
        The same body again is a success and has the same key.

        Raises RecordsUnavailableError, RecordsRefusedError, ``contracts.sealed.KeysUnavailable``, ``contracts.sealed.SubjectErased``.
        """
        ...

    async def delete(self, keys: Sequence[ObjectKey]) -> None:
        """Afterwards there is no object under any of ``keys``, in no version; one that is gone already is a success.

        Raises RecordsUnavailableError, after which some may be gone, and RecordsRefusedError.
        """
        ...

    async def delete_all(self, session: KycSessionId) -> None:
        """As ``delete``, for whatever lies there of the session: also an upload that nobody registered, a body whose decision was never
        recorded."""
        ...


@dataclass(frozen=True, slots=True)
class KycPort:
    """The port of every effect of one provider."""

    checks: IdentityChecks
    seals: KycSeals
    records: KycRecords
