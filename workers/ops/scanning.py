"""Whole tables, for what no index answers: it costs what the table weighs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from workers.engine.decision import Item
from workers.engine.ports import Page, Store, StoreMisconfigured


@runtime_checkable
class Scans(Protocol):
    """A store that shows a whole table, page by page, in no order."""

    async def scan(self, table: str, *, start: Mapping[str, Any] | None = None) -> Page: ...


async def pages(store: Store, table: str) -> AsyncIterator[Sequence[Item]]:
    """One page in memory at a time. Raises StoreUnavailable, and StoreMisconfigured where the store can't."""
    if not isinstance(store, Scans):
        raise StoreMisconfigured("this store can't show a whole table: run this where the tables are")
    start: Mapping[str, Any] | None = None
    while True:
        page = await store.scan(table, start=start)
        yield page.items
        start = page.next
        if start is None:
            return
