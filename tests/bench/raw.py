"""(d) The raw limit: records consumed, each one bare conditional write, 25 statements a request, through the engine's own transport.
Nothing is decoded, decided, published or recognised.

``put``: a new row a record (INSERT). ``update``: the version and one value of a row that is there, under its version, which is the
statement that a design with state cannot do without; rows are taken in turn, so that no two in the air are of one row.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import count

from aiokafka import AIOKafkaConsumer

from tests.bench.ground import TOPIC, Ground, Stream, rewound
from tests.bench.measure import Measured, MeteredStore, Watch
from tests.bench.stream import SEEDED_VERSION, seeded_ref, seeded_row
from tests.support.servers import REGION
from workers.adapters.dynamodb_statements import primary_key
from workers.engine.decision import ItemRef
from workers.engine.ports import Absent, Fate, Store, VersionIs, Write
from workers.engine.root import VERSION
from workers.services.payment.escrow import ESCROWS

STATEMENTS, IN_AIR, POLL = 25, 8, 1000
PATIENCE = 120.0
"""Seconds: nothing is tried again here, and DynamoDB Local has taken more than 10 for a request on a busy machine."""
Writes = Iterator[Write]


def puts(keys: Sequence[str]) -> Writes:
    """Endless; ``keys`` only lend their rows' content."""
    row = seeded_row(keys[0])
    for n in count():
        ref = ItemRef(ESCROWS, f"RAW#{n}")
        yield Write(ref, None, {**row, **primary_key(ref)}, Absent())


def updates(keys: Sequence[str]) -> Writes:
    rows = {key: {**seeded_row(key), "kycDecidedAt": "0"} for key in keys}
    for turn in count(SEEDED_VERSION):
        for key, row in rows.items():
            before = {**row, VERSION: turn, "kycDecidedAt": str(turn)}
            yield Write(seeded_ref(key), before, {**before, VERSION: turn + 1, "kycDecidedAt": str(turn + 1)}, VersionIs(turn))


async def raw(ground: Ground, environment: str, stream: Stream, name: str, writes: Callable[[Sequence[str]], Writes]) -> Measured:
    group = await rewound(ground, f"bench-raw-{writes.__name__}", stream)
    commands = len(stream.workload.keys)
    source = writes(stream.workload.distinct)
    store = MeteredStore(environment, endpoint=ground.dynamodb, region=REGION, timeout=PATIENCE)
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=ground.kafka, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest", max_poll_records=POLL
    )
    await consumer.start()
    try:
        watch = Watch()
        slots = asyncio.Semaphore(IN_AIR)
        async with asyncio.TaskGroup() as tasks:
            async for records in _chunks(consumer, commands):
                await slots.acquire()
                tasks.create_task(_write(store, [next(source) for _ in range(records)], slots))
        await consumer.commit()
        wall, cpu = watch.read()
    finally:
        await consumer.stop()
        await store.close()
    return Measured(name, stream.workload.name, commands, wall, cpu, units=store.units / commands)


async def _chunks(consumer: AIOKafkaConsumer, commands: int) -> AsyncIterator[int]:
    """How many records go into the next request."""
    left = commands
    while left:
        polled = await consumer.getmany(timeout_ms=100, max_records=POLL)
        waiting = min(left, sum(len(records) for records in polled.values()))
        left -= waiting
        for start in range(0, waiting, STATEMENTS):
            yield min(STATEMENTS, waiting - start)


async def _write(store: Store, writes: Sequence[Write], slots: asyncio.Semaphore) -> None:
    results = await store.write(writes)
    slots.release()
    assert all(result.fate is Fate.WRITTEN for result in results), results
