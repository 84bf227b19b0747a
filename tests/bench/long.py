"""The long targets: does memory stay level over a million commands, and what does a growing set of keys cost."""

import time

from rich.console import Console
from rich.table import Table

from tests.bench.ground import TOPIC, Ground, published, rewound
from tests.bench.measure import Latencies, resident_megabytes
from tests.bench.ours import GROUP, ours, running
from tests.bench.stream import Workload, records, uniform
from tests.bench.stub import running_stub
from workers.adapters.kafka import KafkaLog

KEY_SETS = (1_000, 10_000, 100_000, 1_000_000)
COMMANDS_A_SET = 50_000
MEMORY_COMMANDS = 1_000_000
ROUND, SAMPLE = 10_000, 50_000
"""Commands published at once, and between two looks at the memory."""


async def run(ground: Ground) -> None:
    """Against the stub store, so that what is seen is the worker's own. Prints at the end of each part."""
    console = Console()
    with running_stub() as stub:
        console.print(await _growing_key_sets(ground, stub))
        console.print(await _memory(ground, stub))


async def _growing_key_sets(ground: Ground, stub: str) -> Table:
    table = Table("keys", "distinct", "per second", "per CPU s", title="Throughput over key sets", title_justify="left")
    for keys in KEY_SETS:
        workload = uniform(keys, COMMANDS_A_SET)
        measured = await ours(ground, "stub", await published(ground, workload), stub=stub)
        table.add_row(f"{keys:,}", f"{len(workload.distinct):,}", f"{measured.per_second:,.0f}", f"{measured.per_cpu_second:,.0f}")
    return table


async def _memory(ground: Ground, stub: str) -> Table:
    """One role all the way. Each round has keys of its own, since the stub remembers no state; so the cache turns over all the time."""
    table = Table("commands", "resident MB", "per second", title="Memory of one role", title_justify="left")
    await rewound(ground, GROUP, await published(ground, Workload("nothing", ())))
    log, store = KafkaLog(ground.kafka), Ground(ground.kafka, stub).store("stub")
    async with running(log, store, Latencies(kept=False)) as engine:
        begun = time.perf_counter()
        for done in range(ROUND, MEMORY_COMMANDS + 1, ROUND):
            await log.append_keyed(TOPIC, list(records(uniform(ROUND, ROUND, first=done))))
            await engine.until_judged(done)
            if done % SAMPLE == 0:
                per_second = SAMPLE / (time.perf_counter() - begun)
                table.add_row(f"{done:,}", f"{resident_megabytes():.0f}", f"{per_second:,.0f}")
                begun = time.perf_counter()
    await store.close()
    await log.close()
    return table
