"""A company with the invitation that a command names: what one decision sees."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
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
    """Root: the company. ``invitation`` only for commands that name one, and only if it is this company's."""

    company_id: ClientId
    company: Company | ErasedCompany | None = None
    invitation: Invitation | None = None

    def become(self, company: Company | ErasedCompany) -> Self:
        return replace(self, company=company)

    def with_invitation(self, invitation: Invitation) -> Self:
        return replace(self, invitation=invitation)


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
    rows = [Invitation.from_item(item) for ref, item in items.items() if ref.table == INVITATIONS]
    own = next((row for row in rows if row.client_id == key), None)
    return ClientState(ClientId(key), company_in(company) if company else None, own)


def _save(state: ClientState) -> Items:
    company, invitation = state.company, state.invitation
    rows = {CLIENTS.root(company.id): company.to_item()} if company else {}
    return rows | ({invitation_ref(invitation.id): invitation.to_item()} if invitation else {})


CLIENTS: Aggregate[ClientState] = Aggregate(TABLE, _load, _save)


def named_invitation(_state: ClientState, command: Command[CommandData]) -> Iterable[Read]:
    """Of every command with an ``invitationId``."""
    invitation: InvitationId = getattr(command.data, "invitation_id")  # noqa: B009  # the field they all share
    return (Read(invitation_ref(invitation)),)
