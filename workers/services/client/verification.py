"""Whether a company is what it says: asked of the business registry, decided by it or by a person."""

from contracts.client import (
    CompanyRejected,
    CompanyReviewNeeded,
    CompanyVerificationRequested,
    CompanyVerified,
    DecideCompanyVerification,
    RecordRegistryResult,
    RecordRegistryUnavailable,
    RequestCompanyVerification,
    VerificationOutcome,
    VerifiedBy,
)
from contracts.timestamps import plus
from contracts.types import Text500, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.client.company import Company, ErasedCompany, RegistryData, ReviewState, VerificationStatus
from workers.services.client.rights import admin, ours, owner
from workers.services.client.state import ClientState, found, living

MOST_A_DAY = 5
NUMBER_MISSING = "registry_number_missing"
INACTIVE, NOT_FOUND = "company_inactive", "registry_company_not_found"
NAME_DIFFERS, STATUS_UNKNOWN = "registry_name_differs", "registry_status_unknown"

Judged = tuple[Company, CompanyVerified | CompanyRejected | CompanyReviewNeeded]


def request_company_verification(state: ClientState, command: Command[RequestCompanyVerification], at: Timestamp) -> Decision[ClientState]:
    company = living(state, command, owner)
    if isinstance(company, Refused):
        return company
    if command.id in company.decided_by:
        return UNCHANGED
    if company.is_verified:
        return Refused("already_verified")
    if not _has_number(company):
        return Refused(NUMBER_MISSING)
    recent = tuple(request for request in company.verification_requests if request > plus(at, hours=-24))
    if len(recent) >= MOST_A_DAY:
        return Refused("too_many_requests")
    asking, asked = to_verify(company.decided(command.id, verification_requests=(*recent, at)))
    return Accepted(state.become(asking), (asked,))


def record_registry_result(state: ClientState, command: Command[RecordRegistryResult], _at: Timestamp) -> Decision[ClientState]:
    company, data = found(state, command, ours), command.data
    if isinstance(company, Refused):
        return company
    if isinstance(company, ErasedCompany) or not company.awaits(data.attempt):
        return UNCHANGED
    judged, event = _judged(company, data)
    return Accepted(state.become(_with_facts(judged, data) if data.found else judged), (event,))


def record_registry_unavailable(state: ClientState, command: Command[RecordRegistryUnavailable], _at: Timestamp) -> Decision[ClientState]:
    company, data = found(state, command, ours), command.data
    if isinstance(company, Refused):
        return company
    if isinstance(company, ErasedCompany) or not company.awaits(data.attempt):
        return UNCHANGED
    waiting, event = _to_review(company, data.code)
    return Accepted(state.become(waiting), (event,))


def decide_company_verification(state: ClientState, command: Command[DecideCompanyVerification], _at: Timestamp) -> Decision[ClientState]:
    company, data = living(state, command, admin), command.data
    if isinstance(company, Refused):
        return company
    if company.verification_status is VerificationStatus(data.outcome) or command.id in company.decided_by:
        return UNCHANGED
    verified = data.outcome is VerificationOutcome.VERIFIED
    decided, event = _verified(company, VerifiedBy.ADMIN, data.reason) if verified else _rejected(company, data.reason)
    return Accepted(state.become(decided.decided(command.id)), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def to_verify(company: Company) -> tuple[Company, CompanyVerificationRequested | CompanyReviewNeeded]:
    """Pending: for the registry to answer, or for a person where the registry can't be asked."""
    pending = company.having(verification_status=VerificationStatus.PENDING, review_state=None, verification_reason=None)
    registry = company.business_registry_data
    if registry.jurisdiction is None or registry.company_number is None:
        return _to_review(pending, NUMBER_MISSING)
    asking = pending.having(verification_attempt=company.verification_attempt + 1)
    return asking, CompanyVerificationRequested(
        company_id=asking.id,
        attempt=asking.verification_attempt,
        jurisdiction=registry.jurisdiction,
        company_number=registry.company_number,
        legal_name=asking.legal_name,
    )


def _has_number(company: Company) -> bool:
    registry = company.business_registry_data
    return registry.jurisdiction is not None and registry.company_number is not None


def _with_facts(company: Company, data: RecordRegistryResult) -> Company:
    """All the registry says of it; what it was looked up by stays where the answer doesn't repeat it."""
    asked = company.business_registry_data.model_dump(include={"jurisdiction", "company_number"})
    return company.having(business_registry_data=RegistryData.model_validate(asked | data.model_dump(exclude_none=True)))


def _judged(company: Company, data: RecordRegistryResult) -> Judged:
    if not data.found:
        return _to_review(company, NOT_FOUND)
    if data.inactive is None:
        return _to_review(company, STATUS_UNKNOWN)
    if data.inactive:
        return _rejected(company, INACTIVE)
    return _verified(company, VerifiedBy.REGISTRY) if data.name_matches else _to_review(company, NAME_DIFFERS)


def _verified(company: Company, by: VerifiedBy, reason: Text500 | None = None) -> tuple[Company, CompanyVerified]:
    verified = company.having(verification_status=VerificationStatus.VERIFIED, review_state=None, verification_reason=reason)
    return verified, CompanyVerified(company_id=company.id, user_id=company.user_id, country=company.country, by=by)


def _rejected(company: Company, reason: Text500) -> tuple[Company, CompanyRejected]:
    rejected = company.having(verification_status=VerificationStatus.REJECTED, review_state=None, verification_reason=reason)
    return rejected, CompanyRejected(company_id=company.id, user_id=company.user_id, reason=reason)


def _to_review(company: Company, reason: Text500) -> tuple[Company, CompanyReviewNeeded]:
    waiting = company.having(review_state=ReviewState.MANUAL, verification_reason=reason)
    return waiting, CompanyReviewNeeded(company_id=company.id, user_id=company.user_id, reason=reason)
