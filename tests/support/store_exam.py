"""Rows for the exam of a Store: every test works on keys of its own."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, Fate, Store, VersionIs, Write

TABLE = "notification-notifications"
LISTED = "platform-audit"
NUMBERED = "platform-subject-keys"


def fresh(table: str = TABLE, range_: str | None = None) -> ItemRef:
    return ItemRef(table, uuid4().hex, range_)


def key_of(ref: ItemRef) -> Mapping[str, Any]:
    keys: Mapping[str, Mapping[str, Any]] = {
        TABLE: {"id": ref.key},
        LISTED: {"day": ref.key, "entry": ref.range},
        NUMBERED: {"subjectPurpose": ref.key, "generation": int(ref.range or 0) if ref.table == NUMBERED else 0},
    }
    return keys[ref.table]


def inserted(ref: ItemRef, version: int = 1, **attributes: Any) -> Write:
    return Write(ref, None, {"_version": version, **attributes}, Absent())


def updated(ref: ItemRef, before: Item, after: Item, version: int) -> Write:
    return Write(ref, before, after, VersionIs(version))


async def put(store: Store, ref: ItemRef, **attributes: Any) -> Item:
    """A row at version 1, as it is afterwards."""
    (written,) = await store.write([inserted(ref, **attributes)])
    assert written.fate is Fate.WRITTEN, written
    return await there(store, ref)


async def there(store: Store, ref: ItemRef) -> Item:
    return (await store.get([ref]))[ref]
