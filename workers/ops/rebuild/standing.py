"""How far the live worker has come, command by command: what it has processed is judged again, what it has not waits.

The group's committed offset alone does not say it. The worker writes before it commits, so a root may have seen more; and a parked record
is settled and not applied. So the root's own books decide about its commands, and where the root is lost, its waiting line and what was
told to the world.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from contracts.catalogue import decode
from contracts.ids import derived
from contracts.position import Origin, Position
from contracts.topics import commands_topic
from workers.engine.decision import Item, ItemRef
from workers.engine.fold import Waiting
from workers.engine.parking import DUE_INDEX, PARKED
from workers.engine.ports import Store
from workers.engine.quarantine import FAILURES, RETRIED
from workers.engine.reading import Bounds, LogReader
from workers.engine.record import Partition, Record
from workers.engine.root import Root
from workers.ops.quarantined import FailureLine, Index
from workers.ops.rebuild.shadow import Shadow

ROWS_A_PAGE = 500


class Aside(StrEnum):
    """A record in quarantine that holds no key."""

    UNREAD = "unread"
    """Nobody could read it then: it left no trace on its root."""
    PASSED = "passed"
    """Its kind has no order, so its line went on without it."""


class OffsetsBeyondLog(Exception):
    """The group's committed offset lies beyond the partition's end: the log was shortened, and which commands were applied can't be known.
    Nothing was written. Restore the log, or rewind the group after checking what is missing."""


@dataclass(slots=True)
class _Moment:
    """``parked``: positions by key. ``failures``: by id."""

    committed: Mapping[Partition, int] = field(default_factory=dict)
    parked: Mapping[str, Collection[str]] = field(default_factory=dict)
    failures: Mapping[str, FailureLine] = field(default_factory=dict)


class Standing:
    """``restores``: rows that are lost are to be put back, so what was told counts as processed however little is committed; else whatever
    the group will read again waits. Raises StoreUnavailable, LogUnavailable."""

    def __init__(self, service: str, reader: LogReader, store: Store, shadow: Shadow, *, restores: bool = False) -> None:
        self._group, self._topic = f"{service}-commands", commands_topic(service)
        self._service, self._reader, self._store, self._shadow, self._restores = service, reader, store, shadow, restores
        self._now = _Moment()
        self._roots: dict[ItemRef, Root | None] = {}

    # --- looking -----------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Where the group stands. Whatever is read of log and tables afterwards is not behind that."""
        partitions = await self._reader.partitions(self._topic)
        committed = await self._committed(partitions)
        parked: dict[str, set[str]] = {}
        for each in partitions:
            async for item in self._all(PARKED, DUE_INDEX, f"{self._group}#{each.number}"):
                origin, _, offset = str(item["position"]).rpartition("#")
                key = str(item["groupKey"]).removeprefix(f"{self._group}#")
                parked.setdefault(key, set()).add(str(Position(Origin(origin), int(offset))))
        lines = [FailureLine.of(item) async for item in self._all(FAILURES, Index.SERVICE, self._service)]
        self._now = _Moment(committed, parked, {line.id: line for line in lines if line.role == self._group})

    async def has_moved(self) -> bool:
        """Whether the worker has committed since ``look``: it runs."""
        return await self._committed(list(self._now.committed)) != self._now.committed

    async def _committed(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        found = await self._reader.committed(self._group, list(partitions))
        return {each: found[each] or 0 for each in partitions}

    def require_log(self, bounds: Mapping[Partition, Bounds]) -> None:
        """Raises OffsetsBeyondLog."""
        for partition, bound in bounds.items():
            if self._now.committed.get(partition, 0) > bound.end:
                raise OffsetsBeyondLog(f"{partition.topic}/{partition.number}: {OffsetsBeyondLog.__doc__}")

    async def learn(self, found: Collection[tuple[ItemRef, Waiting]], live: Mapping[ItemRef, Item | None]) -> None:
        """Reads the books of those roots that must say whether a command was processed. ``live``: those that were read already."""
        wanted = {root for root, waiting in found if self.is_in_question(waiting.record)}
        missing = [root for root in wanted if root not in live]
        items = {**live, **await self._store.get(missing)} if missing else live
        self._roots = {root: Root.of(item) if (item := items.get(root)) is not None else None for root in wanted}

    # --- what it says --------------------------------------------------------------------------------------------------

    def is_in_question(self, record: Record) -> bool:
        """False for what is settled and stands in no line: that was processed."""
        return not self._is_settled(record) or (record.key or b"").decode(errors="replace") in self._now.parked

    def asks_events(self, record: Record) -> bool:
        """Whether it may hang on what was told that a command counts as processed."""
        return self.is_in_question(record) and (self._restores or self._is_settled(record))

    def is_processed(self, root: ItemRef, waiting: Waiting) -> bool:
        if not self.is_in_question(waiting.record):
            return True
        live = self._roots.get(root)
        if live is None:
            return self._was_processed(root, waiting)
        if live.has_seen(waiting.origin, waiting.offset) or live.has_seen(waiting.place.origin, waiting.place.offset):
            return True
        # Settled, neither seen nor held: its write is lost, and nobody will deliver it again.
        return self._is_settled(waiting.record) and live.hold is None

    def is_owed(self, root: ItemRef, waiting: Waiting) -> bool:
        """Its root is lost and its record not settled: whoever loads the root publishes what it still owes."""
        return not self._is_settled(waiting.record) and self._roots.get(root) is None

    def is_lost(self, root: ItemRef, waiting: Waiting) -> bool:
        """Settled, of a root that is not there: nobody will deliver it again but its line."""
        return self._is_settled(waiting.record) and root in self._roots and self._roots[root] is None

    def is_parked(self, waiting: Waiting) -> bool:
        return str(Position(waiting.origin, waiting.offset)) in self._now.parked.get(waiting.command.key, ())

    def aside(self, waiting: Waiting) -> Aside | None:
        """In people's hands, whatever today's code makes of it. None for what was not in quarantine, or is tried again where it waits."""
        if not self._now.failures:
            return None
        line = self._now.failures.get(derived(f"failure:{self._group}:{waiting.origin}/{waiting.offset}"))
        if line is None or line.state == RETRIED:
            return None
        if line.fingerprint.endswith(f"/{decode.__name__}"):
            return Aside.UNREAD
        return None if waiting.handler.ordered else Aside.PASSED

    def _was_processed(self, root: ItemRef, waiting: Waiting) -> bool:
        """Of a root that is not there. A key is judged in order, so what was told of a later command says it of the earlier ones."""
        reached = self._shadow.reached(root, waiting.origin)
        if self._is_settled(waiting.record):
            return waiting.offset <= reached or not self.is_parked(waiting)
        return self._restores and waiting.offset <= reached

    def _is_settled(self, record: Record) -> bool:
        return record.offset < self._now.committed.get(record.partition, 0)

    async def _all(self, table: str, index: str, value: str) -> AsyncIterator[Item]:
        start: Mapping[str, Any] | None = None
        while True:
            page = await self._store.query(table, index, value, start=start, limit=ROWS_A_PAGE)
            for item in page.items:
                yield item
            start = page.next
            if start is None:
                return
