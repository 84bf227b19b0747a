"""What payment says of a contractor: which bank accounts the provider has taken, and whether money can reach it."""

from contracts.contractor import (
    BankAction,
    BankDetailsAttached,
    BankDetailsFailed,
    RecordBankDetailsFailed,
    RecordBankDetailsSynced,
    RecordPayoutReadiness,
)
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused, Unchanged
from workers.services.contractor.bank_account import BankDetails, BankStatus, RemovedBankDetails
from workers.services.contractor.contractor import Contractor
from workers.services.contractor.state import ContractorState, told


def record_bank_details_synced(
    state: ContractorState, command: Command[RecordBankDetailsSynced], _at: Timestamp
) -> Decision[ContractorState]:
    contractor, data = told(state, command), command.data
    if not isinstance(contractor, Contractor):
        return contractor
    bank = _told_of(state, command)
    if not isinstance(bank, BankDetails):
        return bank
    if data.action is not BankAction.ATTACH or bank.is_attached:
        return UNCHANGED
    event = BankDetailsAttached(contractor_id=contractor.id, user_id=contractor.user_id, bank_details_id=bank.id, last4=bank.last4)
    return Accepted(state.become(contractor, bank.attached(data.stripe_external_account_id, command.id)), (event,))


def record_bank_details_failed(
    state: ContractorState, command: Command[RecordBankDetailsFailed], _at: Timestamp
) -> Decision[ContractorState]:
    contractor, code = told(state, command), command.data.code
    if not isinstance(contractor, Contractor):
        return contractor
    bank = _told_of(state, command)
    if not isinstance(bank, BankDetails):
        return bank
    if bank.status is BankStatus.FAILED and bank.failure_code == code:
        return UNCHANGED
    event = BankDetailsFailed(contractor_id=contractor.id, user_id=contractor.user_id, bank_details_id=bank.id, last4=bank.last4, code=code)
    return Accepted(state.become(contractor, bank.failed(code, command.id)), (event,))


def record_payout_readiness(state: ContractorState, command: Command[RecordPayoutReadiness], _at: Timestamp) -> Decision[ContractorState]:
    """Of two facts of one instant the worse one holds, in whatever order they come."""
    contractor, data = told(state, command), command.data
    if not isinstance(contractor, Contractor):
        return contractor
    if (data.as_of, not data.ready) <= (contractor.payouts_ready_as_of or "", not contractor.payouts_ready):
        return UNCHANGED
    return Accepted(state.become(contractor.having(payouts_ready=data.ready, payouts_ready_as_of=data.as_of)))


# --- rules ---------------------------------------------------------------------------------------------------------


def _told_of(
    state: ContractorState, command: Command[RecordBankDetailsSynced] | Command[RecordBankDetailsFailed]
) -> BankDetails | Refused | Unchanged:
    """Removed ones stay removed, whatever their former steps come to: payment takes them away again by itself."""
    bank = state.bank(command.data.bank_details_id)
    if bank is None:
        return Refused("not_found")
    return UNCHANGED if isinstance(bank, RemovedBankDetails) or command.id in bank.decided_by else bank
