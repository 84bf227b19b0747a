"""A worker that is behind, or holds keys, and a rebuild of what it has made by then."""

from collections import Counter
from pathlib import Path
from uuid import uuid4

from contracts.topics import commands_topic, events_topic
from tests.support.poisoned import Bench, line
from tests.support.rebuilt import Rebuilt, shadow_in
from tests.support.replays import name_of
from tests.support.waiting import eventually
from workers.engine.ports import Offset
from workers.ops.rebuild.comparing import Drift
from workers.ops.rebuild.shelf import Waits

COMMANDS, EVENTS, GROUP = commands_topic("notification"), events_topic("notification"), "notification-commands"


def told(bench: Bench) -> Counter[str]:
    """How often each event stands in the log, by id."""
    records = [record for partition, stored in bench.log.records.items() if partition.topic == EVENTS for record in stored]
    return Counter(name_of(each) for each in records)


async def applied(bench: Bench, key: str, count: int) -> None:
    async with bench.running():
        await bench.send(*line(key, count))
        await eventually(lambda: bench.committed() == sent(bench))


async def with_backlog() -> tuple[Bench, str]:
    """Of one key three commands are applied and five wait."""
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 3)
    await bench.send(*line(key, 5))
    return bench, key


def sent(bench: Bench) -> int:
    """Records on the commands topic."""
    return sum(len(stored) for partition, stored in bench.log.records.items() if partition.topic == COMMANDS)


async def processed(bench: Bench) -> None:
    """The worker goes on and settles everything."""
    async with bench.running() as role:
        await eventually(lambda: role.failure is not None or (bench.committed() == sent(bench) and not bench.parked()))
        assert role.failure is None


def rewind(bench: Bench, by: int | None) -> None:
    """As a group whose last commits never reached the broker; None: none of them, or its offsets were deleted."""
    committed = bench.log.group(GROUP).committed
    if by is None:
        committed.clear()
        return
    for partition, offset in list(committed.items()):
        committed[partition] = Offset(max(0, offset.offset - by))


async def compared(bench: Bench, folder: Path, *, repair: bool = False, publish: bool = False) -> tuple[list[Drift], Waits]:
    with shadow_in(folder) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service())
        drifts = await rebuilt.drifts()
        for drift in drifts if repair else ():
            await rebuilt.repairing.repair(drift, "ops:test", "as advised", publish=publish)
        return drifts, rebuilt.rerun.waits
