"""Rows of a line: one that this version cannot read, one that the store refused, one that was given up; and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from uuid import uuid4

import pytest

from contracts.notification.commands import RecordNotificationSuppressed
from contracts.position import Origin
from contracts.topics import TOPICS, commands_topic
from tests.support import poisoned, toy
from tests.support.poisoned import Bench, expected_chain, line
from tests.support.raw_sealer import ReadableRaw
from tests.support.waiting import eventually
from workers.engine.fuse import Fuse, FuseLimits, FuseTripped
from workers.engine.memory import MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.parked_keys import ParkedKeys
from workers.engine.parking import ATTEMPTS, PARKED, Failure, ParkedRow, ParkingFull, ParkingLot
from workers.engine.ports import Fate, StoreUnavailable, Transacted, Write, Written
from workers.engine.quarantine import FAILURES, Quarantine
from workers.engine.record import Partition, Record
from workers.engine.role import Role
from workers.engine.root import HOLD
from workers.engine.service import Service
from workers.engine.shared_parking import ParkingLimits, SharedParking

HOUR = 3_600_000
TOPIC = commands_topic("notification")
ORIGIN = Origin("commands-topic/0")


def failures(bench: Bench) -> list[dict[str, object]]:
    return [dict(item) for ref, item in bench.store.items.items() if ref.table == FAILURES]


@dataclass
class Rolled(Bench):
    """``back``: this version does not know the kind of the toy's lines."""

    back: bool = False

    def service(self) -> Service:
        service = super().service()
        known = [each for each in service.handlers if each.command is not RecordNotificationSuppressed]
        return replace(service, handlers=tuple(known)) if self.back else service


def attempts(bench: Bench) -> int:
    return sum(bench.store.items[ref]["attempts"] for ref in bench.parked())


async def tried_until(bench: Bench, last: int, role: Role) -> None:
    """An hour before each further try."""
    while (before := attempts(bench)) < last and role.failure is None:
        bench.clock.moved += HOUR
        await eventually(lambda: role.failure or attempts(bench) > before)


async def parked_and_rolled_back(bench: Rolled, key: str) -> list[RecordNotificationSuppressed]:
    """A line of three whose first raises; the version that comes back cannot read it."""
    commands = line(key, 3)
    bench.broken = {commands[0].notification_id}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 3)
    bench.back = True
    return commands


async def test_a_line_that_this_version_cannot_read_waits_for_one_that_can() -> None:
    bench, sick, well = Rolled(), str(uuid4()), str(uuid4())
    await parked_and_rolled_back(bench, sick)
    async with bench.running() as role:
        await tried_until(bench, ATTEMPTS, role)
        await bench.log.append_keyed(TOPIC, [toy.command_record(toy.tally_of(well))])
        await eventually(lambda: role.failure or bench.committed() == 4)
        assert role.failure is None
    assert [each["reason"] for each in failures(bench)] == ["not_a_command"]
    assert HOLD in bench.root(sick)
    assert len(bench.parked()) == 3


async def test_it_is_applied_as_soon_as_a_version_can_read_it_again() -> None:
    bench, sick = Rolled(), str(uuid4())
    commands = await parked_and_rolled_back(bench, sick)
    async with bench.running():
        bench.clock.moved += HOUR
        await eventually(lambda: attempts(bench) == 2)
    bench.back, bench.broken = False, set()
    async with bench.running():
        bench.clock.moved += HOUR
        await eventually(lambda: not bench.parked())
    assert bench.root(sick)["chain"] == expected_chain(commands)
    assert not failures(bench)


class Forgetful(MemoryStore):
    """Does not take the row that says of a record that it was given up, as long as ``hiccup`` is set."""

    hiccup = False

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        if self.hiccup and any(each.ref.table == PARKED and each.after and each.after["state"] == "quarantined" for each in writes):
            raise StoreUnavailable("throttled")
        return await super().write(writes)


async def test_people_are_told_of_a_record_only_when_its_row_says_so() -> None:
    store = Forgetful()
    bench, sick = Bench(store=store), str(uuid4())
    commands = line(sick, 1)
    bench.broken = {commands[0].notification_id}
    async with bench.running() as role:
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 1)
        await tried_until(bench, ATTEMPTS - 1, role)
        store.hiccup = True
        bench.clock.moved += HOUR
        assert not failures(bench)
        bench.broken.clear()
        store.hiccup = False
        await eventually(lambda: not bench.parked())
    assert bench.root(sick)["total"] == 1
    assert not failures(bench)


class Refusing(MemoryStore):
    """Never takes a toy's root with something in it, as long as ``refuses`` is set."""

    refuses = True

    def _refused(self, write: Write) -> bool:
        return self.refuses and write.ref.table == toy.TABLE and bool((write.after or {}).get("total"))

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        if any(map(self._refused, writes)):
            return [Written(Fate.INVALID, detail="too large") if self._refused(each) else (await self.write([each]))[0] for each in writes]
        return await super().write(writes)

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        return Transacted(Fate.INVALID, ()) if any(map(self._refused, writes)) else await super().transact(writes, token)


