"""The thirteen flaws of the protocol's model, planted in the engine."""

import asyncio
from dataclasses import replace
from typing import Any

from tests.simulation.faults import Fault
from tests.simulation.planted import Patch, heedless, planted, unconditional
from workers.engine import draining, fold, planning
from workers.engine.lane import Lane
from workers.engine.once import Novelty, Window
from workers.engine.parking import ParkingLot
from workers.engine.planning import Planner
from workers.engine.root import Root
from workers.engine.settling import Settler

STALE = (Fault.POISON, Fault.FREEZE, Fault.EXPEL)
"""What makes stale owners of parked keys."""


@planted("a stale owner's write goes through", 400)
def no_version_check(patch: Patch) -> None:
    writes = Lane.writes
    heedless(patch)

    def blind(self: Lane, folded: Any) -> Any:
        root, *others = writes(self, folded)
        return [unconditional(root), *others]

    patch(Lane, "writes", blind)


@planted("a crash between write and publish loses the events", 200)
def outcomes_not_kept(patch: Patch) -> None:
    patch(Lane, "with_books", lambda self, folded: replace(folded, root=replace(folded.root, outcomes=())))


@planted("the same command at two offsets is applied twice", 100)
def no_ring(patch: Patch) -> None:
    patch(Root, "knows", lambda self, command: False)


@planted("the key is held before its parked rows are stored", 600)
def hold_before_rows(patch: Patch) -> None:
    put = ParkingLot.put

    async def later(self: Any, rows: Any) -> None:
        async def behind() -> None:
            await asyncio.sleep(0.1)
            await put(self, rows)

        asyncio.ensure_future(behind())  # noqa: RUF006  # the loop keeps its tasks

    patch(ParkingLot, "put", later)


@planted("the hold is lifted by the write that applies the parked commands", 3000)
def one_phase_drain(patch: Patch) -> None:
    plan = Planner.plan

    async def lifting(self: Any, lanes: Any, line: Any = None) -> Any:
        plans = await plan(self, lanes, line)
        if line is None:
            return plans
        (only,) = plans
        if only.folded.taken < len(line) or not only.writes:
            return plans
        lifted = replace(only.folded, root=replace(only.folded.root, hold=None))
        return [replace(only, folded=lifted, writes=only.lane.writes(lifted))]

    patch(Planner, "plan", lifting)


@planted("outcomes on a held item are dropped unacknowledged because their offsets are already settled", 3000)
def evict_while_held(patch: Patch) -> None:
    def owed(self: Root, origin: Any, watermark: int) -> Any:
        return tuple(o for o in self.outcomes if o.origin != origin or o.offset >= watermark)

    patch(Root, "owed", owed)


@planted("a loaded item's stored outcomes are not published first", 200)
def publish_only_own(patch: Patch) -> None:
    patch(Settler, "publish_owed", lambda self, lane, entry: None)


@planted("parking on a held key does not touch the item, so a release can overtake it", 1500)
def park_without_write(patch: Patch) -> None:
    held = planning._held
    patch(planning, "_held", lambda folded, parked, lane: folded if folded.root.hold else held(folded, parked, lane))


@planted("a refusal is published but leaves no trace on the item", 200)
def refusal_not_written(patch: Patch) -> None:
    judge = fold._judge

    def forgetful(progress: Any, *rest: Any) -> Any:
        root, write = progress.root, progress.write
        missing = judge(progress, *rest)
        if missing is None and progress.verdicts[-1].reason not in ("applied", "unchanged", "recognised"):
            progress.root, progress.write = root, write
        return missing

    patch(fold, "_judge", forgetful)


@planted("a drain takes parked rows beyond the hold's offset", 1500, "registry", STALE)
def drain_any_row(patch: Patch) -> None:
    patch(draining, "_covered", lambda root, row: True)


@planted("the counter remembers only the last few ids", 1500, "notification+counts")
def count_by_id_window(patch: Patch) -> None:
    def judge(self: Any, envelope: Any, place: int) -> Novelty:
        known = envelope.id in list(self._recent)[-3:]
        self._recent.pop(envelope.id, None)
        self._recent[envelope.id] = (envelope.position.origin, envelope.position.offset, place) if envelope.position else ("", 0, place)
        return Novelty.KNOWN if known else Novelty.NEW

    patch(Window, "judge", judge)


@planted("events of parked commands are not marked late", 6000)
def late_not_marked(patch: Patch) -> None:
    keep = fold._keep
    patch(fold, "_keep", lambda *arguments, late: keep(*arguments, late=False))


@planted("a restarted counter does not read back what its commit metadata says", 3000, "notification+counts")
def counter_forgets(patch: Patch) -> None:
    begin = Window.__init__

    def forgetful(self: Window, metadata: str = "") -> None:
        begin(self, "")
        self.read_from = 10**9

    patch(Window, "__init__", forgetful)
