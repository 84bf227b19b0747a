"""A decision that was read, as kyc's port has it."""

from workers.adapters.identity_decisions import ReadDecision
from workers.services.kyc.ports import ProviderDecision, Unavailable


def decided(found: ReadDecision, body: bytes) -> ProviderDecision | Unavailable:
    """Without a time it can't be judged, so it is asked for again."""
    if found.decision_time is None:
        return Unavailable("malformed answer: a decision without its time")
    return ProviderDecision(
        outcome=found.outcome,
        decision_time=found.decision_time,
        body=body,
        code=found.code,
        attempt_id=found.attempt_id,
        reason=found.reason,
        reason_code=found.reason_code,
        document_type=found.document_type,
        document_country=found.document_country,
        risk_labels=found.risk_labels,
    )
