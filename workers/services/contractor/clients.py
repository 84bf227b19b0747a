"""Companies that a contractor works for: one more with each invitation it accepts."""

from contracts.contractor import ContractorKycRequested, ContractorLinkedToClient, LinkContractorToClient
from contracts.kyc import KycProvider
from contracts.types import CommandId, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.contractor.contractor import Contractor
from workers.services.contractor.kyc_requests import asked, may_be_asked
from workers.services.contractor.rights import ours
from workers.services.contractor.state import ContractorState, living

MOST_CLIENTS = 200


def link_contractor_to_client(
    state: ContractorState, command: Command[LinkContractorToClient], _at: Timestamp
) -> Decision[ContractorState]:
    contractor, client = living(state, command, ours), command.data.client_id
    if isinstance(contractor, Refused):
        return contractor
    if client in contractor.client_ids:
        return UNCHANGED
    if len(contractor.client_ids) >= MOST_CLIENTS:
        return Refused("too_many_clients")
    linked = contractor.having(client_ids=(*contractor.client_ids, client))
    event = ContractorLinkedToClient(contractor_id=linked.id, user_id=linked.user_id, client_id=client)
    waiting, requests = _checked(linked, command.id)
    return Accepted(state.become(waiting), (event, *requests))


# --- rules ---------------------------------------------------------------------------------------------------------


def _checked(contractor: Contractor, command: CommandId) -> tuple[Contractor, tuple[ContractorKycRequested, ...]]:
    """A client wants to know whom it works with."""
    if not may_be_asked(contractor):
        return contractor, ()
    waiting, request = asked(contractor, command, KycProvider.VERIFF)
    return waiting, (request,)
