"""Bugs of replay: in how copies are judged, where they are noted, who acts on them, and in what their marks keep from happening."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.ids import within
from contracts.position import Position
from contracts.replay import Replay
from contracts.timestamps import from_milliseconds
from tests.simulation.faults import Fault
from tests.simulation.planted import Patch, planted
from workers.engine import commands, draining, events, fold, planning
from workers.engine.effects import EffectsSink
from workers.engine.fold import PLAIN, Waiting
from workers.engine.intake import waiting_of
from workers.engine.outcome import Outcome
from workers.engine.ports import LogUnavailable
from workers.ops.replay import redo
from workers.ops.replay.running import Running

OFTEN = (Fault.REPLAYED,)


def _is_copy(record: Waiting) -> bool:
    return record.replay is not None and record.replay.is_copy


# --- commands --------------------------------------------------------------------------------------------------------


@planted("a copy is judged again although its original was seen", 200, often=OFTEN)
def copy_judged_again(patch: Patch) -> None:
    patch(fold, "_was_seen", lambda root, record: False)


@planted("a copy's own offset is noted, so that originals still to come are passed over", 200, often=OFTEN)
def copy_notes_itself(patch: Patch) -> None:
    patch(fold, "_noted", lambda root, record, command=None: root.noted(record.origin, record.offset, command))


@planted("what a replay causes is noted among the log's own, so that copies to come are passed over", 300, "diary+timers", OFTEN)
def caused_noted_in_line(patch: Patch) -> None:
    def place(self: Waiting) -> Position:
        of = self.replay.of if self.replay and self.replay.is_copy else None
        return of or Position(self.origin, self.offset)

    patch(Waiting, "place", property(place))


@planted("a copy passes the hold of its key", 300, often=[*OFTEN, Fault.POISON])
def copy_passes_hold(patch: Patch) -> None:
    judge = fold.fold

    def passing(found: Any, records: Sequence[Waiting], service: str, circumstances: Any = PLAIN) -> Any:
        if records and _is_copy(records[0]) and found.root.hold:
            return judge(found, records[:1], service, replace(circumstances, draining=True))
        return judge(found, records, service, circumstances)

    patch(planning, "fold", passing)


@planted("parking a copy notes what stands before it", 200, often=[*OFTEN, Fault.POISON])
def parked_copy_notes_before(patch: Patch) -> None:
    held = planning._held

    def noting(folded: Any, parked: Sequence[Waiting], lane: Any) -> Any:
        first, root = parked[0], folded.root
        if root.hold is None and not root.has_seen(first.origin, first.offset - 1):
            folded = replace(folded, root=root.noted(first.origin, first.offset - 1))
        return held(folded, parked, lane)

    patch(planning, "_held", noting)


@planted("a copy is judged at its own time", 100, often=OFTEN)
def copy_judged_later(patch: Patch) -> None:
    def late(service: Any, origin: Any, record: Any) -> Any:
        ref, waiting = waiting_of(service, origin, record)
        return ref, waiting._replace(at=from_milliseconds(record.timestamp))

    patch(commands, "waiting_of", late)
    patch(draining, "waiting_of", late)


# --- events and effects ----------------------------------------------------------------------------------------------


@planted("an event's copy is acted on by roles it is not for", 200, "people", OFTEN)
def copy_for_everybody(patch: Patch) -> None:
    patch(Replay, "is_for", lambda self, group: True)


@planted("a copy is judged by the window, as an event that was published again", 600, "registry+effects", OFTEN)
def copy_counted_by_window(patch: Patch) -> None:
    patch(events, "_handed_over", lambda envelope: False)


@planted("effects are not withheld", 100, "registry+effects", OFTEN)
def effects_not_withheld(patch: Patch) -> None:
    patch(EffectsSink, "_may", lambda self, effect, arrival: True)


@planted("the mark of a replay is not stored with an outcome", 400, often=[*OFTEN, Fault.CRASH])
def mark_not_stored(patch: Patch) -> None:
    pack = Outcome.pack
    patch(Outcome, "pack", lambda self: pack(self._replace(replay=None)))


@planted("what a replay causes does not say so", 200, "diary+timers", OFTEN)
def mark_ends(patch: Patch) -> None:
    patch(Replay, "onward", property(lambda self: None))


# --- sending ---------------------------------------------------------------------------------------------------------


@planted("a repetition's id differs each time it is sent", 200, often=[*OFTEN, Fault.APPEND_LATE])
def repetition_by_chance(patch: Patch) -> None:
    count = iter(range(10**9))
    patch(redo, "within", lambda plan, place: within(plan, f"{place}#{next(count)}"))


@planted("a replay goes on behind records whose append nobody acknowledged", 100, often=[*OFTEN, Fault.APPEND_LOST])
def append_given_up(patch: Patch) -> None:
    async def once(self: Any, kept: Any, partition: Any, records: Any) -> None:
        try:
            await self._log.append(partition, list(records.values()))
        except LogUnavailable:
            return

    patch(Running, "_append", once)
