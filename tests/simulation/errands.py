"""The registry with an effect for each of its events, many to a key: errands that may be repeated, and such that may not."""

from collections.abc import Mapping
from dataclasses import replace

from contracts.notification.events import NotificationsRead
from tests.simulation.providers import Outside
from tests.simulation.registry import REGISTRY
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Effect, Event, Result, Retryable, Unknown


class SimulatedErrands:
    """Takes keys: what is asked for again under its key is done once. Whether it was asked again is the engine's to know."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._ran: set[str] = set()

    async def run(self, key: str, *, repeatable: bool) -> Result:
        def do() -> str:
            if not repeatable or key not in self._ran:
                self._outside.done["errand", key] += 1
            self._ran.add(key)
            return key

        answer, problem = await self._outside.call(do)
        if answer is not None:
            return Done((), answer)
        return Retryable(problem) if problem == "away" else Unknown(problem)


def _often(event: Event[NotificationsRead]) -> bool:
    return len(event.data.ids) % 3 > 0


async def again(call: Call[NotificationsRead], _rows: Mapping[ItemRef, Item], port: SimulatedErrands) -> Result:
    return await port.run(call.id, repeatable=True)


async def once(call: Call[NotificationsRead], _rows: Mapping[ItemRef, Item], port: SimulatedErrands) -> Result:
    return await port.run(call.id, repeatable=False)


ERRANDS = replace(
    REGISTRY,
    reactions=(),
    effects=(
        Effect("registry.again", NotificationsRead, "errands", again, when=_often),
        Effect("registry.once", NotificationsRead, "errands", once, repeatable=False, when=lambda event: not _often(event)),
    ),
)
