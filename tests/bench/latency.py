"""From a command's append to its event's acknowledgement, while commands come at a steady rate from a process of their own:
``python -m tests.bench.latency KAFKA RATE SECONDS SEED``."""

import asyncio
import statistics
import sys
from dataclasses import dataclass

from tests.bench.ground import TOPIC, Ground
from tests.bench.measure import MeteredStore, RunQueue
from tests.bench.ours import running
from tests.bench.stream import Workload, records, uniform
from tests.support.servers import REGION
from workers.adapters.kafka import KafkaLog

TICK = 0.01
"""Seconds between two appends of the load; what came due in between travels together."""
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds. ``units``: write units a command, with hardly any two commands of a key in one write. ``starved``: seconds a second
    that the worker's threads waited for a processor."""

    rate: int
    p50: float
    p95: float
    p99: float
    units: float
    starved: float = 0.0


async def latency(ground: Ground, environment: str, keys: int, rate: int, seconds: int) -> Latency:
    """``environment``: rows of ``load_of``'s keys, which no other load has touched. The first second is not counted: connections
    open, caches fill."""
    log, store = KafkaLog(ground.kafka), MeteredStore(environment, endpoint=ground.dynamodb, region=REGION)
    store.sample = 2
    try:
        async with running(log, store) as engine:
            arguments = (ground.kafka, str(rate), str(seconds), str(keys))
            load = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.latency", *arguments)
            queue = RunQueue()
            await engine.until(rate * seconds, PATIENCE + seconds)
            starved = queue.read()
            await load.wait()
            counted = engine.metrics.seconds[rate:]
    finally:
        await store.close()
        await log.close()
    cuts = [1000 * cut for cut in statistics.quantiles(counted, n=100)]
    units = store.units / (rate * seconds)
    return Latency(rate, round(cuts[49], 1), round(cuts[94], 1), round(cuts[98], 1), round(units, 2), round(starved, 2))


def load_of(keys: int, rate: int, seconds: int) -> Workload:
    return uniform(keys, rate * seconds, seed=rate)


async def load(kafka: str, rate: int, seconds: int, keys: int) -> None:
    """Appends on time, whether or not the earlier appends are acknowledged: waiting would hide the worst."""
    log = KafkaLog(kafka)
    due = list(records(load_of(keys, rate, seconds)))
    loop = asyncio.get_running_loop()
    begun, sent = loop.time(), 0
    async with asyncio.TaskGroup() as appends:
        while sent < len(due):
            await asyncio.sleep(TICK)
            until = int((loop.time() - begun) * rate)
            appends.create_task(log.append_keyed(TOPIC, due[sent:until]))
            sent = max(sent, min(until, len(due)))
    await log.close()


if __name__ == "__main__":
    asyncio.run(load(sys.argv[1], *(int(argument) for argument in sys.argv[2:5])))
