"""``make chaos``: workers and servers killed, stopped and frozen at random under load. Ends with 1 if a promise was broken."""

import argparse
import asyncio
import logging
import random
import sys

from tests.chaos.plan import Plan
from tests.chaos.run import chaos
from tests.support.servers import dummy_credentials


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=75.0, help="of faults; settling comes on top")
    parser.add_argument("--commands", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--workers", type=int, default=3)
    arguments = parser.parse_args()
    plan = Plan(arguments.seed, arguments.seconds, arguments.commands, arguments.workers)
    sys.stdout.write(f"{plan.line}\n")
    sys.stdout.flush()
    # The producer's client tells of every outage, line upon line.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with dummy_credentials():
        report = asyncio.run(chaos(plan))
    sys.stdout.writelines(f"{line}\n" for line in report.lines())
    return int(bool(report.broken))


if __name__ == "__main__":
    sys.exit(main())
