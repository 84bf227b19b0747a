"""Identity checks are asked for here: who may, and how often. How one goes is kyc's business."""

from contracts.contractor import ContractorKycRequested, KycStatus, RequestContractorKyc
from contracts.ids import within
from contracts.kyc import KycProvider
from contracts.timestamps import decision_time, plus
from contracts.types import CommandId, KycSessionId, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.contractor.contractor import Contractor
from workers.services.contractor.rights import admin, owner
from workers.services.contractor.state import ContractorState, living

MOST_REQUESTS = 5
"""Ever, unless an admin asks."""
MOST_SESSIONS = 20
"""That a contractor remembers."""
HOURS_AFTER_REJECTION = 24


def request_contractor_kyc(state: ContractorState, command: Command[RequestContractorKyc], at: Timestamp) -> Decision[ContractorState]:
    contractor = living(state, command, owner)
    if isinstance(contractor, Refused):
        return contractor
    if session_id(command.id) in contractor.kyc_session_ids:
        return UNCHANGED
    if reason := _refusal(contractor, at, by_admin=admin(command.actor, contractor.id)):
        return Refused(reason)
    waiting, request = asked(contractor, command.id, command.data.provider)
    return Accepted(state.become(waiting), (request,))


# --- rules ---------------------------------------------------------------------------------------------------------


def session_id(command: CommandId) -> KycSessionId:
    return KycSessionId(within(command, "kyc"))


def may_be_asked(contractor: Contractor) -> bool:
    """Without anybody's asking: nothing is decided, nothing is going on."""
    return contractor.kyc_status is KycStatus.PENDING and not contractor.kyc_open and contractor.kyc_requests < MOST_REQUESTS


def asked(contractor: Contractor, command: CommandId, provider: KycProvider) -> tuple[Contractor, ContractorKycRequested]:
    """The contractor with one more session, and the request for it. ``command``: the one that asks."""
    session = session_id(command)
    waiting = contractor.having(
        kyc_session_id=session,
        kyc_open=True,
        kyc_requests=contractor.kyc_requests + 1,
        kyc_session_ids=(*contractor.kyc_session_ids, session)[-MOST_SESSIONS:],
    )
    return waiting, ContractorKycRequested(
        contractor_id=contractor.id,
        user_id=contractor.user_id,
        kyc_session_id=session,
        provider=provider,
        country=contractor.country,
        name=contractor.name,
        ordinal=waiting.kyc_requests,
    )


def _refusal(contractor: Contractor, at: Timestamp, *, by_admin: bool) -> str | None:
    if contractor.is_verified and not by_admin:
        return "kyc_already_verified"
    if contractor.kyc_open:
        return "kyc_session_open"
    if contractor.kyc_requests >= MOST_REQUESTS and not by_admin:
        return "kyc_attempts_exhausted"
    return "kyc_too_soon" if _was_just_rejected(contractor, at) else None


def _was_just_rejected(contractor: Contractor, at: Timestamp) -> bool:
    rejected = contractor.kyc_status is KycStatus.REJECTED
    return rejected and (contractor.kyc_decided_at or "") > decision_time(plus(at, hours=-HOURS_AFTER_REJECTION))
