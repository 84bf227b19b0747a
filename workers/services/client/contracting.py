"""A company as a party to contracts: it answers for itself, and knows which of its contracts are open."""

from contracts.client import (
    ClientRefusal,
    ConfirmContractClient,
    ContractClientConfirmed,
    ContractClientRefused,
    NoteContractClosed,
    NoteContractOpened,
)
from contracts.contract.standing import ContractStanding
from contracts.types import Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.client.company import Company, ErasedCompany
from workers.services.client.erasure import erased
from workers.services.client.rights import ours
from workers.services.client.state import ClientState, found, living


def confirm_contract_client(state: ClientState, command: Command[ConfirmContractClient], _at: Timestamp) -> Decision[ClientState]:
    """Always answers, an unknown company too. Who is leaving enters no contract: the erasure waits for the last of them."""
    if not ours(command.actor, state.company_id):
        return Refused("forbidden")
    company = state.company
    if isinstance(company, Company) and not company.erasure_requested:
        return Accepted(state, (_confirmed(company, command.data),))
    reason = ClientRefusal.ERASED if company else ClientRefusal.COMPANY_NOT_FOUND
    return Accepted(state, (_refused(command.data, reason),))


def note_contract_opened(state: ClientState, command: Command[NoteContractOpened], _at: Timestamp) -> Decision[ClientState]:
    """Closing may overtake opening, so what is known already stays."""
    company, contract = living(state, command, ours), command.data.contract_id
    if isinstance(company, Refused):
        return company
    if contract in company.contract_states:
        return UNCHANGED
    return Accepted(state.become(company.with_standing(contract, ContractStanding.OPEN)))


def note_contract_closed(state: ClientState, command: Command[NoteContractClosed], _at: Timestamp) -> Decision[ClientState]:
    company, contract = found(state, command, ours), command.data.contract_id
    if isinstance(company, Refused):
        return company
    if isinstance(company, ErasedCompany):
        return UNCHANGED
    after = company.with_standing(contract, ContractStanding.CLOSED)
    if after.erasure_requested and not after.open_contracts:
        return erased(state, company)
    return UNCHANGED if after == company else Accepted(state.become(after))


# --- rules ---------------------------------------------------------------------------------------------------------


def _confirmed(company: Company, data: ConfirmContractClient) -> ContractClientConfirmed:
    return ContractClientConfirmed(
        contract_id=data.contract_id,
        check_no=data.check_no,
        client_id=company.id,
        user_id=company.user_id,
        name=company.name_legal,
        country=company.country,
        verified=company.is_verified,
    )


def _refused(data: ConfirmContractClient, reason: ClientRefusal) -> ContractClientRefused:
    return ContractClientRefused(contract_id=data.contract_id, check_no=data.check_no, client_id=data.company_id, reason=reason)
