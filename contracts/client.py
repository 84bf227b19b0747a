"""Commands and events of client: companies. Key ``companyId``, which other services call ``clientId``."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from contracts.message import CommandData, EventData
from contracts.types import ClientId, Code, ContractId, Country, Legal, Ordinal, Pii, Text500, UserId

Jurisdiction = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(_[a-z]{2,3})?$")]
CompanyNumber = Annotated[Code, Field(max_length=40)]
CheckNumber = Ordinal


class VerificationOutcome(StrEnum):
    VERIFIED = "verified"
    REJECTED = "rejected"


class VerifiedBy(StrEnum):
    REGISTRY = "registry"
    ADMIN = "admin"


class ClientRefusal(StrEnum):
    """Why a company can't be party to a contract."""

    COMPANY_NOT_FOUND = "company_not_found"
    ERASED = "erased"


# --- commands ------------------------------------------------------------------------------------------------------


class _ClientCommand(CommandData):
    key_field: ClassVar[str] = "company_id"
    company_id: ClientId


class RegisterCompany(_ClientCommand):
    """The name is sealed twice: for the person, and to outlive them in contracts."""

    user_id: UserId
    legal_name: Pii
    name_legal: Legal
    country: Country
    tax_id: Pii | None = None
    jurisdiction: Jurisdiction | None = None
    company_number: CompanyNumber | None = None


class DecideCompanyVerification(_ClientCommand):
    outcome: VerificationOutcome
    reason: Text500


class ConfirmContractClient(_ClientCommand):
    contract_id: ContractId
    check_no: CheckNumber


class NoteContractOpened(_ClientCommand):
    contract_id: ContractId


class NoteContractClosed(_ClientCommand):
    contract_id: ContractId


# --- events --------------------------------------------------------------------------------------------------------


class CompanyRegistered(EventData):
    company_id: ClientId
    user_id: UserId
    country: Country


class CompanyVerified(EventData):
    company_id: ClientId
    user_id: UserId
    country: Country
    by: VerifiedBy


class CompanyRejected(EventData):
    company_id: ClientId
    user_id: UserId
    reason: Text500


class ContractClientConfirmed(EventData):
    contract_id: ContractId
    check_no: CheckNumber
    client_id: ClientId
    user_id: UserId
    name: Legal
    country: Country
    verified: bool


class ContractClientRefused(EventData):
    contract_id: ContractId
    check_no: CheckNumber
    client_id: ClientId
    reason: ClientRefusal
