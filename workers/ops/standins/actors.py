"""Who may act on what, for the stand-ins. An actor is ``<role>:<userId>``, ``public`` or ``system:<sender>``."""

SEED = "system:seed"


def is_admin(actor: str) -> bool:
    return actor.startswith("admin:") or actor == SEED


def may_act_for(actor: str, user: str) -> bool:
    """The person, in whatever role, or an admin."""
    return is_admin(actor) or (not actor.startswith("system:") and actor.partition(":")[2] == user)
