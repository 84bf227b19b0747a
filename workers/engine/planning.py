"""From dirty lanes to writes: load what is not known, fold what waits. Writes nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.position import Position
from workers.engine.decision import Item, ItemRef
from workers.engine.fold import Folded, Missing, Waiting, fold
from workers.engine.fuse import FuseLimits
from workers.engine.lane import LARGEST_TRANSACTION, Entry, Lane
from workers.engine.ports import Store, Write
from workers.engine.root import Root

FOLDED_AT_ONCE = 50
"""Commands judged before others get a turn: a full turn of a hot store may hold 625."""


@dataclass(frozen=True, slots=True)
class Conveyor:
    """``requests``: write requests in the air at once. ``roots``: lanes in one request. ``folded``: records in one change.
    ``unpublished``: bytes of one root's outcomes in the air before it waits. ``cached``: lanes kept per partition.
    ``parked``, ``parked_a_key``: records that may wait parked before the role stops. ``look_for_parked``: seconds between looks."""

    requests: int = 8
    roots: int = 25
    folded: int = 25
    unpublished: int = 128 * 1024
    cached: int = 4000
    parked: int = 20_000
    parked_a_key: int = 2_000
    look_for_parked: float = 1.0
    fuse: FuseLimits = field(default_factory=FuseLimits)


@dataclass(frozen=True, slots=True)
class Plan:
    """One lane's next change. No ``writes``: nothing needs to reach the store. ``parked``: records the fold stopped before; they must
    be parked before the writes, which hold the root at the last of them."""

    lane: Lane
    records: Sequence[Waiting]
    folded: Folded
    writes: Sequence[Write]
    parked: Sequence[Waiting] = ()


class Planner:
    """Raises StoreUnavailable before anything was judged."""

    def __init__(self, service: str, store: Store, most: int) -> None:
        self._service, self._store, self._most = service, store, most

    async def load(self, lanes: Sequence[Lane], loaded: Callable[[Lane, Entry], None]) -> None:
        if not lanes:
            return
        items = await self._store.get([lane.ref for lane in lanes])
        for lane in lanes:
            entry = Entry(Root.of(items.get(lane.ref, {})))
            entry.learn([lane.ref], items)
            lane.entry = entry
            loaded(lane, entry)

    async def plan(self, lanes: Sequence[Lane], line: Sequence[Waiting] | None = None) -> list[Plan]:
        """Folds every lane, fetching the rows its decisions ask for on the way. Rows of other keys are read anew each time.
        ``line``: parked commands of the one lane, to be drained instead of what waits in it."""
        plans: list[Plan] = []
        shared: dict[Lane, dict[ItemRef, Item]] = {lane: {} for lane in lanes}
        known: dict[Lane, frozenset[ItemRef]] = {lane: frozenset() for lane in lanes}
        todo, folded = list(lanes), 0
        while todo:
            missing: dict[Lane, Missing] = {}
            for lane in todo:
                planned = self._fold(lane, shared[lane], known[lane], line)
                if isinstance(planned, Missing):
                    missing[lane] = planned
                    continue
                plans.append(planned)
                folded += len(planned.records)
                if folded >= FOLDED_AT_ONCE:
                    # Heartbeats and the other partitions share this thread.
                    await asyncio.sleep(0)
                    folded = 0
            await self._fetch(missing, shared, known)
            todo = list(missing)
        return plans

    def _fold(
        self, lane: Lane, shared: Mapping[ItemRef, Item], known: frozenset[ItemRef], line: Sequence[Waiting] | None
    ) -> Plan | Missing:
        most = self._most
        while True:
            records = lane.next_records(most) if line is None else line[: 1 if lane.singly else most]
            folded = fold(lane.found(shared, known), records, self._service, lane.circumstances(draining=line is not None))
            if isinstance(folded, Missing):
                return folded
            parked = records[folded.taken :] if line is None else ()
            if parked:
                folded = _held(folded, parked, lane)
            folded = lane.with_books(folded)
            writes = lane.writes(folded) if folded.write else []
            # A claim taken and released in one fold would be one row twice in one transaction.
            distinct = len({write.ref for write in writes}) == len(writes)
            if (distinct and len(writes) <= LARGEST_TRANSACTION) or len(records) == 1:
                return Plan(lane, records, folded, writes, parked)
            most = len(records) // 2

    async def _fetch(
        self, missing: Mapping[Lane, Missing], shared: dict[Lane, dict[ItemRef, Item]], known: dict[Lane, frozenset[ItemRef]]
    ) -> None:
        if not missing:
            return
        items = await self._store.get(list({read.ref for each in missing.values() for read in each.reads}))
        for lane, each in missing.items():
            assert lane.entry is not None
            lane.entry.learn([read.ref for read in each.reads if not read.shared], items)
            foreign = [read.ref for read in each.reads if read.shared]
            shared[lane] |= {ref: items[ref] for ref in foreign if ref in items}
            known[lane] |= frozenset(foreign)


def _held(folded: Folded, parked: Sequence[Waiting], lane: Lane) -> Folded:
    """Every parking touches the root, so that a release in between fails on its version and folds again."""
    assert lane.entry is not None
    first, last, root = parked[0], parked[-1], folded.root
    in_order = first.place == Position(first.origin, first.offset)
    if root.hold is None and in_order and not root.has_seen(first.origin, first.offset - 1):
        # What was refused before it without a trace is judged too: delivered again, it must not wait behind. Before what a replay
        # sends or causes that would pass over the originals of copies to come.
        root = root.noted(first.origin, first.offset - 1)
    hold = Position(last.origin, last.offset)
    if root.hold and root.hold.origin == hold.origin and root.hold.offset > hold.offset:
        # A stale owner must not uncover what the rightful one has parked, and settled, beyond its own records.
        hold = root.hold
    return replace(folded, root=replace(root, hold=hold, version=lane.entry.root.version + 1), write=True)
