"""Decisions of Veriff and Onfido in kyc's words, whether they came by webhook or were asked for. Pure.

Tolerant: nearly every field of a provider may be null; what it says for people is cut to size, and what is of another form than ours
is left out. Only the outcome and its time have to be there.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from contracts.kyc import ProviderOutcome
from contracts.timestamps import decision_time
from contracts.types import FIRST_INSTANT, LAST_DAY, Country, DecisionTime

Json: TypeAlias = Mapping[str, Any]

TOO_MANY_ATTEMPTS: Final = "539"
"""Veriff's reasonCode of a resubmission that it will not take any more."""
MOST_LABELS: Final = 20
SESSION_TAG, ENVIRONMENT_TAG = "kycSessionId", "environment"
"""What stands before the colon in the tags of our workflow runs at Onfido; webhooks bring them back."""
_COUNTRY_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

VERIFF_OUTCOMES: Final[Mapping[str, ProviderOutcome]] = {
    "approved": ProviderOutcome.APPROVED,
    "declined": ProviderOutcome.DECLINED,
    "resubmission_requested": ProviderOutcome.RESUBMISSION,
    "review": ProviderOutcome.REVIEW,
    "expired": ProviderOutcome.EXPIRED,
    "abandoned": ProviderOutcome.ABANDONED,
}
"""By ``verification.status``, never by its code: 9104 is two of them, and 9121 is called otherwise elsewhere."""
RUN_OUTCOMES: Final[Mapping[str, ProviderOutcome]] = {
    "approved": ProviderOutcome.APPROVED,
    "declined": ProviderOutcome.DECLINED,
    "review": ProviderOutcome.REVIEW,
    "abandoned": ProviderOutcome.ABANDONED,
    "error": ProviderOutcome.ERROR,
}
"""By the status of an Onfido workflow run."""
CHECK_OUTCOMES: Final[Mapping[str, ProviderOutcome]] = {"clear": ProviderOutcome.APPROVED, "consider": ProviderOutcome.REVIEW}
"""By the result of a complete Onfido check: ``consider`` is for people, not a rejection."""


@dataclass(frozen=True, slots=True)
class ReadDecision:
    """``decision_time`` is None where the provider told none that can be read."""

    outcome: ProviderOutcome
    decision_time: DecisionTime | None
    code: str | None = None
    attempt_id: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    document_type: str | None = None
    document_country: Country | None = None
    risk_labels: tuple[str, ...] = ()


def veriff_decision(verification: Json) -> ReadDecision | None:
    """None: it says nothing final or asked for (``submitted``, codes 9151 and 9161, words to come)."""
    outcome = VERIFF_OUTCOMES.get(str(verification.get("status")))
    if outcome is None:
        return None
    reason_code = label(verification.get("reasonCode"), 80)
    if outcome is ProviderOutcome.RESUBMISSION and reason_code == TOO_MANY_ATTEMPTS:
        outcome = ProviderOutcome.DECLINED
    document = mapping(verification.get("document"))
    return ReadDecision(
        outcome=outcome,
        decision_time=instant(verification.get("decisionTime")),
        code=label(verification.get("code"), 80),
        attempt_id=label(verification.get("attemptId"), 255),
        reason=label(verification.get("reason"), 500),
        reason_code=reason_code,
        document_type=label(document.get("type"), 200),
        document_country=_country(document.get("country")),
        risk_labels=_labels(verification.get("riskLabels")),
    )


def run_decision(run: Json, decided_at: Any = None) -> ReadDecision | None:
    """``decided_at``: when the webhook says it was completed; a run asked for says when it changed last. None: it is still going on."""
    outcome = RUN_OUTCOMES.get(str(run.get("status")))
    if outcome is None:
        return None
    reasons = run.get("reasons")
    said = "; ".join(reason for reason in reasons if isinstance(reason, str)) if isinstance(reasons, list) else None
    error = mapping(run.get("error"))
    return ReadDecision(
        outcome=outcome,
        decision_time=instant(decided_at) or instant(run.get("updated_at")),
        reason=label(said, 500) or label(error.get("message"), 500),
    )


def check_decision(check: Json) -> ReadDecision | None:
    """A check tells no time of its verdict but that of its creation; a result that changes by reopening keeps it."""
    outcome = CHECK_OUTCOMES.get(str(check.get("result"))) if check.get("status") == "complete" else None
    if outcome is None:
        return None
    return ReadDecision(outcome, instant(check.get("completed_at_iso8601")) or instant(check.get("created_at")))


# --- values --------------------------------------------------------------------------------------------------------


def mapping(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def label(value: Any, length: int) -> str | None:
    """A provider's words or number as one clean line of at most ``length`` characters."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    line = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in unicodedata.normalize("NFC", str(value)))
    return line.strip()[:length].strip() or None


def instant(value: Any) -> DecisionTime | None:
    try:
        found = decision_time(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
    return found if found and FIRST_INSTANT <= found[:10] <= LAST_DAY else None


def _country(value: Any) -> Country | None:
    return value if isinstance(value, str) and len(value) == 2 and set(value) <= _COUNTRY_LETTERS else None


def _labels(value: Any) -> tuple[str, ...]:
    found = [label(mapping(each).get("label"), 200) for each in value] if isinstance(value, list) else []
    return tuple(each for each in found if each)[:MOST_LABELS]
