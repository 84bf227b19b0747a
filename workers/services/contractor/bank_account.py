"""Bank details as they rest: a row of their own each, sealed numbers only until the payment provider has them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Self, TypeAlias

from contracts.contractor import LastDigits
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
)
from workers.engine.row import DecidedRow, Row


class BankStatus(StrEnum):
    NEW = "new"
    ATTACHED = "attached"
    FAILED = "failed"
    REMOVED = "removed"


class _Row(Row):
    id: BankDetailsId
    contractor_id: ContractorId
    currency: PayoutCurrency
    country: Country
    stripe_external_account_id: ProviderId | None = None


class RemovedBankDetails(_Row):
    """Nothing that says whose account it was, or which."""

    status: Literal[BankStatus.REMOVED] = BankStatus.REMOVED


class BankDetails(_Row, DecidedRow):
    """``decided_by``: the last facts that changed it. They name no step, so an old one published once more would undo a newer."""

    status: BankStatus = BankStatus.NEW
    bank_name: Name
    account_number: Sealed[BankNumber] | None = None
    routing_number: Sealed[BankNumber] | None = None
    last4: LastDigits
    fingerprint: Hash
    failure_code: Code | None = None

    @property
    def is_attached(self) -> bool:
        return self.status is BankStatus.ATTACHED

    def attached(self, account: ProviderId, command: CommandId) -> Self:
        gone = {"account_number": None, "routing_number": None, "failure_code": None}
        return self.decided(command, status=BankStatus.ATTACHED, stripe_external_account_id=account, **gone)

    def failed(self, code: Code, command: CommandId) -> Self:
        return self.decided(command, status=BankStatus.FAILED, failure_code=code)

    def removed(self) -> RemovedBankDetails:
        return RemovedBankDetails.model_validate(self.model_dump(exclude={"status"}))


BankRow: TypeAlias = BankDetails | RemovedBankDetails


def bank_row_in(item: Mapping[str, Any]) -> BankRow:
    return RemovedBankDetails.from_item(item) if item["status"] == BankStatus.REMOVED else BankDetails.from_item(item)
