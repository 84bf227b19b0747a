"""Who acts on a contract. An actor holds a user; companies and contractors have ids derived from theirs (domain.md 0.2)."""

from enum import StrEnum

from contracts.ids import derived
from contracts.types import ClientId, ContractorId


class Role(StrEnum):
    """``SYSTEM`` is one of our own senders: a reaction, an effect, a timer, the seed."""

    CLIENT = "client"
    CONTRACTOR = "contractor"
    ADMIN = "admin"
    SYSTEM = "system"


def role_of(actor: str, client: ClientId, contractor: ContractorId) -> Role | None:
    """None for somebody who has no part in this contract."""
    sender, _, user = actor.partition(":")
    if sender == "company" and derived(f"company:{user}") == client:
        return Role.CLIENT
    if sender == "contractor" and derived(f"contractor:{user}") == contractor:
        return Role.CONTRACTOR
    return Role(sender) if sender in (Role.ADMIN, Role.SYSTEM) else None


def is_user(actor: str, user_id: str) -> bool:
    """Whether a person acts, and it is this one: nobody signs for another."""
    sender, _, user = actor.partition(":")
    return sender in ("company", "contractor") and user == user_id


def manages_templates(actor: str) -> bool:
    return actor.partition(":")[0] in (Role.ADMIN, Role.SYSTEM)
