"""The simulator's own exam: bugs planted in the engine, each of which must be found within so many seeds.

Pieces of the engine are replaced for the length of a test; production code knows nothing of it. Where ``profile`` is set, the seeds
run that profile only: other services do not use the mechanism.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from tests.simulation.faults import Fault
from workers.engine.memory import store
from workers.engine.ports import Write

Patch = Callable[[Any, str, object], object]
Plant = Callable[[Patch], None]


@dataclass(frozen=True, slots=True)
class Planted:
    """``within``: seeds that are enough to find it, several times what it took when it was planted. ``often``: faults it needs."""

    name: str
    says: str
    plant: Plant
    within: int
    profile: str = ""
    often: frozenset[Fault] = frozenset()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        with ExitStack() as stack:
            self.plant(lambda target, name, value: stack.enter_context(mock.patch.object(target, name, value)))
            yield


PLANTED: dict[str, Planted] = {}


def planted(
    says: str, within: int, profile: str = "", often: Collection[Fault] = ()
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Enters a bug in the registry under its function's name."""

    def keep(plant: Plant) -> Plant:
        PLANTED[plant.__name__] = Planted(plant.__name__, says, plant, within, profile, frozenset(often))
        return plant

    return keep


class Unconditional:
    """The condition of a write that looks at nothing; the store takes it while ``heedless`` is in place."""


def heedless(patch: Patch) -> None:
    holds = store.holds
    patch(store, "holds", lambda condition, current: isinstance(condition, Unconditional) or holds(condition, current))


def unconditional(write: Write) -> Write:
    condition: Any = Unconditional()
    return replace(write, condition=condition)
