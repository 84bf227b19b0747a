"""Who may do what to an identity check: the contractor it is about, our own senders, admins."""

from contracts.ids import derived
from contracts.types import ContractorId


def admin(actor: str, _contractor: ContractorId) -> bool:
    return actor.startswith("admin:")


def owner(actor: str, contractor: ContractorId) -> bool:
    """The contractor, or an admin."""
    role, _, user = actor.partition(":")
    return admin(actor, contractor) or (role == "contractor" and derived(f"contractor:{user}") == contractor)


def is_ours(actor: str) -> bool:
    """A webhook, a reaction, an effect, a timer."""
    return actor.startswith("system:")


def ours(actor: str, contractor: ContractorId) -> bool:
    """One of our own senders; an admin may stand in for them."""
    return is_ours(actor) or admin(actor, contractor)
