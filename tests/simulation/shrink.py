"""A failing run made smaller while it still fails: without kinds of faults, then without commands."""

from collections.abc import Sequence
from dataclasses import replace

from tests.simulation.faults import Fault
from tests.simulation.simulation import Plan, run

MOST_RUNS = 150


def shrunk(plan: Plan, most: int = MOST_RUNS) -> tuple[Plan, Sequence[str]]:
    """The smallest failing plan found within ``most`` runs, and what it breaks."""
    simulation, broken = run(plan)
    candidates: list[Fault | int] = [*simulation.faults.struck, *(each.number for each in simulation.sent)]
    for candidate in list(dict.fromkeys(candidates))[:most]:
        smaller = _without(plan, candidate)
        _, found = run(smaller)
        if found:
            plan, broken = smaller, found
    return plan, broken


def _without(plan: Plan, candidate: Fault | int) -> Plan:
    if isinstance(candidate, Fault):
        return replace(plan, without=plan.without | {candidate})
    return replace(plan, dropped=plan.dropped | {candidate})
