"""The company as it rests: what it says of itself, what the registry says, and how it stands in its contracts."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from contracts.client import CompanyNumber, IncorporationDate, Jurisdiction
from contracts.contract.standing import KnownContracts
from contracts.message import Value
from contracts.types import (
    ClientId,
    Country,
    Legal,
    Pii,
    Text40,
    Text200,
    Text500,
    Timestamp,
    UserId,
)
from workers.engine.row import EMPTY_OR_ZERO, DecidedRow, Row


class VerificationStatus(StrEnum):
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


class ReviewState(StrEnum):
    """Absent unless a person has to decide."""

    MANUAL = "manual"


class RegistryData(Value):
    """``company_number`` and ``jurisdiction`` are the company's word until the registry has found it; the rest is the registry's.
    Whoever shows it owes OpenCorporates the link and the date."""

    company_number: CompanyNumber | None = None
    jurisdiction: Jurisdiction | None = None
    registered_address: Text500 | None = None
    name: Text200 | None = None
    current_status: Text200 | None = None
    inactive: bool | None = None
    incorporation_date: IncorporationDate | None = None
    opencorporates_url: Text500 | None = None
    retrieved_at: Timestamp | None = None


class _Row(Row):
    id: ClientId
    user_id: UserId


class ErasedCompany(_Row):
    """Stays of a company, and stands for one that never was: what comes late must find that."""

    erased: Literal[True] = True


class Company(_Row, DecidedRow, KnownContracts):
    """``verification_attempt`` counts look-ups asked of the registry."""

    leaves_out = EMPTY_OR_ZERO

    legal_name: Pii[Text200]
    name_legal: Legal[Text200]
    country: Country
    tax_id: Pii[Text40] | None = None
    business_registry_data: RegistryData = RegistryData()
    verification_status: VerificationStatus = VerificationStatus.PENDING
    review_state: ReviewState | None = None
    verification_reason: Text500 | None = None
    verification_attempt: int = 0
    verification_requests: tuple[Timestamp, ...] = ()
    erasure_requested: bool = False

    @property
    def is_verified(self) -> bool:
        return self.verification_status is VerificationStatus.VERIFIED

    def awaits(self, attempt: int) -> bool:
        """The registry was asked, and nobody has answered or decided since."""
        return attempt == self.verification_attempt and self.verification_status is VerificationStatus.PENDING and self.review_state is None


def company_in(item: Mapping[str, Any]) -> Company | ErasedCompany:
    return ErasedCompany.from_item(item) if item.get("erased") else Company.from_item(item)
