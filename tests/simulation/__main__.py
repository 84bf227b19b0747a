"""``make simulate``: seeds, one after the other; ``EXAM=1``: the simulator's own exam. Ends with 1 if a promise was broken, or if a planted
bug was not found."""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.simulation.exam import PLANTED, examined
from tests.simulation.profiles import PROFILES
from tests.simulation.shrink import shrunk
from tests.simulation.simulation import Plan, many_runs, run

SHOWN = 5
"""Failing seeds that are shrunk and shown."""
LINES = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--profile", choices=PROFILES, default="")
    parser.add_argument("--exam", nargs="*", choices=PLANTED, metavar="BUG", help="plant these bugs (all of them if none is named)")
    arguments = parser.parse_args()
    with many_runs():
        if arguments.exam is not None:
            return exam(arguments.exam or list(PLANTED))
        return simulate(range(arguments.first, arguments.first + arguments.seeds), arguments.profile)


def simulate(seeds: Sequence[int], profile: str) -> int:
    began, failed, steps = time.process_time(), list[int](), 0
    for seed in seeds:
        simulation, broken = run(Plan(seed, profile))
        steps += simulation.loop.steps
        if broken:
            failed.append(seed)
            if len(failed) <= SHOWN:
                explain(Plan(seed, profile))
    seconds = time.process_time() - began
    pace = f"{len(seeds) / seconds:.0f} seeds and {steps / seconds:.0f} steps a second of CPU"
    sys.stdout.write(f"{len(failed)} of {len(seeds)} seeds broke a promise ({pace}){': ' if failed else ''}{', '.join(map(str, failed))}\n")
    return int(bool(failed))


def explain(plan: Plan) -> None:
    """The line that makes it fail again, and its smallest form."""
    small, broken = shrunk(plan)
    simulation, _ = run(small)
    named = f" PROFILE={plan.profile}" if plan.profile else ""
    sys.stdout.write(f"\nmake simulate SEEDS=1 FIRST={plan.seed}{named}   # {simulation.profile.name}\n")
    sys.stdout.writelines(f"  {each[:400]}\n" for each in broken[:3])
    struck = ", ".join(f"{kind} x{times}" for kind, times in simulation.faults.struck.items()) or "none"
    sys.stdout.write(f"  still so with {len({each.number for each in simulation.sent})} commands and faults {struck}:\n")
    sys.stdout.writelines(f"    {line[:240]}\n" for line in simulation.trace()[:LINES])


def exam(names: Sequence[str]) -> int:
    missed = []
    for name in names:
        result = examined(PLANTED[name])
        found = f"seed {result.took}" if result.took is not None else "NOT FOUND"
        sys.stdout.write(f"{name:28} {found:>12} of {PLANTED[name].within:<6} {result.broken[:120]}\n")
        sys.stdout.flush()
        if result.took is None:
            missed.append(name)
    sys.stdout.write(f"{len(names) - len(missed)} of {len(names)} planted bugs found\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
