"""Who may change what a person says of himself."""


def owner(actor: str, user_id: str) -> bool:
    """The person, in whatever role, or an admin."""
    role, _, user = actor.partition(":")
    return role == "admin" or (role != "system" and user == user_id)


def ours(actor: str, _user_id: str) -> bool:
    """One of our own senders: a reaction, an effect. An admin may stand in for them."""
    return actor.startswith(("system:", "admin:"))
