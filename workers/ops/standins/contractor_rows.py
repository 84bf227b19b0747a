"""Rows of the stand-in of contractor: the profile, and the bank details a command names."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from contracts.contractor import AddBankDetails, KycStatus, LastDigits, RecordBankDetailsFailed, RecordBankDetailsSynced
from contracts.message import Value
from contracts.types import (
    BankDetailsId,
    Code,
    CommandId,
    ContractorId,
    Country,
    DecisionTime,
    Hash,
    Legal,
    Name,
    PayoutCurrency,
    Pii,
    ProviderId,
    Sealed,
    Text500,
    Timestamp,
    UserId,
)
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import Command, ItemRef
from workers.ops.standins.standing import ContractStanding

PROFILES_TABLE = "contractor-profiles"
BANK_TABLE = "contractor-bank-details"


class Profile(Value):
    id: ContractorId
    user_id: UserId
    name: Pii
    name_legal: Legal
    country: Country
    kyc_status: KycStatus = KycStatus.PENDING
    kyc_decided_at: DecisionTime | None = None
    kyc_reason: Text500 | None = None
    default_bank_details_id: BankDetailsId | None = None
    payouts_ready: bool = False
    payouts_ready_as_of: Timestamp | None = None
    contract_states: Mapping[str, ContractStanding] = {}
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class BankStatus(StrEnum):
    NEW = "new"
    ATTACHED = "attached"
    FAILED = "failed"


class BankDetails(Value):
    """The sealed numbers stay only until the payment provider has them."""

    id: BankDetailsId
    contractor_id: ContractorId
    bank_name: Name
    account_number: Sealed | None = None
    routing_number: Sealed | None = None
    currency: PayoutCurrency
    country: Country
    last4: LastDigits
    fingerprint: Hash
    status: BankStatus = BankStatus.NEW
    stripe_external_account_id: ProviderId | None = None
    failure_code: Code | None = None
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class State(Value):
    """``bank`` is the row the command names, if there is one."""

    profile: Profile | None = None
    bank: BankDetails | None = None

    def with_profile(self, profile: Profile) -> "State":
        return State(profile=profile, bank=self.bank)

    def with_bank(self, bank: BankDetails) -> "State":
        return State(profile=self.profile, bank=bank)


BankCommand = AddBankDetails | RecordBankDetailsSynced | RecordBankDetailsFailed


def named_bank_details(_state: State, command: Command[BankCommand]) -> Iterable[Read]:
    return (Read(ItemRef(BANK_TABLE, command.data.bank_details_id)),)


def load(key: str, items: Items) -> State:
    profile = items.get(ItemRef(PROFILES_TABLE, key))
    bank = next((item for ref, item in items.items() if ref.table == BANK_TABLE), None)
    return State(profile=Profile.from_item(profile) if profile else None, bank=BankDetails.from_item(bank) if bank else None)


def save(state: State) -> Items:
    rows = {}
    if state.profile:
        rows[ItemRef(PROFILES_TABLE, state.profile.id)] = state.profile.to_item()
    if state.bank:
        rows[ItemRef(BANK_TABLE, state.bank.id)] = state.bank.to_item()
    return rows


CONTRACTORS: Aggregate[State] = Aggregate(PROFILES_TABLE, load, save)
