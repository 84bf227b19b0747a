"""What others do that a company has to answer, note or follow."""

from collections.abc import Sequence

from contracts.auth import ErasureRequested
from contracts.client import (
    CompanyErased,
    ConfirmContractClient,
    EraseCompany,
    NoteContractClosed,
    NoteContractOpened,
    RevokeInvitation,
)
from contracts.contract.events import ContractActivated, ContractPartyCheckRequested
from contracts.payment.events import EscrowClosed
from workers.engine.decision import Item
from workers.engine.service import Event, Query, Send
from workers.services.client.invitation import Status
from workers.services.client.state import INVITATIONS


def party_check_requested(event: Event[ContractPartyCheckRequested], _rows: Sequence[Item]) -> Sequence[Send]:
    data = event.data
    return (Send(ConfirmContractClient(company_id=data.client_id, contract_id=data.contract_id, check_no=data.check_no)),)


def contract_activated(event: Event[ContractActivated], _rows: Sequence[Item]) -> Sequence[Send]:
    return (Send(NoteContractOpened(company_id=event.data.client_id, contract_id=event.data.contract_id)),)


def escrow_closed(event: Event[EscrowClosed], _rows: Sequence[Item]) -> Sequence[Send]:
    return (Send(NoteContractClosed(company_id=event.data.client_id, contract_id=event.data.contract_id)),)


def erasure_requested(event: Event[ErasureRequested], _rows: Sequence[Item]) -> Sequence[Send]:
    return (Send(EraseCompany(company_id=event.data.company_id, user_id=event.data.user_id)),)


def invitations_of_company(event: Event[CompanyErased]) -> Query:
    return Query(INVITATIONS, "clientId-index", event.data.company_id)


def company_erased(event: Event[CompanyErased], rows: Sequence[Item]) -> Sequence[Send]:
    """The index may lag: an invitation it does not show as pending is refused when somebody accepts it, and expires by its timer."""
    company = event.data.company_id
    pending = [row["id"] for row in rows if row["status"] == Status.PENDING]
    return tuple(Send(RevokeInvitation(company_id=company, invitation_id=row), row) for row in pending)
