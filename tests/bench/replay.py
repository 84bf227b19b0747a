"""How fast a replay is, and whether its memory stays level: ``python -m tests.bench.replay --records 100000``.

Real Kafka and DynamoDB Local, the worker in a process of its own. First ``ensure`` over what was applied, then a dry run and ``ensure``
over the same records on tables that never saw them. Figures are printed, never asserted; resident memory is this process's, the replay's.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

from rich.console import Console
from rich.table import Table

from contracts.timestamps import from_milliseconds
from tests.bench.ground import TOPIC, Ground, Stream, environment, published, rewound
from tests.bench.measure import resident_megabytes
from tests.bench.ours import GROUP
from tests.bench.stream import uniform
from tests.support.delivery import Worker
from tests.support.replays import FAST
from tests.support.servers import apply_topics, dummy_credentials
from tests.support.waiting import eventually_async
from tests.support.worker_process import Settings
from workers.adapters.kafka import KafkaLog
from workers.adapters.kafka_reading import KafkaReader
from workers.engine.memory import SystemClock
from workers.ops.replay.operating import Prepared, Replays
from workers.ops.replay.plan import Mode, ReplayPlan
from workers.ops.replay.selection import Selection
from workers.ops.stack import Provider, choose
from workers.services.payment.service import SERVICE

SAMPLES = 5


@dataclass
class Timed:
    """``sent``, ``judged``: seconds until all were in the log, and until their consumer was through. ``memory``: MB over the run."""

    what: str
    records: int
    sent: float = 0.0
    judged: float = 0.0
    counts: str = ""
    memory: list[float] = field(default_factory=list)

    def sampler(self, count: Callable[[object], int]) -> Callable[[object], None]:
        def sample(each: object) -> None:
            if count(each) >= self.records * (len(self.memory) + 1) / SAMPLES:
                self.memory.append(resident_megabytes())

        return sample


@asynccontextmanager
async def worker(ground: Ground, place: str) -> AsyncIterator[None]:
    settings = Settings(ground.kafka, ground.dynamodb, place, "workers.services.payment.service")
    process = await Worker.started(settings)
    try:
        await process.until_ready()
        yield
        await process.stop()
    finally:
        process.kill()


async def measured(ground: Ground, records: int, keys: int) -> list[Timed]:
    stream = await published(ground, uniform(keys, records))
    until = from_milliseconds(time.time_ns() // 1_000_000 + 1)
    selection = Selection((TOPIC,), until=until)
    applied, missing = [await environment(ground, stream.workload.distinct) for _ in range(2)]
    await rewound(ground, GROUP, stream)
    async with worker(ground, applied):
        await settled(ground)
    found = [await ensured(ground, applied, selection, "ensure, over applied")]
    await rewound(ground, GROUP, await ended(ground, stream))
    # An eighth: each reaction asks the real tables, one after the other.
    found.append(await rehearsed(ground, missing, replace(selection, partition=0)))
    return [*found, await ensured(ground, missing, selection, "ensure, over missing")]


async def settled(ground: Ground) -> None:
    reader = KafkaReader(ground.kafka)
    partitions = await reader.partitions(TOPIC)

    async def done() -> bool:
        bounds, committed = await reader.bounds(partitions), await reader.committed(GROUP, partitions)
        return all((committed[each] or 0) >= bound.end for each, bound in bounds.items())

    await eventually_async(done, 900.0)


async def ended(ground: Ground, stream: Stream) -> Stream:
    """A stream that begins where everything ends."""
    reader = KafkaReader(ground.kafka)
    bounds = await reader.bounds(await reader.partitions(TOPIC))
    return Stream(stream.workload, {each: bound.end for each, bound in bounds.items()}, stream.partitions)


@asynccontextmanager
async def prepared(ground: Ground, place: str, selection: Selection) -> AsyncIterator[tuple[Replays, Prepared]]:
    log, store = KafkaLog(ground.kafka), ground.store(place)
    try:
        replays = Replays({SERVICE.name: SERVICE}, log, KafkaReader(ground.kafka), store, SystemClock(), Random(1))
        plan = ReplayPlan(f"bench-{time.time_ns()}", selection, Mode.ENSURE, "bench", "figures", rate=FAST)
        yield replays, await replays.prepare(plan)
    finally:
        await store.close()
        await log.close()


async def rehearsed(ground: Ground, place: str, selection: Selection) -> Timed:
    async with prepared(ground, place, selection) as (replays, each):
        timed, begun = Timed("dry run, over missing", each.census.records), time.perf_counter()
        rehearsal = await replays.rehearse(each, timed.sampler(lambda count: count))  # type: ignore[arg-type,return-value]  # a plain count
        timed.sent = timed.judged = time.perf_counter() - begun
        timed.counts = str(rehearsal.found.tally.told())
        return timed


async def ensured(ground: Ground, place: str, selection: Selection, what: str) -> Timed:
    async with prepared(ground, place, selection) as (replays, each), worker(ground, place):
        timed, begun = Timed(what, each.census.records), time.perf_counter()
        at = await replays.running().run(await replays.begin(each), timed.sampler(lambda at: at.sent))  # type: ignore[attr-defined]
        timed.sent = time.perf_counter() - begun
        ended = await replays.finish(at)
        timed.judged = time.perf_counter() - begun
        timed.counts = str(ended.tally.told())
        return timed


def shown(found: Sequence[Timed]) -> Table:
    table = Table("what", "records", "sent/s", "through/s", "resident MB, by fifths", title="Replay", title_justify="left")
    for each in found:
        memory = " ".join(f"{megabytes:.0f}" for megabytes in each.memory)
        table.add_row(each.what, f"{each.records:,}", f"{each.records / each.sent:,.0f}", f"{each.records / each.judged:,.0f}", memory)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.replay", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=10_000)
    arguments = parser.parse_args()
    stack = choose(Provider.LOCAL).stack
    endpoints = stack.start_sync()
    assert endpoints.dynamodb is not None
    try:
        with dummy_credentials():
            apply_topics(endpoints.kafka)
            found = asyncio.run(measured(Ground(endpoints.kafka, endpoints.dynamodb), arguments.records, arguments.keys))
    finally:
        stack.stop_sync()
    console = Console(width=140)
    console.print(shown(found))
    for each in found:
        console.print(f"{each.what}: {each.counts}", highlight=False)


if __name__ == "__main__":
    main()
