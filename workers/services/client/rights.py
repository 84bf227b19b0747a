"""Who may do what with a company. An actor holds a user; the company's id is derived from its user's (domain.md 0.2)."""

from contracts.ids import derived


def admin(actor: str, _company_id: str) -> bool:
    return actor.startswith("admin:")


def owner(actor: str, company_id: str) -> bool:
    """The company's user, or an admin."""
    role, _, user = actor.partition(":")
    return role == "admin" or (role == "company" and derived(f"company:{user}") == company_id)


def ours(actor: str, _company_id: str) -> bool:
    """One of our own senders: a reaction, an effect, a timer. An admin may stand in for them."""
    return actor.startswith(("system:", "admin:"))


def owner_or_ours(actor: str, company_id: str) -> bool:
    return owner(actor, company_id) or ours(actor, company_id)


def anyone(_actor: str, _company_id: str) -> bool:
    """For what is judged by the command's own user instead."""
    return True


def is_contractor(actor: str, user_id: str) -> bool:
    """This user as a contractor, or an admin."""
    return actor == f"contractor:{user_id}" or actor.startswith("admin:")
