"""A company registers, and corrects what it said of itself."""

from typing import Any

from contracts.client import (
    CompanyDetailsUpdated,
    CompanyField,
    CompanyRegistered,
    RegisterCompany,
    UpdateCompanyDetails,
)
from contracts.ids import derived
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.client.company import Company, ErasedCompany, RegistryData
from workers.services.client.rights import owner
from workers.services.client.state import ClientState, living
from workers.services.client.verification import to_verify

IDENTITY = frozenset(CompanyField) - {CompanyField.TAX_ID}
"""What a verification vouches for."""
_OWN_FIELDS = {"legal_name", "name_legal", "country", "tax_id"}


def register_company(state: ClientState, command: Command[RegisterCompany], _at: Timestamp) -> Decision[ClientState]:
    data, known = command.data, state.company
    if not owner(command.actor, data.company_id):
        return Refused("forbidden")
    if data.company_id != derived(f"company:{data.user_id}"):
        return Refused("id_mismatch")
    if isinstance(known, ErasedCompany):
        return Refused("erased")
    if known:
        return UNCHANGED if known.created_by == command.id else Refused("id_conflict")
    registry = RegistryData(company_number=data.company_number, jurisdiction=data.jurisdiction)
    own = data.model_dump(include={*_OWN_FIELDS, "user_id"})
    company, asked = to_verify(Company(id=data.company_id, business_registry_data=registry, **own))
    registered = CompanyRegistered(company_id=company.id, user_id=company.user_id, country=company.country)
    return Accepted(state.become(company), (registered, asked))


def update_company_details(state: ClientState, command: Command[UpdateCompanyDetails], _at: Timestamp) -> Decision[ClientState]:
    company = living(state, command, owner)
    if isinstance(company, Refused):
        return company
    after = _updated(company, command.data)
    changed = _changed(company, after)
    if not changed or command.id in company.decided_by:
        return UNCHANGED
    told = CompanyDetailsUpdated(company_id=company.id, user_id=company.user_id, changed=changed)
    if IDENTITY.isdisjoint(changed):
        return Accepted(state.become(after.decided(command.id)), (told,))
    unknown, asked = to_verify(_without_facts(after).decided(command.id))
    return Accepted(state.become(unknown), (told, asked))


# --- rules ---------------------------------------------------------------------------------------------------------


def _updated(company: Company, data: UpdateCompanyDetails) -> Company:
    given = data.model_dump(exclude_none=True)
    own = {name: value for name, value in given.items() if name in _OWN_FIELDS}
    registry = company.business_registry_data.model_copy(
        update={name: value for name, value in given.items() if name in ("jurisdiction", "company_number")}
    )
    return company.having(**own, business_registry_data=registry)


def _changed(before: Company, after: Company) -> tuple[CompanyField, ...]:
    old, new = _said(before), _said(after)
    return tuple(field for field in CompanyField if old.get(field) != new.get(field))


def _said(company: Company) -> dict[str, Any]:
    return {**company.to_item(), **company.business_registry_data.to_item()}


def _without_facts(company: Company) -> Company:
    """What the registry said of the company as it was is not said of the one that it is."""
    said = company.business_registry_data
    return company.having(business_registry_data=RegistryData(company_number=said.company_number, jurisdiction=said.jurisdiction))
