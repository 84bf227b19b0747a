"""A company is emptied: at once, or as soon as its last contract has ended (domain.md 15)."""

from contracts.client import CompanyErased, CompanyErasureDeferred, EraseCompany
from contracts.ids import derived
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.client.company import Company, ErasedCompany
from workers.services.client.rights import ours
from workers.services.client.state import ClientState


def erase_company(state: ClientState, command: Command[EraseCompany], _at: Timestamp) -> Decision[ClientState]:
    """Who never had a company is answered all the same, and leaves a row that says so."""
    company, data = state.company, command.data
    if not ours(command.actor, data.company_id):
        return Refused("forbidden")
    if data.company_id != derived(f"company:{data.user_id}"):
        return Refused("id_mismatch")
    if company is None:
        nothing = ErasedCompany(id=data.company_id, user_id=data.user_id)
        return Accepted(state.become(nothing), (CompanyErased(company_id=nothing.id, user_id=nothing.user_id, existed=False),))
    if isinstance(company, ErasedCompany):
        return UNCHANGED
    return _deferred(state, company) if company.open_contracts else erased(state, company)


def erased(state: ClientState, company: Company) -> Accepted[ClientState]:
    event = CompanyErased(company_id=company.id, user_id=company.user_id, existed=True)
    return Accepted(state.become(ErasedCompany(id=company.id, user_id=company.user_id)), (event,))


def _deferred(state: ClientState, company: Company) -> Decision[ClientState]:
    if company.erasure_requested:
        return UNCHANGED
    event = CompanyErasureDeferred(company_id=company.id, user_id=company.user_id, open_contracts=company.open_contracts)
    return Accepted(state.become(company.having(erasure_requested=True)), (event,))
