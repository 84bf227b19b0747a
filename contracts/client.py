"""Commands and events of client: companies and the contractors they invite. Key ``companyId``, which other services call ``clientId``."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, NewType, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from contracts.links import Link, LinkKeyId, Nonce
from contracts.message import CommandData, EventData
from contracts.types import (
    ClientId,
    Code,
    ContractId,
    ContractorId,
    Country,
    Email,
    Hash,
    Id,
    Legal,
    Locale,
    Ordinal,
    Pii,
    Text40,
    Text200,
    Text500,
    Timestamp,
    UserId,
)


def _date(value: str) -> str:
    date.fromisoformat(value)
    return value


InvitationId = NewType("InvitationId", Id)

Jurisdiction = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(_[a-z]{2,3})?$")]
CompanyNumber = Annotated[Code, Field(max_length=40)]
CheckNumber = Ordinal
IncorporationDate = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_date)]
"""No ``Day``: there are companies that are older than any date of ours may be."""


class VerificationOutcome(StrEnum):
    VERIFIED = "verified"
    REJECTED = "rejected"


class VerifiedBy(StrEnum):
    REGISTRY = "registry"
    ADMIN = "admin"


class CompanyField(StrEnum):
    """What a company says of itself, under its name on the wire."""

    LEGAL_NAME = "legalName"
    COUNTRY = "country"
    TAX_ID = "taxId"
    JURISDICTION = "jurisdiction"
    COMPANY_NUMBER = "companyNumber"


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
    legal_name: Pii[Text200]
    name_legal: Legal[Text200]
    country: Country
    tax_id: Pii[Text40] | None = None
    jurisdiction: Jurisdiction | None = None
    company_number: CompanyNumber | None = None


class UpdateCompanyDetails(_ClientCommand):
    """Fields that are not there stay as they are; both seals of the name come together."""

    legal_name: Pii[Text200] | None = None
    name_legal: Legal[Text200] | None = None
    country: Country | None = None
    tax_id: Pii[Text40] | None = None
    jurisdiction: Jurisdiction | None = None
    company_number: CompanyNumber | None = None

    @model_validator(mode="after")
    def _both_seals(self) -> Self:
        if (self.legal_name is None) != (self.name_legal is None):
            raise ValueError("legalName and nameLegal are two seals of one name")
        return self


class RequestCompanyVerification(_ClientCommand):
    pass


class RecordRegistryResult(_ClientCommand):
    """What the business registry has under the company's number. ``inactive`` is absent where the registry doesn't know.

    ``name_matches``: told by whoever could open the company's own name.
    """

    attempt: Ordinal
    found: bool
    name_matches: bool
    name: Text200 | None = None
    jurisdiction: Jurisdiction | None = None
    company_number: CompanyNumber | None = None
    inactive: bool | None = None
    current_status: Text200 | None = None
    incorporation_date: IncorporationDate | None = None
    registered_address: Text500 | None = None
    opencorporates_url: Text500 | None = None
    retrieved_at: Timestamp | None = None


class RecordRegistryUnavailable(_ClientCommand):
    attempt: Ordinal
    code: Code


class DecideCompanyVerification(_ClientCommand):
    outcome: VerificationOutcome
    reason: Text500


class _InvitationCommand(_ClientCommand):
    invitation_id: InvitationId


class InviteContractor(_InvitationCommand):
    contractor_email: Pii[Email]
    email_hash: Hash
    token: Link
    locale: Locale
    message: Text500 | None = None


class ResendInvitation(_InvitationCommand):
    """``token`` takes the place of the one before, whose link is then good for nothing."""

    token: Link


class AcceptInvitation(_InvitationCommand):
    """``email_hash``: of the address that the session's user has proved to be his."""

    token_hash: Hash
    user_id: UserId
    contractor_id: ContractorId
    email_hash: Hash


class RevokeInvitation(_InvitationCommand):
    pass


class ExpireInvitation(_InvitationCommand):
    pass


class RemindInvitation(_InvitationCommand):
    pass


class ConfirmContractClient(_ClientCommand):
    contract_id: ContractId
    check_no: CheckNumber


class NoteContractOpened(_ClientCommand):
    contract_id: ContractId


class NoteContractClosed(_ClientCommand):
    contract_id: ContractId


class EraseCompany(_ClientCommand):
    user_id: UserId


# --- events --------------------------------------------------------------------------------------------------------


class _CompanyEvent(EventData):
    company_id: ClientId
    user_id: UserId


class CompanyRegistered(_CompanyEvent):
    country: Country


class CompanyDetailsUpdated(_CompanyEvent):
    changed: tuple[CompanyField, ...]


class CompanyVerificationRequested(EventData):
    """``attempt``: answers to any other than the last one are old news."""

    company_id: ClientId
    attempt: Ordinal
    jurisdiction: Jurisdiction
    company_number: CompanyNumber
    legal_name: Pii[Text200]


class CompanyVerified(_CompanyEvent):
    country: Country
    by: VerifiedBy


class CompanyRejected(_CompanyEvent):
    reason: Text500


class CompanyReviewNeeded(_CompanyEvent):
    """A person has to decide; ``reason`` is a code."""

    reason: Text500


class _InvitationEvent(EventData):
    invitation_id: InvitationId
    client_id: ClientId


class _InvitationMail(_InvitationEvent):
    """All that the mail to the invited person says."""

    company_name: Pii[Text200]
    contractor_email: Pii[Email]
    email_hash: Hash
    nonce: Nonce
    kid: LinkKeyId
    valid_until: Timestamp
    locale: Locale
    message: Text500 | None = None


class InvitationSent(_InvitationMail):
    pass


class InvitationReminderDue(_InvitationMail):
    pass


class InvitationAccepted(_InvitationEvent):
    client_user_id: UserId
    contractor_email: Pii[Email]
    contractor_id: ContractorId
    user_id: UserId


class InvitationRevoked(_InvitationEvent):
    pass


class InvitationExpired(_InvitationEvent):
    client_user_id: UserId
    contractor_email: Pii[Email]


class ContractClientConfirmed(EventData):
    contract_id: ContractId
    check_no: CheckNumber
    client_id: ClientId
    user_id: UserId
    name: Legal[Text200]
    country: Country
    verified: bool


class ContractClientRefused(EventData):
    contract_id: ContractId
    check_no: CheckNumber
    client_id: ClientId
    reason: ClientRefusal


class CompanyErased(_CompanyEvent):
    """``existed``: whether the person had a company at all; the answer is the same."""

    existed: bool


class CompanyErasureDeferred(_CompanyEvent):
    """``open_contracts``: how many have to end first."""

    open_contracts: Ordinal
