"""An address as lead knows it: one item that says since which key generation what was sealed for it can't be read any more.

Contacts, demo requests and subscriptions are rows of their own keys; they stay as they are, unreadable without the key.
"""

from typing import Final, Literal, Self, TypeAlias

from contracts.types import Hash, UserId
from workers.engine.aggregate import Aggregate, Items
from workers.engine.decision import ItemRef
from workers.engine.row import DecidedRow

TABLE = "website-contacts"
ERASED = "ERASED#"
NO_ACCOUNT: Final = "-"
"""Stands for the account of an erasure that an admin asked for."""
Asking: TypeAlias = UserId | Literal["-"]


class ErasedAddress(DecidedRow):
    """``generation``: the last key of the address that is gone, so that what is sealed under a later one is somebody new's. ``waiting``:
    accounts whose erasure waits for the answer. The hash is in the id alone: as an attribute it would list the item among contacts."""

    id: str
    generation: int | None = None
    waiting: tuple[Asking, ...] = ()

    @classmethod
    def of(cls, email_hash: Hash) -> Self:
        return cls(id=root_key(email_hash))

    @property
    def email_hash(self) -> Hash:
        return self.id.removeprefix(ERASED)


def asking(user: UserId | None) -> Asking:
    return user or NO_ACCOUNT


# --- state and items -----------------------------------------------------------------------------------------------


def root_key(email_hash: str) -> str:
    return f"{ERASED}{email_hash}"


def _load(key: str, items: Items) -> ErasedAddress | None:
    item = items.get(ItemRef(TABLE, root_key(key)))
    return ErasedAddress.from_item(item) if item else None


def _save(state: ErasedAddress | None) -> Items:
    return {ItemRef(TABLE, state.id): state.to_item()} if state else {}


ADDRESSES: Aggregate[ErasedAddress | None] = Aggregate(TABLE, _load, _save, root_key)
