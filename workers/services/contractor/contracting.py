"""A contractor as a party to contracts: it answers for itself, and knows which of its contracts are open."""

from contracts.contract.standing import ContractStanding
from contracts.contractor import (
    ConfirmContractContractor,
    ContractContractorConfirmed,
    ContractContractorRefused,
    ContractorRefusal,
    NoteContractClosed,
    NoteContractOpened,
)
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.contractor.contractor import Contractor
from workers.services.contractor.erasure import erased
from workers.services.contractor.rights import ours
from workers.services.contractor.state import ContractorState, living, told


def confirm_contract_contractor(
    state: ContractorState, command: Command[ConfirmContractContractor], _at: Timestamp
) -> Decision[ContractorState]:
    """Always answers, an unknown contractor too. Who is leaving enters no contract: the erasure waits for the last of them."""
    if not ours(command.actor, state.contractor_id):
        return Refused("forbidden")
    contractor = state.contractor
    if isinstance(contractor, Contractor) and not contractor.erasure_requested:
        return Accepted(state, (_confirmed(contractor, command.data),))
    reason = ContractorRefusal.ERASED if contractor else ContractorRefusal.CONTRACTOR_NOT_FOUND
    return Accepted(state, (_refused(command.data, reason),))


def note_contract_opened(state: ContractorState, command: Command[NoteContractOpened], _at: Timestamp) -> Decision[ContractorState]:
    """Closing may overtake opening, so what is known already stays."""
    contractor, contract = living(state, command, ours), command.data.contract_id
    if isinstance(contractor, Refused):
        return contractor
    if contract in contractor.contract_states:
        return UNCHANGED
    return Accepted(state.become(contractor.with_standing(contract, ContractStanding.OPEN)))


def note_contract_closed(state: ContractorState, command: Command[NoteContractClosed], _at: Timestamp) -> Decision[ContractorState]:
    contractor = told(state, command)
    if not isinstance(contractor, Contractor):
        return contractor
    after = contractor.with_standing(command.data.contract_id, ContractStanding.CLOSED)
    if after.erasure_requested and not after.open_contracts:
        return erased(state, after)
    return UNCHANGED if after == contractor else Accepted(state.become(after))


# --- rules ---------------------------------------------------------------------------------------------------------


def _confirmed(contractor: Contractor, data: ConfirmContractContractor) -> ContractContractorConfirmed:
    return ContractContractorConfirmed(
        contract_id=data.contract_id,
        check_no=data.check_no,
        contractor_id=contractor.id,
        user_id=contractor.user_id,
        name=contractor.name_legal,
        country=contractor.country,
        verified=contractor.is_verified,
    )


def _refused(data: ConfirmContractContractor, reason: ContractorRefusal) -> ContractContractorRefused:
    return ContractContractorRefused(contract_id=data.contract_id, check_no=data.check_no, contractor_id=data.contractor_id, reason=reason)
