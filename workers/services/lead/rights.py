"""Who may do what with somebody's request. Whoever only writes to us, or presents a token out of a mail, acts as ``public``."""

from collections.abc import Callable
from typing import TypeVar

from workers.engine.decision import Refused
from workers.engine.row import Row

R = TypeVar("R", bound=Row)


def admin(actor: str) -> bool:
    return actor.startswith("admin:")


def ours(actor: str) -> bool:
    """A reaction, an effect or a timer of ours, or an admin, who acts on a letter."""
    return actor.startswith("system:") or admin(actor)


def found(row: R | None, actor: str, may: Callable[[str], bool]) -> R | Refused:
    """The row, if there is one and the actor has the right to do this to it."""
    if row is None:
        return Refused("not_found")
    return row if may(actor) else Refused("forbidden")
