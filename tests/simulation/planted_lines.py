"""Bugs of the waiting lines in roles that read events."""

from dataclasses import replace
from typing import Any

from tests.simulation.faults import Fault
from tests.simulation.planted import Patch, planted
from workers.engine import folding
from workers.engine.holds import Holds
from workers.engine.lines import Lines
from workers.engine.parking import ParkingLot

POISON = (Fault.EVENT_POISON,)


@planted("what is parked is not listed in the head row", 60, "registry+reactions", [*POISON, Fault.RESTART])
def head_not_kept(patch: Patch) -> None:
    async def keep(self: Any) -> None:
        self._added.clear()
        self._removed.clear()

    patch(Holds, "keep", keep)


@planted("an owner does not read the head row when it begins", 60, "registry+counts", [*POISON, Fault.RESTART])
def head_not_read(patch: Patch) -> None:
    async def load(self: Any) -> None:
        self._row = await self._read()

    patch(Holds, "load", load)


@planted(
    "rows are put before the head row lists them, and the offset settles in between", 100, "registry+reactions", [*POISON, Fault.CRASH]
)
def rows_before_head(patch: Patch) -> None:
    park = Lines._park

    async def early(self: Any, rows: Any) -> None:
        await self._shared.patiently(lambda: self._lot.put(rows))
        for row in rows:
            self._owned.settle(row.record.offset)
        if rows:
            await self._shared.rest()
        unsettled = list(self._unsettled)
        await park(self, rows)
        self._unsettled = unsettled

    patch(Lines, "_park", early)


@planted("a held key's later event passes", 100, "registry+reactions", POISON)
def later_event_passes(patch: Patch) -> None:
    patch(Holds, "__contains__", lambda self, key: False)


@planted("a projection's row passes a parked event without a note", 100, "registry+counts", POISON)
def passed_without_note(patch: Patch) -> None:
    pass_on = folding._pass
    patch(folding, "_pass", lambda books, highest, taken, line: pass_on(books, highest, taken, None))


@planted("what a row's fold skipped is noted and not kept", 100, "registry+counts", POISON)
def skipped_not_kept(patch: Patch) -> None:
    async def skip(self: Any, arrival: Any, target: str, error: Exception) -> None:
        """Nobody will bring it again."""

    patch(Lines, "skip", skip)


@planted("a drained event is folded although its row has it", 100, "registry+counts", [*POISON, Fault.STORE_AWAY])
def drained_twice(patch: Patch) -> None:
    folded = folding.folded
    lacks = folding._Books.lacks
    from workers.engine import projections

    def careless(steps: Any, found: Any, *more: Any) -> Any:
        parked = {step.arrival.offset for step in steps if step.arrival.parked}
        patch_lacks = lambda books, offset: offset in parked or lacks(books, offset)  # noqa: E731  # for the length of this fold
        folding._Books.lacks = patch_lacks  # type: ignore[method-assign]  # put back below
        try:
            return folded(steps, found, *more)
        finally:
            folding._Books.lacks = lacks  # type: ignore[method-assign]  # as it was

    patch(projections, "folded", careless)


@planted("an owner goes on with a line before the log has brought what came before it", 100, "registry+counts", [*POISON, Fault.CRASH])
def line_overtakes_the_log(patch: Patch) -> None:
    patch(Lines, "_is_reached", lambda self, row: True)


@planted("a line's rows are deleted before they are applied", 100, "registry+counts", [*POISON, Fault.STORE_AWAY, Fault.CRASH])
def deleted_before_applied(patch: Patch) -> None:
    out = Lines._out

    async def early(self: Any, rows: Any) -> Any:
        found = await out(self, rows)
        await self._lot.remove(found.rows)
        self._forget(rows[0].key, {row.record.offset for row in found.rows})
        await self._holds.keep()
        return found

    patch(Lines, "_out", early)


@planted("an event is taken out of its line after it failed", 100, "registry+reactions", POISON)
def failed_is_forgotten(patch: Patch) -> None:
    patch(ParkingLot, "tried", lambda self, row, failure: replace(row, quarantined=True, version=row.version + 1))
    patch(Lines, "_put_aside", _forgotten)


async def _forgotten(self: Any, row: Any, invalid: Any) -> None:
    """Nowhere."""
