"""Bank details as they rest: a row of their own each, sealed numbers only until the payment provider has them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Self, TypeAlias

from contracts.contractor import LastDigits
from contracts.message import Value
from contracts.types import (
    BankDetailsId,
    BankNumber,
    Code,
    CommandId,
    ContractorId,
    Country,
    Hash,
    Name,
    PayoutCurrency,
    ProviderId,
    Sealed,
    Timestamp,
)

REMEMBERED = 20
"""How many of the last facts about it a row remembers."""


class BankStatus(StrEnum):
    NEW = "new"
    ATTACHED = "attached"
    FAILED = "failed"
    REMOVED = "removed"


class _Row(Value):
    id: BankDetailsId
    contractor_id: ContractorId
    currency: PayoutCurrency
    country: Country
    stripe_external_account_id: ProviderId | None = None
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class RemovedBankDetails(_Row):
    """Nothing that says whose account it was, or which."""

    status: Literal[BankStatus.REMOVED] = BankStatus.REMOVED


class BankDetails(_Row):
    """``decided_by``: the last facts that changed it. They name no step, so an old one published once more would undo a newer."""

    status: BankStatus = BankStatus.NEW
    bank_name: Name
    account_number: Sealed[BankNumber] | None = None
    routing_number: Sealed[BankNumber] | None = None
    last4: LastDigits
    fingerprint: Hash
    failure_code: Code | None = None
    decided_by: tuple[CommandId, ...] = ()

    def to_item(self) -> dict[str, Any]:
        """Lists without entries are left out."""
        return {name: value for name, value in super().to_item().items() if value != []}

    @property
    def is_attached(self) -> bool:
        return self.status is BankStatus.ATTACHED

    def attached(self, account: ProviderId, command: CommandId) -> Self:
        gone = {"account_number": None, "routing_number": None, "failure_code": None}
        return self._decided(command, status=BankStatus.ATTACHED, stripe_external_account_id=account, **gone)

    def failed(self, code: Code, command: CommandId) -> Self:
        return self._decided(command, status=BankStatus.FAILED, failure_code=code)

    def removed(self) -> RemovedBankDetails:
        return RemovedBankDetails.model_validate(self.model_dump(exclude={"status"}))

    def _decided(self, command: CommandId, **values: object) -> Self:
        return self.model_copy(update={**values, "decided_by": (*self.decided_by, command)[-REMEMBERED:]})


BankRow: TypeAlias = BankDetails | RemovedBankDetails


def bank_row_in(item: Mapping[str, Any]) -> BankRow:
    return RemovedBankDetails.from_item(item) if item["status"] == BankStatus.REMOVED else BankDetails.from_item(item)
