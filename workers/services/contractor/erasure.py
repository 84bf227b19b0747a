"""A contractor is emptied, its bank details with it: at once, or as soon as its last contract has ended (domain.md 15)."""

from contracts.contractor import BankDetailsRemoved, ContractorErased, ContractorErasureDeferred, EraseContractor
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.contractor.bank_account import BankDetails
from workers.services.contractor.contractor import Contractor, ErasedContractor
from workers.services.contractor.rights import contractor_id, ours
from workers.services.contractor.state import ContractorState


def erase_contractor(state: ContractorState, command: Command[EraseContractor], _at: Timestamp) -> Decision[ContractorState]:
    """Who never was a contractor is answered all the same, and leaves a row that says so."""
    contractor, data = state.contractor, command.data
    if not ours(command.actor, data.contractor_id):
        return Refused("forbidden")
    if data.contractor_id != contractor_id(data.user_id):
        return Refused("id_mismatch")
    if contractor is None:
        event = ContractorErased(contractor_id=data.contractor_id, user_id=data.user_id, existed=False)
        return Accepted(state.become(ErasedContractor(id=data.contractor_id, user_id=data.user_id)), (event,))
    if isinstance(contractor, ErasedContractor):
        return UNCHANGED
    return _deferred(state, contractor) if contractor.open_contracts else erased(state, contractor)


def erased(state: ContractorState, contractor: Contractor) -> Accepted[ContractorState]:
    """``state`` has all of the contractor's bank details that are not removed. Those that the payment provider does not have yet are told
    of: their sealed numbers wait for it in payment, too. Those it has stay there, under its own duty, and take what is still paid out."""
    event = ContractorErased(
        contractor_id=contractor.id, user_id=contractor.user_id, existed=True, kyc_session_ids=contractor.kyc_session_ids
    )
    banks = [row for row in map(state.bank, contractor.bank_fingerprints) if isinstance(row, BankDetails)]
    told = [BankDetailsRemoved(contractor_id=contractor.id, bank_details_id=row.id) for row in banks if not row.is_attached]
    nothing = ErasedContractor(id=contractor.id, user_id=contractor.user_id)
    return Accepted(state.become(nothing, *(row.removed() for row in banks)), (*told, event))


def _deferred(state: ContractorState, contractor: Contractor) -> Decision[ContractorState]:
    if contractor.erasure_requested:
        return UNCHANGED
    event = ContractorErasureDeferred(contractor_id=contractor.id, user_id=contractor.user_id, open_contracts=contractor.open_contracts)
    return Accepted(state.become(contractor.having(erasure_requested=True)), (event,))
