"""A contractor signs up, and corrects what it said of itself."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.contractor import (
    ContractorField,
    ContractorProfileCreated,
    ContractorProfileUpdated,
    CreateContractorProfile,
    UpdateContractorProfile,
)
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.contractor.contractor import Contractor, ErasedContractor
from workers.services.contractor.rights import admin, contractor_id, is_person, owner
from workers.services.contractor.state import ContractorState, living

_ATTRIBUTES: Mapping[ContractorField, tuple[str, ...]] = MappingProxyType(
    {ContractorField.NAME: ("name", "name_legal"), ContractorField.COUNTRY: ("country",)}
)


def create_contractor_profile(
    state: ContractorState, command: Command[CreateContractorProfile], _at: Timestamp
) -> Decision[ContractorState]:
    data, known = command.data, state.contractor
    if not is_person(command.actor, data.user_id):
        return Refused("forbidden")
    if data.contractor_id != contractor_id(data.user_id):
        return Refused("id_mismatch")
    if known and known.created_by == command.id:
        return UNCHANGED
    if known:
        return Refused("erased" if isinstance(known, ErasedContractor) else "id_conflict")
    contractor = Contractor(id=data.contractor_id, **data.model_dump(exclude={"contractor_id"}))
    event = ContractorProfileCreated(contractor_id=contractor.id, user_id=contractor.user_id, country=contractor.country)
    return Accepted(state.become(contractor), (event,))


def update_contractor_profile(
    state: ContractorState, command: Command[UpdateContractorProfile], _at: Timestamp
) -> Decision[ContractorState]:
    contractor = living(state, command, owner)
    if isinstance(contractor, Refused):
        return contractor
    after = contractor.having(**command.data.model_dump(exclude={"contractor_id"}, exclude_none=True))
    if after == contractor or command.id in contractor.decided_by:
        return UNCHANGED
    if _is_locked(contractor) and not admin(command.actor, contractor.id):
        return Refused("kyc_locked")
    event = ContractorProfileUpdated(contractor_id=contractor.id, user_id=contractor.user_id, changed=_changed(contractor, after))
    return Accepted(state.become(after.decided(command.id)), (event,))


# --- rules ---------------------------------------------------------------------------------------------------------


def _is_locked(contractor: Contractor) -> bool:
    """What was checked, or is being checked, must not turn into something else."""
    return contractor.is_verified or contractor.kyc_open


def _changed(before: Contractor, after: Contractor) -> tuple[ContractorField, ...]:
    return tuple(field for field, names in _ATTRIBUTES.items() if any(getattr(before, name) != getattr(after, name) for name in names))