async def test_a_store_that_refused_once_is_asked_again() -> None:
    store = Refusing()
    bench, sick = Bench(store=store), str(uuid4())
    async with bench.running():
        await bench.send(*line(sick, 1))
        await eventually(lambda: bench.committed() == 1)
        bench.clock.moved += HOUR
        await eventually(lambda: attempts(bench) == 2)
        store.refuses = False
        bench.clock.moved += HOUR
        await eventually(lambda: not bench.parked())
    assert bench.root(sick)["total"] == 1


# --- counting ------------------------------------------------------------------------------------------------------


class Gauges(NoMetrics):
    def __init__(self) -> None:
        self.parked: list[float] = []

    def gauge(self, name: str, value: float, **tags: str) -> None:
        self.parked.append(value)


def row(key: str, offset: int, partition: int = 0) -> ParkedRow:
    record = Record(Partition("commands", partition), offset, key.encode(), b"{}", (), 0)
    return ParkedRow("group", record, ORIGIN, 0)


def test_a_row_that_is_parked_again_counts_once() -> None:
    kept, again = ParkedKeys("role", NoMetrics(), most=2, most_a_key=2), [row("a", 1), row("a", 2)]
    for _ in range(5):
        kept.parked(again)
    with pytest.raises(ParkingFull):
        kept.parked([row("b", 3)])


def test_of_one_key_fewer_may_wait() -> None:
    kept = ParkedKeys("role", NoMetrics(), most=100, most_a_key=2)
    kept.parked([row("a", 1), row("b", 2), row("a", 3)])
    with pytest.raises(ParkingFull):
        kept.parked([row("a", 4)])


def test_what_another_process_left_is_measured_and_leaves_room_to_drain_it() -> None:
    gauges = Gauges()
    kept = ParkedKeys("role", gauges, most=2, most_a_key=2)
    left = [row("a", offset).ref.range or "" for offset in (1, 2, 3)]
    kept.found(Partition("commands", 0), {"a": left, "b": ["4"]})
    kept.parked([row("a", 3), row("a", 5), row("c", 6)])
    with pytest.raises(ParkingFull):
        kept.parked([row("c", 7)])
    kept.drained(Partition("commands", 0), "a")
    kept.closed(Partition("commands", 0))
    assert gauges.parked == [2, 3, 3, 2, 0]


async def test_a_new_process_knows_how_many_keys_are_parked() -> None:
    bench, keys = Bench(), [str(uuid4()) for _ in range(3)]
    commands = [each for key in keys for each in line(key, 2)]
    bench.broken = {each.notification_id for each in commands}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 6)
    lot = ParkingLot("notification-commands", bench.store, bench.clock, Random(1))
    found = [await lot.standing(partition) for partition in range(TOPICS[TOPIC].partitions)]
    assert {key: len(places) for each in found for key, places in each.items()} == dict.fromkeys(keys, 2)


def test_a_windows_end_counts_though_another_is_open() -> None:
    fuse = Fuse(FuseLimits(keys=20, ratio=0.2, window=1000))
    fuse.failed("same", "a", 0)
    first = fuse.window
    assert not fuse.is_over(first, 999)
    fuse.failed("same", "b", 1001)
    assert fuse.is_over(first, 1002)
    assert not fuse.is_over(fuse.window, 1002)
    assert fuse.is_over(fuse.window, 2002)


async def test_a_line_at_its_cap_is_drained_by_the_next_process_once_its_cause_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log brings the key's next command first, which must not stop the role before its line had its turn."""
    monkeypatch.setattr(poisoned, "SETTINGS", replace(poisoned.SETTINGS, parked_a_key=5))
    bench, sick = Bench(), str(uuid4())
    commands = line(sick, 10)
    bench.broken = {commands[0].notification_id}
    async with bench.running() as role:
        for command in commands:
            await bench.send(command)
        await eventually(lambda: role.failure)
        assert isinstance(role.failure, ParkingFull)
    bench.broken.clear()
    async with bench.running() as role:
        await eventually(lambda: role.failure or bench.committed() == 10)
        bench.clock.moved += HOUR
        await eventually(lambda: role.failure or (not bench.parked() and HOLD not in bench.root(sick)))
        assert role.failure is None
    assert bench.root(sick)["chain"] == expected_chain(commands)


def test_once_the_fuse_has_tripped_no_window_is_over() -> None:
    bench, failure = Bench(), Failure("same", "broken", "")
    limits = ParkingLimits(fuse=FuseLimits(keys=2, ratio=0.0, window=1000))
    quarantine = Quarantine(bench.store, ReadableRaw(), bench.clock, NoMetrics(), Random(1))
    shared = SharedParking("role", bench.store, bench.clock, NoMetrics(), Random(1), quarantine, limits)
    shared.failed(failure, "a")
    first = shared.window
    assert not shared.is_over(first)
    bench.clock.moved += 1_001
    shared.failed(failure, "b")
    assert (shared.is_over(first), shared.is_over(shared.window)) == (True, False)
    with pytest.raises(FuseTripped):
        shared.failed(failure, "c")
    bench.clock.moved += HOUR
    assert not shared.is_over(first)
