"""A role commits only what is settled without gap, survives commits that fail, and drains before it lets go."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from contracts.position import Origin
from tests.support.process import QuickClock
from tests.support.waiting import eventually
from workers.engine.bookmarks import Bookmark, LogShortened
from workers.engine.metrics import NoMetrics
from workers.engine.ports import Assigned, Consumer, Listener, LogUnavailable, Offset, StaleOwner, UnknownTopic
from workers.engine.record import Outgoing, Partition, Record
from workers.engine.role import ConsumerEnded, Owned, Pace, Role

HERE, THERE = Partition("topic", 0), Partition("topic", 1)
PACE = Pace(commit_every=0.001, drain=0.05, in_flight=10)


def record(offset: int, partition: Partition = HERE) -> Record:
    return Record(partition, offset, b"k", b"v", (), 1000 + offset)


def assigned(partition: Partition = HERE, committed: int | None = None, end: int = 100, metadata: str = "") -> Assigned:
    return Assigned(partition, Origin(f"id/{partition.number}"), committed, metadata, end)


class Wire:
    """Log and consumer in one. ``faults``: what the next commits and starts raise."""

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self.commits: list[dict[Partition, Offset]] = []
        self.faults: list[Exception | None] = []
        self.start_faults: list[Exception] = []
        self.paused: set[Partition] = set()
        self.living = True
        self.stopped = False

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        return self

    async def start(self, listener: Listener) -> None:
        if self.start_faults:
            raise self.start_faults.pop(0)
        self.listener = listener

    async def stop(self) -> None:
        self.stopped = True

    async def commit(self, offsets: Mapping[Partition, Offset]) -> None:
        if self.faults and (fault := self.faults.pop(0)):
            raise fault
        self.commits.append(dict(offsets))

    def pause(self, partitions: Sequence[Partition]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self.paused -= set(partitions)

    def alive(self) -> bool:
        return self.living

    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None: ...

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    def committed(self, partition: Partition = HERE) -> int | None:
        found = [offsets[partition].offset for offsets in self.commits if partition in offsets]
        return found[-1] if found else None


class Desk:
    """A processor that settles what the test tells it to."""

    def __init__(self) -> None:
        self.owned: dict[Partition, Owned] = {}
        self.given: list[int] = []
        self.recalled: list[int] = []
        self.closed_ones: list[Partition] = []
        self.read_from: int | None = None
        self.opened_with: list[str] = []
        self.draining: Callable[[Owned], Awaitable[None]] | None = None

    def opened(self, owned: Owned, metadata: str) -> int | None:
        self.owned[owned.partition] = owned
        self.opened_with.append(metadata)
        return self.read_from

    def recall(self, owned: Owned, record: Record) -> None:
        self.recalled.append(record.offset)

    def received(self, owned: Owned, records: Sequence[Record]) -> None:
        self.given += [each.offset for each in records]

    async def drained(self, owned: Owned) -> None:
        if self.draining:
            await self.draining(owned)

    def closed(self, owned: Owned) -> None:
        self.closed_ones.append(owned.partition)

    def metadata(self, owned: Owned) -> str:
        return f"as of {owned.watermark.value}"


class Bench:
    def __init__(self, pace: Pace = PACE) -> None:
        self.wire, self.desk = Wire(), Desk()
        self.role = Role("group", ["topic"], self.desk, self.wire, QuickClock(), NoMetrics(), pace)
        self.running = asyncio.create_task(self.role.run())

    async def begun(self, *partitions: Assigned) -> Mapping[Partition, int]:
        await eventually(lambda: self.wire.listener)
        return await self.role.assigned(partitions or [assigned()])

    async def ended(self) -> None:
        self.role.stop()
        await self.running


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_only_a_stretch_without_gap_is_committed_with_its_metadata(bench: Bench) -> None:
    await bench.begun()
    bench.role.received([record(n) for n in range(5)])
    owned = bench.desk.owned[HERE]
    for offset in (4, 1, 2):
        owned.settle(offset)
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert bench.wire.commits == []
    owned.settle(0)
    await eventually(lambda: bench.wire.committed() == 3)
    assert bench.wire.commits == [{HERE: Offset(3, Bookmark(Origin("id/0"), 3, "as of 3").pack())}]
    assert owned.committed == 3
    await bench.ended()
    assert bench.wire.committed() == 3
    assert bench.wire.stopped


@pytest.mark.parametrize("fault", [LogUnavailable("away"), StaleOwner()])
async def test_a_failed_commit_is_made_again(bench: Bench, fault: Exception) -> None:
    await bench.begun()
    bench.wire.faults = [fault, fault]
    bench.role.received([record(0)])
    bench.desk.owned[HERE].settle(0)
    await eventually(lambda: bench.wire.committed() == 1)
    assert bench.role.failure is None
    await bench.ended()


async def test_what_failed_to_commit_is_not_called_committed(bench: Bench) -> None:
    await bench.begun()
    bench.wire.faults = [LogUnavailable("away")] * 1000
    bench.role.received([record(0)])
    bench.desk.owned[HERE].settle(0)
    await eventually(lambda: len(bench.wire.faults) < 990)
    assert bench.desk.owned[HERE].committed == 0
    bench.wire.faults.clear()
    await bench.ended()


async def test_reading_starts_at_the_commit_or_where_the_processor_must_recall_from(bench: Bench) -> None:
    bench.desk.read_from = 3
    starts = await bench.begun(assigned(committed=7, metadata=Bookmark(Origin("id/0"), 7, "kept").pack()), assigned(THERE))
    assert starts == {HERE: 3, THERE: 0}
    assert bench.desk.opened_with == ["kept", ""]
    bench.role.received([record(n) for n in range(3, 9)])
    assert (bench.desk.recalled, bench.desk.given) == ([3, 4, 5, 6], [7, 8])
    await bench.ended()


async def test_a_record_delivered_twice_is_given_once(bench: Bench) -> None:
    await bench.begun()
    bench.role.received([record(0), record(1)])
    bench.role.received([record(0), record(1), record(2)])
    assert bench.desk.given == [0, 1, 2]
    await bench.ended()


async def test_records_of_partitions_not_owned_are_left_to_their_owner(bench: Bench) -> None:
    await bench.begun()
    bench.role.received([record(0, THERE), record(0), record(1, THERE)])
    assert bench.desk.given == [0]
    await bench.ended()


async def test_a_commit_beyond_the_end_of_the_log_stops_the_role(bench: Bench) -> None:
    await bench.begun(assigned(committed=9, end=8))
    with pytest.raises(LogShortened, match="group"):
        await bench.running
    assert isinstance(bench.role.failure, LogShortened)
    assert (bench.role.ready, bench.wire.commits, bench.wire.stopped) == (False, [], True)


async def test_a_commit_at_the_end_of_the_log_is_well(bench: Bench) -> None:
    assert await bench.begun(assigned(committed=8, end=8)) == {HERE: 8}
    assert bench.role.ready
    await bench.ended()


async def test_a_full_partition_is_paused_and_goes_on_at_half(bench: Bench) -> None:
    await bench.begun(assigned(), assigned(THERE))
    bench.role.received([record(n) for n in range(11)])
    assert bench.wire.paused == {HERE}
    owned = bench.desk.owned[HERE]
    for offset in range(6):
        owned.settle(offset)
    assert bench.wire.paused == {HERE}
    owned.settle(7)
    assert bench.wire.paused == set()
    await bench.ended()


async def test_a_partition_is_paused_for_what_is_done_behind_one_open_record_too(bench: Bench) -> None:
    bench.role.pace = replace(PACE, behind=40)
    await bench.begun(assigned(), assigned(THERE))
    bench.role.received([record(n) for n in range(5)])
    here = bench.desk.owned[HERE]
    for offset in range(1, 40):
        if offset >= 5:
            bench.role.received([record(offset)])
        here.settle(offset)
    assert (bench.wire.paused, here.watermark.open) == (set(), 1)
    bench.role.received([record(40)])
    assert bench.wire.paused == {HERE}
    here.settle(40)
    assert bench.wire.paused == {HERE}
    here.settle(0)
    assert bench.wire.paused == set()
    await bench.ended()


async def test_a_revoke_drains_and_commits_before_it_returns(bench: Bench) -> None:
    await bench.begun(assigned(), assigned(THERE))
    bench.role.received([record(n) for n in range(3)])
    owned = bench.desk.owned[HERE]

    async def draining(each: Owned) -> None:
        if each is owned:
            bench.role.received([record(3)])
            for offset in range(3):
                owned.settle(offset)

    bench.desk.draining = draining
    await bench.role.revoked([HERE])
    assert bench.wire.committed() == 3
    assert (bench.desk.closed_ones, bench.desk.given) == ([HERE], [0, 1, 2])
    bench.role.received([record(4), record(0, THERE)])
    assert bench.desk.given == [0, 1, 2, 0]
    await bench.ended()
    assert bench.desk.closed_ones == [HERE, THERE]


async def test_a_drain_that_does_not_end_is_given_up_at_its_deadline(bench: Bench) -> None:
    await bench.begun()
    bench.role.received([record(0), record(1)])

    async def draining(owned: Owned) -> None:
        owned.settle(0)
        await asyncio.Event().wait()

    bench.desk.draining = draining
    await bench.role.revoked([HERE])
    assert (bench.wire.committed(), bench.desk.closed_ones) == (1, [HERE])
    await bench.ended()


async def test_a_stop_drains_and_commits_and_leaves(bench: Bench) -> None:
    await bench.begun()
    bench.role.received([record(0)])
    owned = bench.desk.owned[HERE]

    async def draining(_: Owned) -> None:
        owned.settle(0)

    bench.desk.draining = draining
    await bench.ended()
    assert (bench.wire.committed(), bench.wire.stopped, bench.desk.closed_ones) == (1, True, [HERE])


async def test_a_rebalance_while_the_role_leaves_closes_nothing_twice(bench: Bench) -> None:
    await bench.begun()
    entered, release = asyncio.Event(), asyncio.Event()

    async def draining(_: Owned) -> None:
        entered.set()
        await release.wait()

    bench.desk.draining = draining
    bench.role.stop()
    await entered.wait()
    revoking = asyncio.create_task(bench.role.revoked([HERE]))
    release.set()
    await revoking
    assert await bench.role.assigned([assigned(THERE)]) == {}
    await bench.running
    assert bench.desk.closed_ones == [HERE]
    assert set(bench.desk.owned) == {HERE}


async def test_a_partition_that_comes_back_begins_anew(bench: Bench) -> None:
    await bench.begun()
    bench.role.received([record(0), record(1)])
    first = bench.desk.owned[HERE]
    first.settle(0)
    await bench.role.revoked([HERE])
    await bench.role.assigned([assigned(committed=1)])
    bench.role.received([record(1)])
    first.settle(1)
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert bench.wire.committed() == 1
    bench.desk.owned[HERE].settle(1)
    await eventually(lambda: bench.wire.committed() == 2)
    await bench.ended()


async def test_a_consumer_that_ends_by_itself_is_a_fault(bench: Bench) -> None:
    await bench.begun()
    bench.wire.living = False
    with pytest.raises(ConsumerEnded):
        await bench.running


async def test_the_first_fault_counts_and_nothing_is_received_after_it(bench: Bench) -> None:
    await bench.begun()
    bench.role.fail(ValueError("first"))
    bench.role.fail(ValueError("second"))
    bench.role.received([record(0)])
    with pytest.raises(ValueError, match="first"):
        await bench.running
    assert bench.desk.given == []


async def test_a_log_that_is_away_at_the_start_is_waited_for() -> None:
    bench = Bench()
    bench.wire.start_faults = [LogUnavailable("away")] * 3
    await bench.begun()
    assert bench.wire.start_faults == []
    await bench.ended()


async def test_a_missing_topic_at_the_start_is_a_fault() -> None:
    bench = Bench()
    bench.wire.start_faults = [UnknownTopic("topic")]
    with pytest.raises(UnknownTopic):
        await bench.running
    assert isinstance(bench.role.failure, UnknownTopic)
