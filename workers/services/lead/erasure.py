"""An address is erased by destroying its key: nobody need know which rows and records it stands in (domain.md 15)."""

from contracts.lead import EraseLead, LeadErased, LeadKeyDestructionRequested, RecordLeadKeyDestroyed
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.lead.address import ErasedAddress, asking
from workers.services.lead.rights import ours

State = ErasedAddress | None


def erase_lead(state: State, command: Command[EraseLead], _at: Timestamp) -> Decision[State]:
    """An address that nobody knows is erased all the same. One that appears again after its erasure may be erased again."""
    if not ours(command.actor):
        return Refused("forbidden")
    data = command.data
    address, who = state or ErasedAddress.of(data.email_hash), asking(data.user_id)
    if who in address.waiting or command.id in address.decided_by:
        return UNCHANGED
    event = LeadKeyDestructionRequested(email_hash=data.email_hash, user_id=data.user_id)
    return Accepted(address.decided(command.id, waiting=(*address.waiting, who)), (event,))


def record_lead_key_destroyed(state: State, command: Command[RecordLeadKeyDestroyed], _at: Timestamp) -> Decision[State]:
    if not ours(command.actor):
        return Refused("forbidden")
    if state is None:
        return Refused("not_found")
    data, who = command.data, asking(command.data.user_id)
    if who not in state.waiting or command.id in state.decided_by:
        return UNCHANGED
    gone = max(state.generation or 0, data.generation)
    left = tuple(each for each in state.waiting if each != who)
    event = LeadErased(email_hash=data.email_hash, user_id=data.user_id)
    return Accepted(state.decided(command.id, generation=gone, waiting=left), (event,))
