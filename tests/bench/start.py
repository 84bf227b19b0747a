"""From the start of a process to its first event: ``python -m tests.bench.start KAFKA DYNAMODB ENVIRONMENT`` runs the commands role
until one event is acknowledged."""

import asyncio
import sys
import time

from tests.bench.ground import TOPIC, Ground
from tests.bench.ours import running
from tests.bench.stream import Workload, records
from workers.adapters.kafka import KafkaLog

DEADLINE = 60.0


async def seconds_to_first_event(ground: Ground, environment: str, key: str) -> float:
    """With one command waiting and nothing else; interpreter, imports, joining of the group included."""
    log = KafkaLog(ground.kafka)
    await log.append_keyed(TOPIC, list(records(Workload("one", [key]))))
    await log.close()
    begun = time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.start", ground.kafka, ground.dynamodb, environment, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    async with asyncio.timeout(DEADLINE):
        assert await child.stdout.readline() == b"done\n"
    taken = time.perf_counter() - begun
    await child.wait()
    return taken


async def main(ground: Ground, environment: str) -> None:
    log, store = KafkaLog(ground.kafka), ground.store(environment)
    async with running(log, store) as engine:
        await engine.until(1, DEADLINE)
        print("done", flush=True)
    await store.close()
    await log.close()


if __name__ == "__main__":
    asyncio.run(main(Ground(sys.argv[1], sys.argv[2]), sys.argv[3]))
