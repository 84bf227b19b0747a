"""Bank details as their owner wants them: added, made the default, removed."""

from contracts.contractor import (
    AddBankDetails,
    BankDetailsAdded,
    BankDetailsDefaultSet,
    BankDetailsRemoved,
    RemoveBankDetails,
    SetDefaultBankDetails,
)
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.contractor.bank_account import BankDetails, RemovedBankDetails
from workers.services.contractor.contractor import Contractor
from workers.services.contractor.rights import owner
from workers.services.contractor.state import ContractorState, living

MOST_BANK_DETAILS = 5
"""That are not removed."""


def add_bank_details(state: ContractorState, command: Command[AddBankDetails], _at: Timestamp) -> Decision[ContractorState]:
    contractor, data = living(state, command, owner), command.data
    if isinstance(contractor, Refused):
        return contractor
    if known := state.banks.get(data.bank_details_id):
        return UNCHANGED if known.created_by == command.id else Refused("id_conflict")
    if len(contractor.bank_fingerprints) >= MOST_BANK_DETAILS:
        return Refused("too_many_bank_details")
    if data.fingerprint in contractor.bank_fingerprints.values():
        return Refused("duplicate_bank_details")
    return _added(state, contractor, data)


def set_default_bank_details(state: ContractorState, command: Command[SetDefaultBankDetails], _at: Timestamp) -> Decision[ContractorState]:
    contractor = living(state, command, owner)
    if isinstance(contractor, Refused):
        return contractor
    bank = state.bank(command.data.bank_details_id)
    if bank is None:
        return Refused("not_found")
    if contractor.default_bank_details_id == bank.id or command.id in contractor.decided_by:
        return UNCHANGED
    if isinstance(bank, RemovedBankDetails) or not bank.is_attached:
        return Refused("not_attached")
    event = BankDetailsDefaultSet(contractor_id=contractor.id, bank_details_id=bank.id)
    return Accepted(state.become(contractor.decided(command.id, default_bank_details_id=bank.id)), (event,))


def remove_bank_details(state: ContractorState, command: Command[RemoveBankDetails], _at: Timestamp) -> Decision[ContractorState]:
    contractor = living(state, command, owner)
    if isinstance(contractor, Refused):
        return contractor
    bank = state.bank(command.data.bank_details_id)
    if bank is None:
        return Refused("not_found")
    if isinstance(bank, RemovedBankDetails):
        return UNCHANGED
    if contractor.default_bank_details_id == bank.id and len(contractor.bank_fingerprints) > 1:
        return Refused("is_default")
    event = BankDetailsRemoved(contractor_id=contractor.id, bank_details_id=bank.id)
    return Accepted(state.become(_without(contractor, bank), bank.removed()), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _added(state: ContractorState, contractor: Contractor, data: AddBankDetails) -> Accepted[ContractorState]:
    bank = BankDetails(id=data.bank_details_id, **data.model_dump(exclude={"bank_details_id", "make_default"}))
    is_default = data.make_default or contractor.default_bank_details_id is None
    after = contractor.having(
        bank_fingerprints={**contractor.bank_fingerprints, bank.id: bank.fingerprint},
        default_bank_details_id=bank.id if is_default else contractor.default_bank_details_id,
    )
    shown = data.model_dump(exclude={"fingerprint", "make_default"})
    event = BankDetailsAdded(user_id=contractor.user_id, is_default=is_default, **shown)
    return Accepted(state.become(after, bank), (event,))


def _without(contractor: Contractor, bank: BankDetails) -> Contractor:
    """The default goes only with the last one."""
    left = {row: fingerprint for row, fingerprint in contractor.bank_fingerprints.items() if row != bank.id}
    return contractor.having(bank_fingerprints=left, default_bank_details_id=contractor.default_bank_details_id if left else None)
