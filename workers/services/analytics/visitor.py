"""A visitor whose erasure was asked for: one item that says so and what was found. What nobody asked to erase has none."""

from contracts.types import UserId
from workers.engine.aggregate import Aggregate, Items
from workers.engine.decision import ItemRef
from workers.engine.row import EMPTY_OR_ZERO, Row

TABLE = "website-sessions"
ERASED = "ERASED#"


class ErasedVisitor(Row):
    """``visits``, ``events``: deleted so far. ``done``: a look found nothing more. Whose it is stands in the id alone: as an attribute it
    would list the item among the person's visits. It has no TTL, so what comes late finds it."""

    leaves_out = EMPTY_OR_ZERO

    id: str
    visits: int = 0
    events: int = 0
    done: bool = False


# --- state and items -----------------------------------------------------------------------------------------------


def root_key(user: str) -> str:
    return f"{ERASED}{user}"


def tombstone(user: UserId) -> ErasedVisitor:
    return ErasedVisitor(id=root_key(user))


def _load(key: str, items: Items) -> ErasedVisitor | None:
    item = items.get(ItemRef(TABLE, root_key(key)))
    return ErasedVisitor.from_item(item) if item else None


def _save(state: ErasedVisitor | None) -> Items:
    return {ItemRef(TABLE, state.id): state.to_item()} if state else {}


VISITORS: Aggregate[ErasedVisitor | None] = Aggregate(TABLE, _load, _save, root_key)
