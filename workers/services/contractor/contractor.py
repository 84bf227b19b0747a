"""The contractor as it rests: who it is, how far its identity is checked, where its money goes, how it stands in its contracts."""

from collections.abc import Mapping
from typing import Any, Literal

from contracts.contract.standing import KnownContracts
from contracts.contractor import KycStatus
from contracts.types import (
    BankDetailsId,
    ClientId,
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
from workers.engine.row import EMPTY_OR_ZERO, DecidedRow, Row


class _Row(Row):
    id: ContractorId
    user_id: UserId


class ErasedContractor(_Row):
    """Stays of a contractor, and stands for one that never was: what comes late must find that."""

    erased: Literal[True] = True


class Contractor(_Row, DecidedRow, KnownContracts):
    """``kyc_status`` is a copy, as of ``kyc_decided_at``. ``kyc_session_id``: the check asked for last, which ``kyc_open`` says is not
    decided yet. ``bank_fingerprints``: of the bank details that are not removed."""

    leaves_out = EMPTY_OR_ZERO

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
    erasure_requested: bool = False

    @property
    def is_verified(self) -> bool:
        return self.kyc_status is KycStatus.VERIFIED


def contractor_in(item: Mapping[str, Any]) -> Contractor | ErasedContractor:
    return ErasedContractor.from_item(item) if item.get("erased") else Contractor.from_item(item)
