"""What a genuine delivery of Veriff or Onfido says, whichever of the two: read by their translations, taken by ``kyc_intake``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, TypeAlias

from contracts.kyc import KycProvider
from contracts.types import UUID_PATTERN
from workers.adapters.identity_decisions import ReadDecision

Json: TypeAlias = Mapping[str, Any]

_UUID: Final = re.compile(UUID_PATTERN)


@dataclass(frozen=True, slots=True)
class KycKey:
    """Our own id as the provider echoes it, else the row of the provider's session."""

    kyc_session_id: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class Translation:
    """``data`` lacks the session's id. ``keeps_body``: the body is stored first, and the command carries its key."""

    command: str
    data: Json = field(repr=False)
    keeps_body: bool = False


@dataclass(frozen=True, slots=True)
class Untranslated:
    """``ignored``: says nothing to us. ``dropped``: another environment's."""

    why: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """``id`` follows from what the provider said, as it gives none. ``type`` is a word of the metric. ``at``: its own time in
    milliseconds, where it tells one."""

    provider: KycProvider
    id: str
    type: str
    at: int | None
    key: KycKey
    said: Translation | Untranslated


def delivery_id(*parts: object) -> str:
    """sha256 over the parts, one a line, so that no two lists of parts read the same (domain.md 0.2)."""
    return sha256("\n".join("" if part is None else str(part) for part in parts).encode()).hexdigest()


def session_id(value: Any) -> str | None:
    """None for what was never ours: other texts than our ids may stand there."""
    return value if isinstance(value, str) and _UUID.fullmatch(value) else None


def decision_data(provider: KycProvider, reference: str, decision: ReadDecision) -> Json:
    """A field that the provider left out is left out."""
    data = {
        "provider": provider.value,
        "veriffSessionId": reference,
        "attemptId": decision.attempt_id,
        "outcome": decision.outcome.value,
        "code": decision.code,
        "reason": decision.reason,
        "reasonCode": decision.reason_code,
        "decisionTime": decision.decision_time,
        "documentType": decision.document_type,
        "documentCountry": decision.document_country,
        "riskLabels": decision.risk_labels,
    }
    return {name: value for name, value in data.items() if value is not None}
