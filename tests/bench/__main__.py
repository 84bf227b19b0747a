"""``make bench``: ours, what a user would write first, and the raw limit, in one run (docs: performance).

Figures are printed and written as JSON, never asserted. ``--long``: memory over a million commands, throughput over growing key sets.
"""

import argparse
import asyncio
import os
from pathlib import Path

from rich.console import Console

from tests.bench import long
from tests.bench.ground import Ground, environment, published
from tests.bench.latency import latency, load_of
from tests.bench.measure import Measured
from tests.bench.naive import NaiveWorker, naive
from tests.bench.ours import ours
from tests.bench.raw import puts, raw, updates
from tests.bench.report import Report
from tests.bench.start import seconds_to_first_event
from tests.bench.stream import Workload, uniform, zipf
from tests.bench.stub import running_stub
from tests.bench.transactional import TransactionalWorker
from tests.support.servers import apply_topics, dummy_credentials
from workers.ops.heap import settle_heap
from workers.ops.stack import Provider, choose

LATENCY_SECONDS = 8


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=300, help="commands for the slow contenders; twice as many with eight workers")
    parser.add_argument("--json", type=Path, default=Path(".stack/bench.json"))
    parser.add_argument("--long", action="store_true")
    return parser.parse_args()


async def contenders(ground: Ground, workload: Workload, slow: int, stub: str, report: Report) -> None:
    stream = await published(ground, workload)
    console = Console(stderr=True)

    async def tables() -> str:
        """Of its own for each: what one has applied is old news for the next."""
        return await environment(ground, workload.distinct)

    def told(measured: Measured) -> None:
        console.print(f"{report.add(measured).contender}, {workload.name}: {measured.per_second:,.0f}/s", highlight=False)

    told(await naive(ground, NaiveWorker, await tables(), stream, slow))
    told(await naive(ground, NaiveWorker, await tables(), stream, 2 * slow, workers=8))
    told(await naive(ground, TransactionalWorker, await tables(), stream, slow))
    told(await ours(ground, await tables(), stream))
    told(await raw(ground, await tables(), stream, "d: raw limit, put", puts))
    told(await raw(ground, await tables(), stream, "d2: raw limit, update", updates))
    told(await ours(ground, "stub", stream, stub=stub))


async def steady(ground: Ground, report: Report, keys: int) -> None:
    """A quarter and half of the highest load with uniform keys."""
    highest = max(each.per_second for each in report.measured if each.contender.startswith("c:") and each.workload == "uniform")
    for share in (4, 2):
        rate = int(highest / share)
        place = await environment(ground, load_of(keys, rate, LATENCY_SECONDS).distinct)
        report.latencies.append(await latency(ground, place, keys, rate, LATENCY_SECONDS))
    key = uniform(1, 1).keys[0]
    report.first_event = await seconds_to_first_event(ground, await environment(ground, [key]), key)


async def short(ground: Ground, arguments: argparse.Namespace, report: Report) -> None:
    with running_stub() as stub:
        for workload in (uniform(arguments.keys, arguments.commands), zipf(arguments.keys, arguments.commands)):
            await contenders(ground, workload, arguments.slow, stub, report)
    await steady(ground, report, arguments.keys)


def main() -> None:
    arguments, report = parsed(), Report()
    stack = choose(Provider.LOCAL).stack
    endpoints = stack.start_sync()
    assert endpoints.dynamodb is not None
    ground = Ground(endpoints.kafka, endpoints.dynamodb)
    settle_heap()
    try:
        with dummy_credentials():
            apply_topics(endpoints.kafka)
            asyncio.run(long.run(ground) if arguments.long else short(ground, arguments, report))
    finally:
        stack.stop_sync()
    if not arguments.long:
        report.show(Console(width=int(os.environ.get("COLUMNS", "140"))))
        report.write(arguments.json)


if __name__ == "__main__":
    main()
