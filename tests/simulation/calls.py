"""Calls of effects as they begin and end, and providers that refuse one event's call for a while."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from tests.simulation.faults import Fault, Faults
from workers.engine.calling import TRIES_A_CLAIM
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Effect, Result, Retryable, Service

AGAIN = 0.01
"""Seconds a refusing provider wishes between two tries."""


@dataclass(slots=True)
class Calls:
    """``left``: how often a provider will still refuse an effect, by its id. One memory for all processes. ``tell``: is given every call
    that is let through, when it begins and what it came to. ``key_lifetime``: seconds, so that what may have been called is given up on
    within the run, as it is after a day."""

    seed: int
    faults: Faults
    tell: Callable[..., None]
    key_lifetime: float
    left: dict[str, int] = field(default_factory=dict)

    def service(self, service: Service) -> Service:
        return replace(service, effects=tuple(self._watched(effect) for effect in service.effects))

    def _watched(self, effect: Effect[Any]) -> Effect[Any]:
        async def run(call: Call[Any], rows: Mapping[ItemRef, Item], port: Any) -> Result:
            if self._refused(call):
                return Retryable("refused", after=AGAIN)
            self.tell("calling", call.id, effect.name)
            result: Result = await effect.run(call, rows, port)
            self.tell("called", call.id, effect.name, type(result).__name__)
            return result

        return replace(effect, run=run, key_lifetime=timedelta(seconds=self.key_lifetime))

    def _refused(self, call: Call[Any]) -> bool:
        """More often than a claim tries, mostly, so that the row rests. In peace too: it ends by itself."""
        if Fault.CALL_REFUSED not in self.faults.rates:
            return False
        if call.id not in self.left:
            chance = Random(f"{self.seed}/refused/{call.id}")
            struck = chance.random() < self.faults.rates[Fault.CALL_REFUSED]
            self.left[call.id] = chance.randint(TRIES_A_CLAIM - 2, 2 * TRIES_A_CLAIM + 2) if struck else 0
            if struck:
                self.faults.struck[Fault.CALL_REFUSED] = self.faults.struck.get(Fault.CALL_REFUSED, 0) + 1
        self.left[call.id] -= self.left[call.id] > 0
        return self.left[call.id] > 0
