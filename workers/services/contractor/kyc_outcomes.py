"""What became of identity checks: a copy of kyc's verdict, ordered by when it was decided and not by when it comes here."""

from contracts.contractor import ApplyKycOutcome, ContractorKycStatusChanged, KycOutcome, KycStatus
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision
from workers.services.contractor.contractor import Contractor
from workers.services.contractor.state import ContractorState, told

VERDICTS = {KycOutcome.VERIFIED: KycStatus.VERIFIED, KycOutcome.REJECTED: KycStatus.REJECTED}
"""The other outcomes end a session without one."""


def apply_kyc_outcome(state: ContractorState, command: Command[ApplyKycOutcome], _at: Timestamp) -> Decision[ContractorState]:
    contractor, data = told(state, command), command.data
    if not isinstance(contractor, Contractor):
        return contractor
    if data.kyc_session_id not in contractor.kyc_session_ids:
        return UNCHANGED
    after = _without(contractor, data)
    if not _is_news(contractor, data):
        return UNCHANGED if after == contractor else Accepted(state.become(after))
    decided = after.having(kyc_status=VERDICTS[data.outcome], kyc_decided_at=data.decision_time, kyc_reason=data.reason)
    return Accepted(state.become(decided), (_changed(decided, data),))


# --- rules ---------------------------------------------------------------------------------------------------------


def _without(contractor: Contractor, data: ApplyKycOutcome) -> Contractor:
    """However late its end is heard of: a session that has ended is not open."""
    return contractor.having(kyc_open=False) if data.kyc_session_id == contractor.kyc_session_id else contractor


def _is_news(contractor: Contractor, data: ApplyKycOutcome) -> bool:
    """Of two verdicts at the same instant the rejection counts, as it does in kyc."""
    if data.outcome not in VERDICTS:
        return False
    decided_at = contractor.kyc_decided_at or ""
    overturned = contractor.kyc_status is KycStatus.VERIFIED and data.outcome is KycOutcome.REJECTED
    return data.decision_time > decided_at or (data.decision_time == decided_at and overturned)


def _changed(contractor: Contractor, data: ApplyKycOutcome) -> ContractorKycStatusChanged:
    return ContractorKycStatusChanged(
        contractor_id=contractor.id,
        user_id=contractor.user_id,
        country=contractor.country,
        kyc_status=contractor.kyc_status,
        reason=data.reason,
        decision_time=data.decision_time,
    )
