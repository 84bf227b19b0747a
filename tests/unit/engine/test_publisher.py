"""The publisher keeps the order it was given, loses nothing when appends fail, and ends with its partition."""

import asyncio
from random import Random

import pytest

from contracts.position import Origin
from contracts.types import CommandId, Timestamp
from tests.support.faults import FaultyLog, Pulse, Rates
from tests.support.process import QuickClock
from tests.support.waiting import eventually
from workers.engine.memory import MemoryLog
from workers.engine.metrics import NoMetrics
from workers.engine.outcome import Outcome, Said
from workers.engine.ports import UnknownTopic
from workers.engine.publisher import LARGEST_BATCH, Handover, Publisher
from workers.engine.record import Partition

TARGET = Partition("events", 0)


def outcome(offset: int, said: int = 1) -> Outcome:
    words = tuple(Said("E", "m.E.v1", f"{offset}/{i}".encode()) for i in range(said))
    command = CommandId(f"00000000-0000-4000-8000-{offset:012d}")
    return Outcome(Origin("o/0"), offset, command, "c", "public", Timestamp("2026-01-31T09:30:00.000Z"), words, 1)


class Bench:
    def __init__(self, rates: Rates, target: Partition = TARGET) -> None:
        self.memory, self.settled, self.failures = MemoryLog({"events": 1}), 0, list[Exception]()
        self.log = FaultyLog(self.memory, rates, Random(4), Pulse())
        self.acknowledged: list[int] = []
        self.publisher = Publisher(target, "/s", lambda: self.settled, self.log, QuickClock(), NoMetrics(), Random(1))
        self.publisher.on_failure(self.failures.append)

    def hand_over(self, offset: int, said: int = 1) -> None:
        self.publisher.hand_over(Handover("key", [outcome(offset, said)] if said else [], lambda: self.acknowledged.append(offset)))

    def values(self) -> list[str]:
        return [(record.value or b"").decode() for record in self.memory.records[TARGET]]


@pytest.mark.parametrize("rates", [Rates(), Rates(log_before=0.5), Rates(log_after=0.5), Rates(log_before=0.4, log_after=0.4)])
async def test_order_is_kept_and_nothing_is_lost(rates: Rates) -> None:
    bench = Bench(rates)
    for offset in range(60):
        bench.hand_over(offset, said=offset % 3)
        if offset % 7 == 0:
            await asyncio.sleep(0)
    await asyncio.wait_for(bench.publisher.idle(), 10)
    assert bench.acknowledged == list(range(60))
    assert list(dict.fromkeys(bench.values())) == [f"{offset}/{i}" for offset in range(60) for i in range(offset % 3)]
    if not rates.log_after:
        assert len(bench.values()) == len(set(bench.values()))


async def test_nothing_is_acknowledged_before_the_log_has_it() -> None:
    bench = Bench(Rates())
    bench.log.pulse.stop()
    bench.hand_over(1)
    bench.hand_over(2, said=0)
    await eventually(lambda: bench.log.appends == 1)
    assert bench.acknowledged == []
    bench.log.pulse.go()
    await bench.publisher.idle()
    assert bench.acknowledged == [1, 2]


async def test_what_waits_travels_together_up_to_a_limit() -> None:
    bench = Bench(Rates())
    for offset in range(LARGEST_BATCH):
        bench.hand_over(offset, said=2)
    await bench.publisher.idle()
    assert bench.log.appends == 2
    assert len(bench.values()) == 2 * LARGEST_BATCH


async def test_one_batch_is_in_the_air_at_a_time() -> None:
    bench = Bench(Rates())
    bench.log.pulse.stop()
    bench.hand_over(1)
    await eventually(lambda: bench.log.appends == 1)
    bench.hand_over(2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert bench.log.appends == 1
    bench.log.pulse.go()
    await bench.publisher.idle()
    assert bench.values() == ["1/0", "2/0"]


async def test_each_batch_says_what_is_settled_when_it_goes_out() -> None:
    bench = Bench(Rates())
    bench.hand_over(1)
    await bench.publisher.idle()
    bench.settled = 17
    bench.hand_over(2)
    await bench.publisher.idle()
    assert [dict(record.headers)["ce_settled"] for record in bench.memory.records[TARGET]] == [b"0", b"17"]


async def test_an_abandoned_partition_is_published_no_further() -> None:
    bench = Bench(Rates(log_before=1.0))
    bench.hand_over(1)
    await eventually(lambda: bench.log.appends > 2)
    bench.publisher.abandon()
    for _ in range(50):
        await asyncio.sleep(0)
    before = bench.log.appends
    for _ in range(50):
        await asyncio.sleep(0)
    assert (bench.log.appends, bench.acknowledged, bench.failures) == (before, [], [])


async def test_an_error_that_no_repeat_helps_is_told() -> None:
    bench = Bench(Rates(), Partition("no.such.topic", 0))
    bench.hand_over(1)
    await eventually(lambda: bench.failures)
    assert isinstance(bench.failures[0], UnknownTopic)
    assert bench.acknowledged == []
