"""Bugs of the roles that read events: projections, reactions, effects."""

from dataclasses import replace
from typing import Any

from contracts.ids import within
from contracts.types import EffectId
from tests.simulation.planted import Patch, planted
from workers.engine import calling, projections
from workers.engine.effects import EffectsSink
from workers.engine.events import EventsProcessor
from workers.engine.ledger_keeping import LedgerKeeper
from workers.engine.reactions import ReactionsSink
from workers.engine.root import SEEN
from workers.engine.service import Retryable, Unknown

# --- events: projections, reactions --------------------------------------------------------------------------------------


class Settled:
    """A partition whose records were settled before."""

    def __init__(self, owned: Any) -> None:
        self.partition, self.origin = owned.partition, owned.origin

    def settle(self, offset: int) -> None:
        """Once was enough."""


@planted("a projection folds what its row has seen", 600, "notification+counts")
def projection_ignores_seen(patch: Patch) -> None:
    fold_row = projections._fold
    patch(projections, "_fold", lambda row, found, owned: fold_row(row, found and {**found, SEEN: {}}, owned))


@planted("a projection's event settles before its row is written", 600, "notification+counts")
def projection_settles_first(patch: Patch) -> None:
    handle, written = projections.ProjectionsSink.handle, projections.ProjectionsSink._written

    async def hasty(self: Any, owned: Any, arrivals: Any) -> None:
        await handle(self, owned, arrivals)
        for offset in list(self._boards[owned].open):
            if offset in owned.watermark._open and offset not in owned.watermark._done:
                owned.settle(offset)

    def quiet(self: Any, owned: Any, board: Any, row: Any) -> None:
        settled: Any = Settled(owned)
        written(self, settled, board, row)

    patch(projections.ProjectionsSink, "handle", hasty)
    patch(projections.ProjectionsSink, "_written", quiet)


@planted("events of a kind nobody asked for hide the others of their batch", 100, "registry+receipts")
def receipts_forget_events(patch: Patch) -> None:
    arrival = EventsProcessor._arrival

    def dropping(self: Any, feed: Any, record: Any) -> Any:
        found = arrival(self, feed, record)
        return None if found is not None and found.record.offset % 7 == 6 else found

    patch(EventsProcessor, "_arrival", dropping)


@planted("a reaction's event settles before its commands are sent", 1000, "registry+reactions")
def reaction_settles_first(patch: Patch) -> None:
    handle = ReactionsSink.handle

    async def hasty(self: Any, owned: Any, arrivals: Any) -> None:
        for arrival in arrivals:
            owned.settle(arrival.record.offset)
        settled: Any = Settled(owned)
        await handle(self, settled, arrivals)

    patch(ReactionsSink, "handle", hasty)


# --- effects -----------------------------------------------------------------------------------------------------------


@planted("an effect is called without its row in the ledger", 400, "notification+effects")
def effect_without_ledger(patch: Patch) -> None:
    async def unwritten(self: Any, rows: Any) -> Any:
        return list(rows)

    patch(LedgerKeeper, "put", unwritten)


@planted("every try of an effect has a key of its own", 400, "payment+effects")
def key_changes_with_try(patch: Patch) -> None:
    as_call = calling.Caller._as_call

    def fresh(self: Any, effect: Any, event: Any, row: Any) -> Any:
        call = as_call(self, effect, event, row)
        return replace(call, id=EffectId(within(row.effect, f"try {row.tries}")))

    patch(calling.Caller, "_as_call", fresh)


@planted("an effect that must not be repeated is called again after an unknown outcome", 200, "notification+effects")
def unknown_effect_repeated(patch: Patch) -> None:
    patch(calling.Caller, "_repeats", staticmethod(lambda effect, result: isinstance(result, Retryable | Unknown)))


@planted("the sweep calls what a crashed worker may have called", 2000, "notification+effects")
def sweep_calls_again(patch: Patch) -> None:
    begin = EffectsSink.__init__

    def forgetful(self: Any, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        self._repeatable = dict.fromkeys(self._repeatable, True)

    patch(EffectsSink, "__init__", forgetful)


@planted("an effect's row is closed before its result is published", 1500, "payment+effects")
def closed_before_published(patch: Patch) -> None:
    publish = calling.Caller.publish

    async def early(self: Any, row: Any) -> None:
        closed = await self._ledger.keep(row, replace(row, open=False, version=row.version + 1))
        await publish(self, closed)

    patch(calling.Caller, "publish", early)
