"""Which open ledger rows of a partition to take up: those that are due, each key's in the order of its events."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from contracts.timestamps import from_milliseconds
from workers.engine.decision import ItemRef
from workers.engine.ledger import EFFECTS, LEASE, OPEN_INDEX, LedgerRow
from workers.engine.ports import Store
from workers.engine.record import Partition

ROWS_A_SWEEP = 1000
"""Open rows looked at in one partition and sweep; a process leaves at most ``EffectPace.running`` behind."""


class Backlog:
    """Reads only. Raises StoreUnavailable. The index may lag: a row it does not show yet is found by a later sweep."""

    def __init__(self, service: str, store: Store) -> None:
        self._service, self._store = service, store

    async def standing(self, partition: Partition, known: Collection[str]) -> list[LedgerRow]:
        """Every open row of the partition's events, whenever it is due, but for those that are known."""
        ids = await self._ids(f"{self._service}#{partition.number}", None)
        return await self._open(partition, [each for each in ids if each not in known])

    async def due(self, partition: Partition, now: int, running: Collection[str], waits: Callable[[LedgerRow], bool]) -> list[LedgerRow]:
        """``running``: effects this process works on. ``waits``: says of a due row that it must not begin yet; its key waits with it."""
        place = f"{self._service}#{partition.number}"
        if not [each for each in await self._ids(place, now) if each not in running]:
            return []
        # The lease of the row that was being called ends after the leases of those behind it.
        ids = [each for each in await self._ids(place, now + LEASE) if each not in running]
        return in_order(await self._open(partition, ids), lambda row: row.due_at > now or waits(row))

    async def _open(self, partition: Partition, ids: Sequence[str]) -> list[LedgerRow]:
        """Partitions of several topics share a number; each looks after its own events' rows."""
        if not ids:
            return []
        found = await self._store.get([ItemRef(EFFECTS, each) for each in ids])
        rows = [LedgerRow.of(item) for item in found.values()]
        return [row for row in rows if row.open and row.topic == partition.topic]

    async def _ids(self, place: str, until: int | None) -> list[str]:
        """``until``: None for all there are."""
        ids: list[str] = []
        start: Mapping[str, Any] | None = None
        up_to = None if until is None else from_milliseconds(until)
        while until is None or len(ids) < ROWS_A_SWEEP:
            page = await self._store.query(EFFECTS, OPEN_INDEX, place, up_to=up_to, start=start)
            ids += [item["effectId"] for item in page.items]
            start = page.next
            if start is None:
                break
        return ids


def in_order(rows: Iterable[LedgerRow], waits: Callable[[LedgerRow], bool]) -> list[LedgerRow]:
    """Those that may begin, by their events' places; behind a row that waits every later one of its key waits too."""
    ready: list[LedgerRow] = []
    held: set[str] = set()
    for row in sorted(rows, key=lambda each: each.place):
        if row.envelope.subject in held or waits(row):
            held.add(row.envelope.subject)
        else:
            ready.append(row)
    return ready
