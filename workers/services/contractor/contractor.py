"""The contractor as it rests: who it is, how far its identity is checked, where its money goes, how it stands in its contracts."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Self

from contracts.contractor import KycStatus
from contracts.message import Value
from contracts.types import (
    BankDetailsId,
    ClientId,
    CommandId,
    ContractId,
    ContractorId,
    Country,
    DecisionTime,
    Hash,
    KycSessionId,
    Legal,
    Pii,
    Text160,
    Text500,
    Timestamp,
    UserId,
)

REMEMBERED = 20
"""How many of the commands that may be asked for again a row remembers."""
_EMPTY: tuple[object, ...] = ([], {}, False, 0)


class ContractStanding(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class _Row(Value):
    id: ContractorId
    user_id: UserId
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class ErasedContractor(_Row):
    """Stays of a contractor, and stands for one that never was: what comes late must find that."""

    erased: Literal[True] = True


class Contractor(_Row):
    """``kyc_status`` is a copy, as of ``kyc_decided_at``. ``kyc_session_id``: the check asked for last, which ``kyc_open`` says is not
    decided yet. ``bank_fingerprints``: of the bank details that are not removed. ``closed_contracts``: those of ``contract_states`` that
    are closed, in the order they closed. ``decided_by``: the last commands of the kinds that may be asked for again, lest an old one
    published once more undoes a newer."""

    name: Pii[Text160]
    name_legal: Legal[Text160]
    country: Country
    kyc_status: KycStatus = KycStatus.PENDING
    kyc_session_id: KycSessionId | None = None
    kyc_open: bool = False
    kyc_requests: int = 0
    kyc_session_ids: tuple[KycSessionId, ...] = ()
    kyc_reason: Text500 | None = None
    kyc_decided_at: DecisionTime | None = None
    client_ids: tuple[ClientId, ...] = ()
    default_bank_details_id: BankDetailsId | None = None
    bank_fingerprints: Mapping[BankDetailsId, Hash] = {}
    payouts_ready: bool = False
    payouts_ready_as_of: Timestamp | None = None
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
        return self.kyc_status is KycStatus.VERIFIED

    @property
    def open_contracts(self) -> int:
        return sum(standing is ContractStanding.OPEN for standing in self.contract_states.values())


def contractor_in(item: Mapping[str, Any]) -> Contractor | ErasedContractor:
    return ErasedContractor.from_item(item) if item.get("erased") else Contractor.from_item(item)
