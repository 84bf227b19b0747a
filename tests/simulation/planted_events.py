"""Bugs of the roles that read events: projections, reactions, effects."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.ids import within
from contracts.types import EffectId
from tests.simulation.faults import Fault
from tests.simulation.planted import Patch, planted
from workers.engine import calling, folding, projections
from workers.engine.arrivals import Prepared
from workers.engine.effects import EffectsSink
from workers.engine.events import EventsProcessor
from workers.engine.ledger_keeping import LedgerKeeper, Put
from workers.engine.open_effects import OpenEffects
from workers.engine.reactions import ReactionsSink
from workers.engine.root import SEEN
from workers.engine.service import Retryable, Unknown

# --- events: projections, reactions --------------------------------------------------------------------------------------


def settled_at_once(prepared: Sequence[Prepared[Any]]) -> None:
    for each in prepared:
        each.arrival.settle()
        object.__setattr__(each.arrival, "settle", lambda: None)


@planted("a projection folds what its row has seen", 600, "notification+counts")
def projection_ignores_seen(patch: Patch) -> None:
    folded = folding.folded
    patch(projections, "folded", lambda steps, found, *more: folded(steps, found and {**found, SEEN: {}}, *more))


@planted("a projection's event settles before its row is written", 600, "notification+counts")
def projection_settles_first(patch: Patch) -> None:
    apply = projections.ProjectionsSink.apply

    async def hasty(self: Any, owned: Any, prepared: Any) -> Any:
        settled_at_once(prepared)
        return await apply(self, owned, prepared)

    patch(projections.ProjectionsSink, "apply", hasty)


@planted("events of a kind nobody asked for hide the others of their batch", 100, "registry+receipts")
def receipts_forget_events(patch: Patch) -> None:
    arrival = EventsProcessor._arrival

    def dropping(self: Any, feed: Any, record: Any) -> Any:
        found = arrival(self, feed, record)
        return None if found is not None and found.record.offset % 7 == 6 else found

    patch(EventsProcessor, "_arrival", dropping)


@planted("a reaction's event settles before its commands are sent", 1000, "registry+reactions")
def reaction_settles_first(patch: Patch) -> None:
    apply = ReactionsSink.apply

    async def hasty(self: Any, owned: Any, prepared: Any) -> Any:
        settled_at_once(prepared)
        return await apply(self, owned, prepared)

    patch(ReactionsSink, "apply", hasty)


# --- effects -----------------------------------------------------------------------------------------------------------


@planted("an effect is called without its row in the ledger", 400, "notification+effects")
def effect_without_ledger(patch: Patch) -> None:
    async def unwritten(self: Any, rows: Any) -> Any:
        return Put(rows, {})

    patch(LedgerKeeper, "put", unwritten)


@planted("every try of an effect has a key of its own", 400, "payment+effects")
def key_changes_with_try(patch: Patch) -> None:
    as_call = calling.Caller._as_call

    def fresh(self: Any, effect: Any, event: Any, row: Any) -> Any:
        call = as_call(self, effect, event, row)
        return replace(call, id=EffectId(within(row.effect, f"try {row.tries}")))

    patch(calling.Caller, "_as_call", fresh)


@planted("a key is trusted however old it is", 1000, "payment+returns", often=(Fault.PROVIDER_AWAY, Fault.PROVIDER_HAPPENED))
def old_key_trusted(patch: Patch) -> None:
    as_call = calling.Caller._as_call
    patch(calling.Caller, "_as_call", lambda *arguments: replace(as_call(*arguments), stale=False))


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

    async def early(self: Any, held: Any) -> None:
        await held.keep(replace(held.row, open=False))
        await publish(self, held)

    patch(calling.Caller, "publish", early)


@planted("a later event's effect of a resting key is called", 40, "registry+effects", [Fault.CALL_REFUSED])
def resting_key_is_passed(patch: Patch) -> None:
    patch(OpenEffects, "refuses", lambda self, key, event: False)
    patch(OpenEffects, "due_before", lambda self, row: None)


@planted("a later row of a resting key is called", 40, "registry+effects", [Fault.CALL_REFUSED])
def resting_row_is_passed(patch: Patch) -> None:
    patch(OpenEffects, "due_before", lambda self, row: None)


@planted("an owner does not ask which keys have an open effect", 200, "registry+effects", [Fault.CALL_REFUSED, Fault.RESTART, Fault.CRASH])
def open_effects_not_learned(patch: Patch) -> None:
    async def learn(self: Any, owned: Any) -> None:
        """Nothing."""

    patch(EffectsSink, "_learn", learn)
