"""Reads what the tables hold of a person, by key and by index; nothing is scanned, opened or written. Indexes may lag a second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.ids import derived
from contracts.types import Purpose, UserId
from workers.adapters.key_wrapping import KeyOwner
from workers.adapters.subject_keys import FIRST, KeyRow, KeyState, SubjectKeys
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Store

Rows = Sequence[Item]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows as they rest. ``one``: by table, of those that a person has one of at most. ``listed``: by table. ``keys``: by purpose; none
    where nothing was ever sealed. ``address``: what lead knows of the person's address, as long as the account knows the address."""

    user: UserId
    one: Mapping[str, Item] = field(default_factory=dict)
    listed: Mapping[str, Rows] = field(default_factory=dict)
    keys: Mapping[Purpose, KeyRow | None] = field(default_factory=dict)
    address: Item | None = None

    def key_is_gone(self, purpose: Purpose) -> bool:
        row = self.keys.get(purpose)
        return row is not None and row.state is KeyState.DESTROYED


async def read(store: Store, keys: SubjectKeys, user: UserId) -> Found:
    """Raises StoreUnavailable, KeysUnavailable."""
    company, contractor = derived(f"company:{user}"), derived(f"contractor:{user}")
    refs = (
        ItemRef("auth-users", user),
        ItemRef("user-profiles", user),
        ItemRef("user-preferences", user),
        ItemRef("client-companies", company),
        ItemRef("contractor-profiles", contractor),
        ItemRef("payment-escrow", f"PAYEE#{contractor}"),
        ItemRef("notification-notifications", f"RECIPIENT#{user}"),
        ItemRef("website-sessions", f"ERASED#{user}"),
    )
    items = await store.get(refs)
    one = {ref.table: item for ref, item in items.items() if "createdAt" in item}
    lists = {
        "auth-sessions": (("userId-index", user),),
        "client-invitations": (("clientId-index", company),),
        "contractor-bank-details": (("contractorId-index", contractor),),
        "kyc-sessions": (("contractorId-index", contractor),),
        "kyc-documents": (("contractorId-index", contractor),),
        "contract-contracts": (("clientId-index", company), ("contractorId-index", contractor)),
        "payment-transactions": (("clientId-index", company), ("contractorId-index", contractor)),
        "notification-notifications": (("userId-index", user),),
        "website-sessions": (("userId-index", user),),
    }
    listed = {table: [row for index, value in places for row in await _rows(store, table, index, value)] for table, places in lists.items()}
    owners = {purpose: KeyOwner(user, purpose) for purpose in (Purpose.SUBJECT, Purpose.LEGAL)}
    found_keys = {purpose: await keys.at(owner, FIRST) for purpose, owner in owners.items()}
    return Found(user, one, listed, found_keys, await _address(store, one.get("auth-users")))


async def _rows(store: Store, table: str, index: str, value: str) -> list[Item]:
    """Whole rows, read consistently; an index shows only some of each."""
    refs: list[ItemRef] = []
    start: Mapping[str, Any] | None = None
    while True:
        page = await store.query(table, index, value, start=start)
        refs += [ItemRef(table, row["id"]) for row in page.items]
        start = page.next
        if start is None:
            return list((await store.get(refs)).values()) if refs else []


async def _address(store: Store, account: Item | None) -> Item | None:
    if account is None or "emailHash" not in account:
        return None
    ref = ItemRef("website-contacts", f"ERASED#{account['emailHash']}")
    return (await store.get([ref])).get(ref)
