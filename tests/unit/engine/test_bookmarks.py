"""Offsets are taken for what they are: a topic made anew, a group rewound, moved forward, on another cluster."""

import asyncio
from random import Random
from uuid import uuid4

import pytest

from contracts.position import Origin
from contracts.topics import commands_topic
from tests.support import toy
from tests.support.waiting import eventually
from workers.engine.bookmarks import Bookmark, Kept, LogShortened, OffsetMoved, Start, start_of, watermark_ref
from workers.engine.memory import MemoryLog, MemoryStore, SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.ports import Assigned, Offset
from workers.engine.record import Partition
from workers.engine.role import Role
from workers.engine.runtime import RoleName, World, build_role

GROUP, TOPIC = "notification-commands", commands_topic("notification")
HERE, NEW, OLD = Partition(TOPIC, 0), Origin("new/0"), Origin("old/0")


def assigned(committed: int | None, metadata: str = "", end: int = 100) -> Assigned:
    return Assigned(HERE, NEW, committed, metadata, end)


def test_its_own_commit_is_gone_on_from() -> None:
    mark = Bookmark(NEW, 7, "inner").pack()
    assert start_of(assigned(7, mark), Kept(NEW, 3)) == Start(7, "inner")


def test_offsets_of_a_topic_that_was_made_anew_start_over() -> None:
    assert start_of(assigned(70, Bookmark(OLD, 70).pack(), end=500), Kept(OLD, 70)) == Start(0)


def test_offsets_that_vanished_start_over() -> None:
    assert start_of(assigned(None), Kept(NEW, 70)) == Start(0)


@pytest.mark.parametrize("metadata", ["", "not ours", Bookmark(NEW, 70).pack()])
def test_a_group_rewound_by_hand_reads_again(metadata: str) -> None:
    assert start_of(assigned(10, metadata), Kept(NEW, 70)) == Start(10)


def test_a_rewind_to_above_the_last_kept_watermark_is_still_a_rewind() -> None:
    assert start_of(assigned(80, Bookmark(NEW, 90).pack()), Kept(NEW, 70)) == Start(80)


@pytest.mark.parametrize("metadata", ["", "not ours", Bookmark(NEW, 70).pack()])
def test_an_offset_moved_forward_by_hand_stops_the_role(metadata: str) -> None:
    with pytest.raises(OffsetMoved, match="70 to 90"):
        start_of(assigned(90, metadata), Kept(NEW, 70))
    assert start_of(assigned(90, metadata), Kept(NEW, 70, accepted=True)) == Start(90)


def test_a_commit_beyond_the_end_stops_the_role() -> None:
    with pytest.raises(LogShortened):
        start_of(assigned(101, Bookmark(NEW, 101).pack()), None)


class Town:
    """A toy's commands role on a log and a store in memory."""

    def __init__(self) -> None:
        self.log, self.store = MemoryLog(), MemoryStore()
        self.keys = [str(uuid4()) for _ in range(20)]

    def role(self) -> Role:
        world = World("test", self.log, self.store, SystemClock(), NoMetrics(), Random(1), {})
        return build_role(toy.SERVICE, RoleName.COMMANDS, world)

    async def round(self) -> None:
        """One more command for every key, applied and committed; the role comes and goes."""
        await self.log.append_keyed(TOPIC, [toy.command_record(toy.side_row_of(key)) for key in self.keys])
        role = self.role()
        running = asyncio.create_task(role.run())
        await eventually(lambda: role.failure or self.committed() == self.ends())
        role.stop()
        await running

    def ends(self) -> int:
        return sum(len(records) for partition, records in self.log.records.items() if partition.topic == TOPIC)

    def committed(self) -> int:
        return sum(offset.offset for offset in self.log.group(GROUP).committed.values())

    def totals(self) -> set[int]:
        return {self.store.items[toy.root_ref(key)]["total"] for key in self.keys}


async def test_a_topic_made_anew_is_read_from_its_start_and_applied() -> None:
    town = Town()
    await town.round()
    town.log.topic_ids = {name: uuid4().hex[:22] for name in town.log.topic_ids}
    for records in town.log.records.values():
        records.clear()
    await town.log.append_keyed(TOPIC, [toy.command_record(toy.side_row_of(key)) for key in town.keys for _ in range(3)])
    await town.round()
    assert town.totals() == {5}


async def test_a_group_reset_to_zero_applies_nothing_twice() -> None:
    town = Town()
    await town.round()
    town.log.group(GROUP).committed = {partition: Offset(0) for partition in town.log.group(GROUP).committed}
    await town.round()
    assert town.totals() == {2}


async def test_a_group_moved_forward_stops_its_role_before_it_skips_anything() -> None:
    town = Town()
    await town.round()
    await town.log.append_keyed(TOPIC, [toy.command_record(toy.side_row_of(key)) for key in town.keys])
    moved = {partition: Offset(len(town.log.records[partition])) for partition in town.log.group(GROUP).committed}
    town.log.group(GROUP).committed = dict(moved)
    role = town.role()
    with pytest.raises(OffsetMoved, match="mindlinks resume"):
        await role.run()
    assert town.totals() == {1}
    assert town.log.group(GROUP).committed == moved


async def test_watermarks_are_kept_where_people_find_them() -> None:
    town = Town()
    await town.round()
    for partition, offset in town.log.group(GROUP).committed.items():
        row = town.store.items[watermark_ref(GROUP, partition)]
        assert row["offset"] == offset.offset
        assert row["origin"] == f"{town.log.topic_ids[TOPIC]}/{partition.number}"
