"""Keeps the bench from rotting: its pieces run on a few commands, in memory and against the stub store. No figure is asserted."""

from collections import Counter

import orjson
from rich.console import Console

from contracts.catalogue import decode
from contracts.payment.commands import SyncPayee
from tests.bench.latency import Latency
from tests.bench.measure import Measured, MeteredStore
from tests.bench.naive import decided
from tests.bench.ours import running
from tests.bench.raw import puts, updates
from tests.bench.report import Report
from tests.bench.sizes import item_size, write_units
from tests.bench.stream import SEEDED_VERSION, records, seeded_ref, seeded_row, uniform, zipf
from tests.bench.stub import running_stub
from tests.support.servers import REGION, dummy_credentials
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.ports import Absent, Write
from workers.engine.record import Partition
from workers.engine.root import VERSION

TOPICS = {"mindlinks.payment.commands": 2, "mindlinks.payment.events": 2}
COMMANDS, KEYS = 60, 20


async def test_each_command_of_a_stream_says_one_thing_and_changes_one_row() -> None:
    workload = zipf(KEYS, COMMANDS)
    log, store = MemoryLog(TOPICS), MemoryStore()
    for start in range(0, len(workload.distinct), 25):
        await store.write([Write(seeded_ref(k), None, seeded_row(k), Absent()) for k in workload.distinct[start : start + 25]])
    async with running(log, store) as engine:
        for record in records(workload):
            await log.append_keyed("mindlinks.payment.commands", [record])
        await engine.until(COMMANDS, 10)
    said = [record.key for n in range(2) for record in log.records[Partition("mindlinks.payment.events", n)]]
    assert Counter((key or b"").decode() for key in said) == Counter(workload.keys)


async def test_the_engine_runs_against_the_stub_store() -> None:
    log = MemoryLog(TOPICS)
    await log.append_keyed("mindlinks.payment.commands", list(records(uniform(KEYS, COMMANDS))))
    with dummy_credentials(), running_stub() as address:
        store = MeteredStore("stub", endpoint=address, region=REGION)
        async with running(log, store) as engine:
            await engine.until(COMMANDS, 10)
        await store.close()
    assert store.rows_written >= len(uniform(KEYS, COMMANDS).distinct)
    assert store.units > 0


def test_the_naive_worker_decides_as_the_service_does() -> None:
    (record,) = records(uniform(1, 1))
    data = decode(record.key, record.value, list(record.headers), 1_800_000_000_000).data
    assert isinstance(data, SyncPayee)
    after, events = decided(seeded_row(data.key), data, "9b31107d-d147-5dda-889a-d07a5db64207", 1_800_000_000_000)
    assert (after[VERSION], len(events)) == (SEEDED_VERSION + 1, 1)


def test_raw_writes_never_meet_in_one_request() -> None:
    keys = uniform(50, 200).distinct
    for source in (puts(keys), updates(keys)):
        request = [next(source) for _ in range(25)]
        assert len({write.ref for write in request}) == 25


def test_sizes_are_counted_as_dynamodb_counts_them() -> None:
    assert item_size({"id": "äb", "n": 123, "b": b"123", "t": True, "l": [1], "m": {"a": "x"}}) == (2 + 3) + (1 + 3) + 4 + 2 + (1 + 6) + (
        1 + 6
    )
    assert write_units({"id": "x" * 1022}, {"id": "x" * 10}) == 1
    assert write_units(None, {"id": "x" * 1023}) == 2
    assert write_units(seeded_row(uniform(1, 1).keys[0]), None) == 1


def test_a_report_is_shown_and_is_json() -> None:
    report = Report(latencies=[Latency(100, 1.0, 2.0, 3.0, 1.0)], first_event=2.5)
    for name, seconds in (("a: one", 10.0), ("c: ours", 1.0), ("e: stub", 0.5)):
        report.add(Measured(name, "uniform", 100, seconds, seconds))
    console = Console(width=140, record=True, quiet=True)
    report.show(console)
    assert orjson.loads(orjson.dumps(report.to_json()))["ratios"] == {"uniform": {"c/a": 10.0}}
