"""Events of contract."""

from pydantic import Field

from contracts.contract.values import ContractType, Ender, Party, TemplateName, Terms, Title, Variables
from contracts.message import EventData
from contracts.types import (
    Amount,
    ClientId,
    Code,
    ContractId,
    ContractorId,
    Country,
    Currency,
    Day,
    Hash,
    Legal,
    Locale,
    Ordinal,
    TemplateId,
    Text160,
    Text200,
    Text500,
    Timestamp,
    UserId,
)

# --- drafting ------------------------------------------------------------------------------------------------------


class ContractDrafted(EventData, Terms):
    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId


class ContractDraftUpdated(EventData):
    """``changed``: names of the attributes that have other values now, sorted."""

    contract_id: ContractId
    revision: Ordinal
    changed: tuple[str, ...]


class ContractPartyCheckRequested(EventData):
    """Both services answer, whether they know the party or not."""

    contract_id: ContractId
    check_no: Ordinal
    client_id: ClientId
    contractor_id: ContractorId


class ContractPartyRecorded(EventData):
    contract_id: ContractId
    party: Party
    ok: bool
    verified: bool
    reason: Code | None = None


class ContractPdfRequested(EventData, Terms):
    """All that the document shows, but for the template's text."""

    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId
    revision: Ordinal
    content_sha256: Hash
    template_id: TemplateId
    client_name: Legal[Text200]
    client_country: Country
    contractor_name: Legal[Text160]
    contractor_country: Country
    variables: Variables


class ContractPdfFailed(EventData):
    contract_id: ContractId
    client_user_id: UserId
    revision: Ordinal
    code: Code


# --- signing -------------------------------------------------------------------------------------------------------


class _ContractEvent(EventData):
    """Common to events of a contract that was sent."""

    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId
    client_user_id: UserId
    contractor_user_id: UserId
    title: Title
    client_name: Legal[Text200]
    contractor_name: Legal[Text160]


class ContractSent(_ContractEvent):
    type: ContractType
    currency: Currency
    pdf_sha256: Hash
    template_version: Ordinal
    sign_by: Timestamp


class ContractSigned(_ContractEvent):
    party: Party
    signed_at: Timestamp
    pdf_sha256: Hash


class ContractActivated(_ContractEvent):
    """Both have signed the document with this digest."""

    type: ContractType
    currency: Currency
    rate: Amount
    start_date: Day
    end_date: Day | None = None
    pdf_sha256: Hash
    client_signed_at: Timestamp
    contractor_signed_at: Timestamp


class ContractRecalled(_ContractEvent):
    reason: Text500


class ContractSigningReminderDue(_ContractEvent):
    waiting_for: tuple[Party, ...]
    sign_by: Timestamp


class ContractExecutedPdfStored(EventData):
    contract_id: ContractId
    executed_pdf_sha256: Hash


# --- ending --------------------------------------------------------------------------------------------------------


class ContractEndingSoon(_ContractEvent):
    end_date: Day


class ContractCompleted(_ContractEvent):
    by: Ender


class ContractCancelled(EventData):
    """A draft may be cancelled before its parties are confirmed: then their users and names are unknown, and left out."""

    contract_id: ContractId
    client_id: ClientId
    contractor_id: ContractorId
    client_user_id: UserId | None = None
    contractor_user_id: UserId | None = None
    title: Title
    client_name: Legal[Text200] | None = None
    contractor_name: Legal[Text160] | None = None
    by: Ender
    reason: Text500
    was_active: bool


# --- templates -----------------------------------------------------------------------------------------------------


class ContractTemplatePublished(EventData):
    name: TemplateName
    template_id: TemplateId
    type: ContractType
    locale: Locale
    template_version: Ordinal = Field(alias="version")
    content_sha256: Hash


class ContractTemplateRetired(EventData):
    name: TemplateName
    template_id: TemplateId


class ContractTemplateDefaultSet(EventData):
    type: ContractType
    template_id: TemplateId
