"""Commands of contract."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from contracts.contract.values import (
    ContractType,
    DocumentKey,
    Party,
    TemplateContent,
    TemplateName,
    Terms,
    Title,
    VariableNames,
    Variables,
)
from contracts.message import CommandData
from contracts.types import (
    Amount,
    ClientId,
    Code,
    ContractId,
    ContractorId,
    Country,
    Currency,
    Day,
    Direction,
    Hash,
    Legal,
    Locale,
    Name,
    Ordinal,
    TemplateId,
    Text200,
    Text500,
    UserId,
)


class _ContractCommand(CommandData):
    key_field: ClassVar[str] = "contract_id"
    contract_id: ContractId


# --- drafting ------------------------------------------------------------------------------------------------------


class CreateContractDraft(_ContractCommand, Terms):
    """``variables`` fill the template's placeholders, but for those that the contract itself fills."""

    client_id: ClientId
    contractor_id: ContractorId
    template_id: TemplateId
    variables: Variables


class UpdateContractDraft(_ContractCommand):
    """What is left out stays. ``variables`` replace all former ones. ``open_ended`` takes the end date off."""

    title: Title | None = None
    type: ContractType | None = None
    currency: Currency | None = None
    rate: Amount | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    open_ended: bool = False
    template_id: TemplateId | None = None
    variables: Variables | None = None

    @model_validator(mode="after")
    def _one_wish_about_the_end(self) -> Self:
        if self.open_ended and self.end_date:
            raise ValueError("openEnded and endDate exclude each other")
        return self


class RefreshContractParties(_ContractCommand):
    """Asks both parties' services again; earlier answers no longer count."""


class RecordContractParty(_ContractCommand):
    """A party's service answered. ``reason`` says why not ``ok``."""

    party: Party
    check_no: Ordinal
    ok: bool
    verified: bool
    reason: Code | None = None
    user_id: UserId | None = None
    name: Legal[Text200] | None = None
    country: Country | None = None

    @model_validator(mode="after")
    def _confirmed_party_is_known(self) -> Self:
        if self.ok and not (self.user_id and self.name and self.country):
            raise ValueError("a confirmed party has userId, name and country")
        return self


class SendContract(_ContractCommand):
    """Has the document made; the offer is out once it is recorded."""


# --- signing -------------------------------------------------------------------------------------------------------


class RecordContractPdf(_ContractCommand):
    revision: Ordinal
    content_sha256: Hash
    pdf_key: DocumentKey
    pdf_sha256: Hash
    pages: Ordinal


class RecordContractPdfFailed(_ContractCommand):
    revision: Ordinal
    code: Code


class SignContract(_ContractCommand):
    """``pdf_sha256`` is the digest of the document the signer saw."""

    party: Party
    pdf_sha256: Hash
    signature_name: Legal[Name]
    ip_hash: Hash


class RecallContract(_ContractCommand):
    """Back to a draft; signatures given so far are dropped."""

    reason: Text500


class RemindContractSigning(_ContractCommand):
    """Timer contract-sign-reminder."""


class ExpireContractOffer(_ContractCommand):
    """Timer contract-signing-deadline."""


class RecordExecutedPdf(_ContractCommand):
    executed_pdf_key: DocumentKey
    executed_pdf_sha256: Hash


# --- ending --------------------------------------------------------------------------------------------------------


class CancelContract(_ContractCommand):
    reason: Text500


class CompleteContract(_ContractCommand):
    """By the client at any time, by timer contract-end once the end date is over."""


class NoticeContractEnding(_ContractCommand):
    """Timer contract-end-notice."""


# --- templates -----------------------------------------------------------------------------------------------------


class _TemplateCommand(CommandData):
    key_field: ClassVar[str] = "name"
    name: TemplateName
    template_id: TemplateId


class PublishContractTemplate(_TemplateCommand):
    """``variables`` are the placeholders of ``template_content``, each once; ``content_sha256`` is the digest of its UTF-8 bytes."""

    template_version: Ordinal = Field(alias="version")
    type: ContractType
    locale: Locale
    dir: Direction
    template_content: TemplateContent
    variables: VariableNames
    content_sha256: Hash


class RetireContractTemplate(_TemplateCommand):
    """No new draft may use it; drafts that do keep it."""


class SetDefaultContractTemplate(CommandData):
    type: ContractType
    template_id: TemplateId

    @property
    def key(self) -> str:
        return f"DEFAULT#{self.type.value}"
