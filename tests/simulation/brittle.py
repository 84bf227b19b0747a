"""Reactions, projections and effects' conditions that raise for a while for some events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.simulation.faults import Fault, Faults
from workers.engine.decision import Item
from workers.engine.service import Change, Effect, Event, Projection, Reaction, Service

MOST_TIMES = 3


class Indigestible(Exception):
    """A bug of a reader of events, for as long as it is not mended."""


@dataclass(slots=True)
class Brittle:
    """``left``: how often an event will still be raised over, by place and event. One memory for all processes: a bug is mended once."""

    seed: int
    faults: Faults
    left: dict[tuple[str, str], int] = field(default_factory=dict)

    def service(self, service: Service) -> Service:
        if Fault.EVENT_POISON not in self.faults.rates:
            return service
        return replace(
            service,
            reactions=tuple(self._reaction(each, n) for n, each in enumerate(service.reactions)),
            projections=tuple(self._projection(each, n) for n, each in enumerate(service.projections)),
            effects=tuple(self._effect(each) for each in service.effects),
        )

    def _check(self, place: str, event: Event[Any]) -> None:
        name = (place, event.id)
        if name not in self.left:
            chance = Random(f"{self.seed}/{place}/{event.id}")
            struck = self.faults.active and chance.random() < self.faults.rates[Fault.EVENT_POISON]
            self.left[name] = chance.randint(1, MOST_TIMES) if struck else 0
            if struck:
                self.faults.struck[Fault.EVENT_POISON] = self.faults.struck.get(Fault.EVENT_POISON, 0) + 1
        if self.left[name]:
            self.left[name] -= 1
            raise Indigestible(place)

    def _reaction(self, reaction: Reaction[Any], n: int) -> Reaction[Any]:
        def react(event: Event[Any], rows: Sequence[Item]) -> Any:
            self._check(f"reaction {n}", event)
            return reaction.react(event, rows)

        return replace(reaction, react=react)

    def _projection(self, projection: Projection[Any], n: int) -> Projection[Any]:
        def project(event: Event[Any]) -> Sequence[Change]:
            self._check(f"projection {n}", event)
            return [replace(each, fold=self._fold(f"fold {n}.{m}", event, each)) for m, each in enumerate(projection.project(event))]

        return replace(projection, project=project)

    def _fold(self, place: str, event: Event[Any], change: Change) -> Callable[[Item | None, str], Item]:
        def fold(item: Item | None, shard: str) -> Item:
            self._check(place, event)
            return change.fold(item, shard)

        return fold

    def _effect(self, effect: Effect[Any]) -> Effect[Any]:
        def when(event: Event[Any]) -> bool:
            self._check(effect.name, event)
            return effect.when(event)

        return replace(effect, when=when)
