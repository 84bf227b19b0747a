"""analytics' records of visits over the store: rows found by index are deleted one by one, each only while it is that visit's."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from contracts.analytics import VisitId
from contracts.types import UserId
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import AttributeIs, Fate, Store, StoreUnavailable, Write
from workers.services.analytics.ports import MOST_VISITS, Purged, VisitRecordsUnavailableError

SESSIONS, EVENTS = "website-sessions", "website-events"
_VISIT: Final = "sessionId"
_AT_ONCE: Final = 25
_SETTLED: Final = frozenset({Fate.WRITTEN, Fate.CONFLICT})
"""A conflict: the index showed a row that is gone."""


class StoredVisits:
    """A ``VisitRecords``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def purge(self, user: UserId) -> Purged:
        try:
            visits = [VisitId(row["id"]) async for row in self._rows(SESSIONS, "userId-index", user, MOST_VISITS)]
            deleted = 0
            for visit in visits:
                while found := await self._events(visit):
                    deleted += await self._deleted(visit, found)
        except StoreUnavailable as failure:
            raise VisitRecordsUnavailableError(str(failure)) from failure
        return Purged(visits, deleted)

    async def _events(self, visit: VisitId) -> Sequence[ItemRef]:
        """A page of those that are really there: an index may still show what was deleted."""
        refs = [ItemRef(EVENTS, row["id"]) async for row in self._rows(EVENTS, "sessionId-index", visit)]
        return list(await self._store.get(refs)) if refs else ()

    async def _deleted(self, visit: VisitId, refs: Sequence[ItemRef]) -> int:
        count = 0
        for start in range(0, len(refs), _AT_ONCE):
            writes = [Write(ref, None, None, AttributeIs(_VISIT, visit)) for ref in refs[start : start + _AT_ONCE]]
            for written in await self._store.write(writes):
                if written.fate not in _SETTLED:
                    raise VisitRecordsUnavailableError(f"an event was not deleted: {written.fate}")
                count += written.fate is Fate.WRITTEN
        return count

    async def _rows(self, table: str, index: str, value: str, most: int | None = None) -> AsyncIterator[Item]:
        """``most``: where to stop."""
        start: Any = None
        seen = 0
        while True:
            page = await self._store.query(table, index, value, start=start)
            for item in page.items:
                if seen == most:
                    return
                seen += 1
                yield item
            start = page.next
            if start is None:
                return
