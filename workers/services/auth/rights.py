"""Who may do what to an account. Who only presents a token or a checked password acts as ``public``: that is the proof."""

SEED = "system:seed"


def anyone(_actor: str, _user_id: str) -> bool:
    return True


def owner(actor: str, user_id: str) -> bool:
    """The person, in whatever role, or an admin."""
    role, _, user = actor.partition(":")
    return role == "admin" or (role != "system" and user == user_id)


def admin(actor: str, _user_id: str) -> bool:
    return actor.startswith("admin:")


def ours(actor: str, user_id: str) -> bool:
    """One of our own senders: a reaction, an effect, a timer. An admin may stand in for them."""
    return actor.startswith("system:") or admin(actor, user_id)


def owner_or_ours(actor: str, user_id: str) -> bool:
    return owner(actor, user_id) or ours(actor, user_id)


def makes_admins(actor: str) -> bool:
    return admin(actor, "") or actor == SEED
