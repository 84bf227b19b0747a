"""Rows put back into tables that lack them, from the log alone; books, lines and outcomes included, so that workers go on from them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from schemas.registry import table
from workers.engine.decision import Item, ItemRef
from workers.engine.outcome import Outcome
from workers.engine.ports import Absent, Clock, Fate, Log, Store, Write
from workers.engine.root import HOLD, Root
from workers.ops.audit import Audit
from workers.ops.rebuild.comparing import is_expired
from workers.ops.rebuild.judging import Rebuilding
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.standing import Standing
from workers.ops.rebuild.telling import NotRepaired, publish_late, untold

T = TypeVar("T")
ROWS_A_WRITE = 25
WORKERS_RUN = (
    "the group's committed offsets moved while the log was judged: workers run, and would judge commands on keys that are not back yet. "
    "Nothing was written. Stop the service's workers, then say it again."
)
WAY_OUT = (
    "Not put back: before workers start, restore it by the version that judged it then, or take what this version makes of it by naming "
    "its key with --repair as well."
)


@dataclass(slots=True)
class Restored:
    """``refused``: keys that were not put back, and why."""

    rows: int = 0
    published: int = 0
    refused: dict[str, str] = field(default_factory=dict)


class Restoring:
    """Rows that are there stay as they are. Raises NotRepaired when workers run, StoreUnavailable, LogUnavailable; doing it again finishes
    it."""

    def __init__(
        self, service: str, store: Store, log: Log, clock: Clock, shadow: Shadow, rebuilding: Rebuilding, standing: Standing
    ) -> None:
        self._service, self._store, self._log, self._clock = service, store, log, clock
        self._shadow, self._rebuilding, self._standing = shadow, rebuilding, standing

    async def restore(
        self,
        who: str,
        why: str,
        *,
        publish: bool = False,
        accepted: Callable[[str], bool] = lambda _: False,
        advance: Callable[[int], None] = lambda _: None,
    ) -> Restored:
        """``publish``: what was never told goes out before the rows that say it; without it such a key is refused. ``accepted``: keys whose
        rows are wanted though the world was told otherwise."""
        if await self._standing.has_moved():
            raise NotRepaired(WORKERS_RUN)
        about: dict[str, str | int] = {"service": self._service, "rows": self._shadow.count()}
        await Audit(self._store, self._clock).note("rebuild --restore", who, why, about)
        done = Restored()
        for roots in _parts(self._shadow.roots()):
            rows: dict[ItemRef, Item] = {}
            missing: list[tuple[str, Outcome]] = []
            for root, live in (await self._live(roots)).items():
                found = self._rows(root, live)
                try:
                    missing += self._untold(root, publish=publish, accepted=accepted(root.key)) if root in found else []
                except NotRepaired as reason:
                    done.refused[root.key] = f"{reason} {WAY_OUT}"
                else:
                    rows |= found
            done.published += await publish_late(self._log, self._service, missing)
            done.rows += await self._put(list(rows.items()))
            advance(done.rows)
        return done

    async def _live(self, roots: Collection[ItemRef]) -> Mapping[ItemRef, Item | None]:
        found = await self._store.get(list(roots))
        return {root: found.get(root) for root in roots}

    def _untold(self, root: ItemRef, *, publish: bool, accepted: bool) -> Sequence[tuple[str, Outcome]]:
        differences = self._shadow.differences(root)
        if accepted:
            differences = [each for each in differences if not each.contradicts]
        return untold(differences, self._rebuilding.stuck.get(root), {}, publish=publish)

    def _rows(self, root: ItemRef, live: Item | None) -> dict[ItemRef, Item]:
        """With the root where that is lost, and without what would have expired by now."""
        made, now = {ref: item for ref, (item, _) in self._shadow.rows_of(root).items()}, self._clock.now()
        if live is not None:
            # Rows of commands that the live root has not seen would stand beside one that knows nothing of them: that is a repair's to do.
            books = Root.of(live)
            behind = any(not books.has_seen(origin, offset) for origin, offset in Root.of(made.pop(root)).seen.items())
            made = {} if behind else made
        elif hold := self._rebuilding.holds.get(root):
            made[root] = {**made[root], HOLD: str(hold)}
        return {ref: item for ref, item in made.items() if HOLD in item or not is_expired(table(ref.table), item, now)}

    async def _put(self, rows: Sequence[tuple[ItemRef, Item]]) -> int:
        return sum([await self._written(part) for part in _parts(iter(rows))])

    async def _written(self, rows: Sequence[tuple[ItemRef, Item]]) -> int:
        results = await self._store.write([Write(ref, None, item, Absent()) for ref, item in rows])
        for (ref, _), result in zip(rows, results, strict=True):
            if result.fate not in (Fate.WRITTEN, Fate.CONFLICT):
                raise NotRepaired(f"{ref}: {result.fate}. {NotRepaired.__doc__}")
        return sum(result.fate is Fate.WRITTEN for result in results)


def _parts(each: Iterator[T]) -> Iterator[list[T]]:
    while part := list(islice(each, ROWS_A_WRITE)):
        yield part
