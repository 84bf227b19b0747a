"""Who may do what with a contractor. An actor holds a user; the contractor's id is derived from its user's (domain.md 0.2)."""

from contracts.ids import derived
from contracts.types import ContractorId, UserId


def contractor_id(user_id: str) -> ContractorId:
    return ContractorId(derived(f"contractor:{user_id}"))


def admin(actor: str, _contractor: ContractorId) -> bool:
    return actor.startswith("admin:")


def owner(actor: str, contractor: ContractorId) -> bool:
    """The contractor's user, or an admin."""
    role, _, user = actor.partition(":")
    return role == "admin" or (role == "contractor" and contractor_id(user) == contractor)


def ours(actor: str, _contractor: ContractorId) -> bool:
    """One of our own senders: a reaction. An admin may stand in for them."""
    return actor.startswith(("system:", "admin:"))


def is_person(actor: str, user: UserId) -> bool:
    """This user as a contractor, or an admin."""
    return actor == f"contractor:{user}" or actor.startswith("admin:")
