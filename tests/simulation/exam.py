"""Does the simulator find a bug that is there?"""

from dataclasses import dataclass

from tests.simulation import (
    planted_commands,
    planted_events,
    planted_flaws,
    planted_fuse,
    planted_lines,
    planted_messages,
    planted_replay,
    planted_timers,
)
from tests.simulation.planted import PLANTED, Planted
from tests.simulation.simulation import Plan, run

__all__ = [
    "PLANTED",
    "Result",
    "examined",
    "planted_commands",
    "planted_events",
    "planted_flaws",
    "planted_fuse",
    "planted_lines",
    "planted_messages",
    "planted_replay",
    "planted_timers",
]


@dataclass(frozen=True, slots=True)
class Result:
    """``took``: how many seeds, None if the bug was not found; ``broken``: the promise that gave it away."""

    took: int | None
    broken: str


def examined(planted: Planted) -> Result:
    with planted.in_place():
        for seed in range(planted.within):
            _, broken = run(Plan(seed, planted.profile, often=planted.often))
            if broken:
                return Result(seed + 1, broken[0])
    return Result(None, "")
