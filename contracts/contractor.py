"""Commands and events of contractor: profiles, bank details, party checks. Key ``contractorId``."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import StringConstraints, model_validator

from contracts.client import InvitationId
from contracts.kyc import KycProvider
from contracts.message import CommandData, EventData
from contracts.types import (
    BankDetailsId,
    BankNumber,
    ClientId,
    Code,
    ContractId,
    ContractorId,
    Country,
    DecisionTime,
    Hash,
    KycSessionId,
    Legal,
    Name,
    Ordinal,
    PayoutCurrency,
    Pii,
    ProviderId,
    Sealed,
    Text160,
    Text500,
    Timestamp,
    UserId,
)

CheckNumber = Ordinal
LastDigits = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,4}$")]


class KycStatus(StrEnum):
    """A copy; kyc owns the verdict."""

    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


class KycOutcome(StrEnum):
    """How a session ended; the last two change no status."""

    VERIFIED = "verified"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"


class BankAction(StrEnum):
    """What was done with a bank account at the payment provider."""

    ATTACH = "attach"
    DEFAULT = "default"
    DETACH = "detach"


class ContractorField(StrEnum):
    """What a contractor says of himself, under its name on the wire."""

    NAME = "name"
    COUNTRY = "country"


class ContractorRefusal(StrEnum):
    """Why a contractor can't be party to a contract."""

    CONTRACTOR_NOT_FOUND = "contractor_not_found"
    ERASED = "erased"


# --- commands ------------------------------------------------------------------------------------------------------


class _ContractorCommand(CommandData):
    key_field: ClassVar[str] = "contractor_id"
    contractor_id: ContractorId


class _BankDetailsCommand(_ContractorCommand):
    bank_details_id: BankDetailsId


class CreateContractorProfile(_ContractorCommand):
    """The name is sealed twice: for the person, and to outlive them in contracts."""

    user_id: UserId
    name: Pii[Text160]
    name_legal: Legal[Text160]
    country: Country


class UpdateContractorProfile(_ContractorCommand):
    """Fields that are not there stay as they are; both seals of the name come together."""

    name: Pii[Text160] | None = None
    name_legal: Legal[Text160] | None = None
    country: Country | None = None

    @model_validator(mode="after")
    def _both_seals(self) -> Self:
        if (self.name is None) != (self.name_legal is None):
            raise ValueError("name and nameLegal are two seals of one name")
        return self


class LinkContractorToClient(_ContractorCommand):
    """``invitation_id``: the one that was accepted."""

    client_id: ClientId
    invitation_id: InvitationId


class RequestContractorKyc(_ContractorCommand):
    provider: KycProvider = KycProvider.VERIFF


class ApplyKycOutcome(_ContractorCommand):
    kyc_session_id: KycSessionId
    outcome: KycOutcome
    decision_time: DecisionTime
    reason: Text500 | None = None


class AddBankDetails(_BankDetailsCommand):
    """``fingerprint`` is a keyed hash of the numbers: it finds duplicates without opening them."""

    bank_name: Name
    account_number: Sealed[BankNumber]
    routing_number: Sealed[BankNumber] | None = None
    currency: PayoutCurrency
    country: Country
    last4: LastDigits
    fingerprint: Hash
    make_default: bool


class SetDefaultBankDetails(_BankDetailsCommand):
    pass


class RemoveBankDetails(_BankDetailsCommand):
    pass


class RecordBankDetailsSynced(_BankDetailsCommand):
    action: BankAction
    stripe_external_account_id: ProviderId


class RecordBankDetailsFailed(_BankDetailsCommand):
    code: Code


class RecordPayoutReadiness(_ContractorCommand):
    ready: bool
    reason: Text500 | None = None
    as_of: Timestamp


class ConfirmContractContractor(_ContractorCommand):
    contract_id: ContractId
    check_no: CheckNumber


class NoteContractOpened(_ContractorCommand):
    contract_id: ContractId


class NoteContractClosed(_ContractorCommand):
    contract_id: ContractId


class EraseContractor(_ContractorCommand):
    user_id: UserId


# --- events --------------------------------------------------------------------------------------------------------


class _ContractorEvent(EventData):
    contractor_id: ContractorId


class ContractorProfileCreated(_ContractorEvent):
    user_id: UserId
    country: Country


class ContractorProfileUpdated(_ContractorEvent):
    user_id: UserId
    changed: tuple[ContractorField, ...]


class ContractorLinkedToClient(_ContractorEvent):
    user_id: UserId
    client_id: ClientId


class ContractorKycRequested(_ContractorEvent):
    """``ordinal`` counts the identity checks that were asked for."""

    user_id: UserId
    kyc_session_id: KycSessionId
    provider: KycProvider
    country: Country
    name: Pii[Text160]
    ordinal: Ordinal


class ContractorKycStatusChanged(_ContractorEvent):
    user_id: UserId
    country: Country
    kyc_status: KycStatus
    reason: Text500 | None = None
    decision_time: DecisionTime


class BankDetailsAdded(_ContractorEvent):
    user_id: UserId
    bank_details_id: BankDetailsId
    bank_name: Name
    account_number: Sealed[BankNumber]
    routing_number: Sealed[BankNumber] | None = None
    currency: PayoutCurrency
    country: Country
    last4: LastDigits
    is_default: bool


class BankDetailsDefaultSet(_ContractorEvent):
    bank_details_id: BankDetailsId


class BankDetailsRemoved(_ContractorEvent):
    bank_details_id: BankDetailsId


class BankDetailsAttached(_ContractorEvent):
    user_id: UserId
    bank_details_id: BankDetailsId
    last4: LastDigits


class BankDetailsFailed(_ContractorEvent):
    user_id: UserId
    bank_details_id: BankDetailsId
    last4: LastDigits
    code: Code


class ContractContractorConfirmed(EventData):
    contract_id: ContractId
    check_no: CheckNumber
    contractor_id: ContractorId
    user_id: UserId
    name: Legal[Text160]
    country: Country
    verified: bool


class ContractContractorRefused(EventData):
    contract_id: ContractId
    check_no: CheckNumber
    contractor_id: ContractorId
    reason: ContractorRefusal


class ContractorErased(EventData):
    """``existed``: whether the person was a contractor at all. ``kyc_session_ids``: the identity checks that are to be restricted."""

    contractor_id: ContractorId
    user_id: UserId
    existed: bool
    kyc_session_ids: tuple[KycSessionId, ...] = ()


class ContractorErasureDeferred(_ContractorEvent):
    """``open_contracts``: how many have to end first."""

    user_id: UserId
    open_contracts: Ordinal
