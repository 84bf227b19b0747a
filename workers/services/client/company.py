"""The company as it rests: what it says of itself, what the registry says, and how it stands in its contracts."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Self

from contracts.client import CompanyNumber, IncorporationDate, Jurisdiction
from contracts.message import Value
from contracts.types import (
    ClientId,
    CommandId,
    ContractId,
    Country,
    Legal,
    Pii,
    Text40,
    Text200,
    Text500,
    Timestamp,
    UserId,
)

REMEMBERED = 20
"""How many of the commands that may be asked for again a row remembers."""
_EMPTY: tuple[object, ...] = ([], {}, False, 0)


class VerificationStatus(StrEnum):
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


class ReviewState(StrEnum):
    """Absent unless a person has to decide."""

    MANUAL = "manual"


class ContractStanding(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


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


class _Row(Value):
    id: ClientId
    user_id: UserId
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class ErasedCompany(_Row):
    """Stays of a company, and stands for one that never was: what comes late must find that."""

    erased: Literal[True] = True


class Company(_Row):
    """``verification_attempt`` counts look-ups asked of the registry. ``closed_contracts``: those of ``contract_states`` that are closed,
    in the order they closed. ``decided_by``: the last commands of the kinds that may be asked for again, lest an old one published once
    more undoes a newer."""

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
    contract_states: Mapping[ContractId, ContractStanding] = {}
    closed_contracts: tuple[ContractId, ...] = ()
    erasure_requested: bool = False
    decided_by: tuple[CommandId, ...] = ()

    def to_item(self) -> dict[str, Any]:
        """What is empty, zero or false is left out."""
        return {name: value for name, value in super().to_item().items() if value not in _EMPTY}

    def having(self, **values: object) -> Self:
        return self.model_copy(update=values)

    def decided(self, command: CommandId, **values: object) -> Self:
        return self.having(**values, decided_by=(*self.decided_by, command)[-REMEMBERED:])

    @property
    def is_verified(self) -> bool:
        return self.verification_status is VerificationStatus.VERIFIED

    def awaits(self, attempt: int) -> bool:
        """The registry was asked, and nobody has answered or decided since."""
        return attempt == self.verification_attempt and self.verification_status is VerificationStatus.PENDING and self.review_state is None

    @property
    def open_contracts(self) -> int:
        return sum(standing is ContractStanding.OPEN for standing in self.contract_states.values())


def company_in(item: Mapping[str, Any]) -> Company | ErasedCompany:
    return ErasedCompany.from_item(item) if item.get("erased") else Company.from_item(item)
