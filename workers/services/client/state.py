"""A company with the invitations that commands name: what one decision sees."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from contracts.client import InvitationId
from contracts.message import CommandData
from contracts.types import ClientId
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import Command, ItemRef, Refused
from workers.services.client.company import Company, ErasedCompany, company_in
from workers.services.client.invitation import Invitation

TABLE = "client-companies"
INVITATIONS = "client-invitations"

Right = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class ClientState:
    """Root: the company. ``invitations``: those that were read; several commands may be judged in one go, and a row may be another
    company's."""

    company_id: ClientId
    company: Company | ErasedCompany | None = None
    invitations: Mapping[InvitationId, Invitation] = field(default_factory=dict)

    def become(self, company: Company | ErasedCompany) -> Self:
        return replace(self, company=company)

    def with_invitation(self, invitation: Invitation) -> Self:
        return replace(self, invitations={**self.invitations, invitation.id: invitation})

    def invitation(self, invitation_id: InvitationId) -> Invitation | None:
        """None for an invitation of another company too."""
        row = self.invitations.get(invitation_id)
        return row if row is not None and row.client_id == self.company_id else None


def found(state: ClientState, command: Command[CommandData], right: Right) -> Company | ErasedCompany | Refused:
    """What there is of the company, if the actor has the right to do this to it."""
    if state.company is None:
        return Refused("not_found")
    return state.company if right(command.actor, state.company_id) else Refused("forbidden")


def living(state: ClientState, command: Command[CommandData], right: Right) -> Company | Refused:
    """As ``found``, and the company is not erased."""
    company = found(state, command, right)
    return Refused("erased") if isinstance(company, ErasedCompany) else company


# --- state and items -----------------------------------------------------------------------------------------------


def invitation_ref(invitation: InvitationId) -> ItemRef:
    return ItemRef(INVITATIONS, invitation)


def _load(key: str, items: Items) -> ClientState:
    company = items.get(ItemRef(TABLE, key))
    rows = (Invitation.from_item(item) for ref, item in items.items() if ref.table == INVITATIONS)
    return ClientState(ClientId(key), company_in(company) if company else None, {row.id: row for row in rows})


def _save(state: ClientState) -> Items:
    own = {invitation_ref(row.id): row.to_item() for row in state.invitations.values() if row.client_id == state.company_id}
    return {CLIENTS.root(state.company.id): state.company.to_item(), **own} if state.company else {}


CLIENTS: Aggregate[ClientState] = Aggregate(TABLE, _load, _save)


def named_invitation(_state: ClientState, command: Command[CommandData]) -> Iterable[Read]:
    """Of every command with an ``invitationId``."""
    invitation: InvitationId = getattr(command.data, "invitation_id")  # noqa: B009  # the field they all share
    return (Read(invitation_ref(invitation)),)
