"""A command whose decision raises holds its key and nobody else's; its line is applied in order once it decides again."""

import asyncio
from dataclasses import replace
from random import Random
from uuid import uuid4

import pytest

from tests.support import toy
from tests.support.poisoned import SETTINGS, Bench, expected_chain, line
from tests.support.raw_sealer import ReadableRaw
from tests.support.waiting import eventually
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import ItemRef
from workers.engine.fuse import Fuse, FuseLimits, FuseTripped
from workers.engine.metrics import NoMetrics
from workers.engine.parking import ATTEMPTS
from workers.engine.resuming import Resumes
from workers.engine.root import HOLD, plain
from workers.engine.runtime import RoleName, World, build_role, build_runtime
from workers.engine.settling import TimersNotKept


async def test_a_poisoned_key_waits_in_order_and_the_others_go_on() -> None:
    bench, sick, well = Bench(), str(uuid4()), [str(uuid4()) for _ in range(5)]
    commands = line(sick, 8)
    bench.broken = {commands[2].notification_id}
    others = [each for key in well for each in line(key, 4)]
    async with bench.running():
        await bench.send(*commands, *others)
        await eventually(lambda: bench.committed() == 28)
        assert bench.root(sick)["total"] == 2
        assert HOLD in bench.root(sick)
        assert len(bench.parked()) == 6
        assert all(bench.root(key)["total"] == 4 for key in well)
        bench.broken.clear()
        bench.clock.moved += 3_600_000
        await eventually(lambda: not bench.parked())
        await eventually(lambda: HOLD not in bench.root(sick))
        more = line(sick, 2)
        await bench.send(*more)
        await eventually(lambda: bench.root(sick)["total"] == 10)
    assert bench.root(sick)["chain"] == expected_chain([*commands, *more])
    said = bench.events(sick)
    assert [each for each, _ in said] == [each.notification_id for each in [*commands, *more]]
    assert [late for _, late in said] == [False] * 2 + [True] * 6 + [False] * 2


async def test_what_comes_while_the_key_is_held_waits_behind() -> None:
    bench, sick = Bench(), str(uuid4())
    first, later = line(sick, 3), line(sick, 60)
    bench.broken = {first[0].notification_id}
    async with bench.running():
        await bench.send(*first)
        await eventually(lambda: bench.committed() == 3)
        for command in later:
            await bench.send(command)
        await eventually(lambda: bench.committed() == 63)
        bench.broken.clear()
        bench.clock.moved += 3_600_000
        await eventually(lambda: HOLD not in bench.root(sick) and bool(bench.root(sick)))
    assert bench.root(sick)["chain"] == expected_chain([*first, *later])
    assert bench.root(sick)["total"] == 63


async def test_a_line_survives_its_owner() -> None:
    bench, sick = Bench(), str(uuid4())
    commands = line(sick, 5)
    bench.broken = {commands[1].notification_id}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 5)
    bench.broken.clear()
    bench.clock.moved += 3_600_000
    async with bench.running():
        await eventually(lambda: not bench.parked())
    assert bench.root(sick)["chain"] == expected_chain(commands)
    assert HOLD not in bench.root(sick)


async def test_after_its_last_attempt_it_is_quarantined_and_still_holds_its_key() -> None:
    bench, sick = Bench(), str(uuid4())
    commands = line(sick, 3)
    bench.broken = {commands[0].notification_id}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 3)
        for _ in range(ATTEMPTS):
            bench.clock.moved += 3_600_000
            await eventually(lambda: not [ref for ref in bench.parked() if _due(bench, ref)])
    failures = [item for ref, item in bench.store.items.items() if ref.table == "platform-failures"]
    assert [(item["attempts"], item["key"]) for item in failures] == [(ATTEMPTS, sick)]
    assert "broken on purpose" in failures[0]["trace"]
    assert len(bench.parked()) == 3
    assert HOLD in bench.root(sick)


def _due(bench: Bench, ref: ItemRef) -> bool:
    item = bench.store.items.get(ref)
    return item is not None and item["nextAttemptAt"] <= _now(bench)


def _now(bench: Bench) -> str:
    from contracts.timestamps import from_milliseconds

    return from_milliseconds(bench.clock.now())


async def test_a_kind_without_order_lets_the_rest_pass() -> None:
    bench, sick = Bench(ordered=False), str(uuid4())
    commands = line(sick, 3)
    bench.broken = {commands[0].notification_id}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 3)
        for _ in range(ATTEMPTS + 1):
            bench.clock.moved += 3_600_000
            await eventually(lambda: not [ref for ref in bench.parked() if _due(bench, ref)])
        await eventually(lambda: not bench.parked())
    assert bench.root(sick)["chain"] == expected_chain(commands[1:])
    assert [ref.table for ref in bench.store.items if ref.table == "platform-failures"] == ["platform-failures"]


async def test_a_row_no_store_takes_is_poison_like_any_other() -> None:
    bench, sick, well = Bench(), str(uuid4()), str(uuid4())
    async with bench.running():
        await bench.send(toy.side_row_of(sick, reason=toy.LARGE), toy.side_row_of(well))
        await eventually(lambda: bench.committed() == 2)
    assert bench.root(well)["total"] == 1


async def test_a_bad_deploy_advances_no_offset() -> None:
    bench, keys = Bench(), [str(uuid4()) for _ in range(40)]
    commands = [toy.side_row_of(key) for key in keys]
    bench.broken = {command.notification_id for command in commands}
    async with bench.running() as role:
        await bench.send(*commands)
        await eventually(lambda: role.failure)
        assert isinstance(role.failure, FuseTripped)
        assert "ValueError" in str(role.failure)
    assert bench.committed() == 0
    assert not [ref for ref in bench.store.items if ref.table == "platform-failures"]
    bench.broken.clear()
    bench.clock.moved += 3_600_000
    async with bench.running():
        await eventually(lambda: bench.committed() == 40)
        await eventually(lambda: not bench.parked())
    assert {bench.root(key)["total"] for key in keys} == {1}
    assert all(plain(bench.root(key))["chain"] == expected_chain([command]) for key, command in zip(keys, commands, strict=True))


async def test_a_tripped_role_goes_on_in_its_process_when_people_say_so() -> None:
    bench, keys = Bench(), [str(uuid4()) for _ in range(20)]
    commands = [toy.side_row_of(key) for key in keys]
    bench.broken = {command.notification_id for command in commands}
    world = World("test", bench.log, bench.store, bench.clock, NoMetrics(), Random(3), {}, conveyor=SETTINGS, raw_sealer=ReadableRaw())
    runtime = build_runtime([(bench.service(), RoleName.COMMANDS)], world)
    running = asyncio.create_task(runtime.run())
    await bench.send(*commands)
    await eventually(lambda: runtime.failures)
    assert not runtime.ready
    bench.broken.clear()
    bench.clock.moved += 3_600_000
    await Resumes(bench.store, bench.clock).ask("notification-commands", "ops", "the cause is gone")
    await eventually(lambda: bench.committed() == 20 and not bench.parked())
    assert runtime.ready
    assert {bench.root(key)["total"] for key in keys} == {1}
    trail = [item for ref, item in bench.store.items.items() if ref.table == AUDIT and item.get("what") == "resume"]
    assert [(item["who"], item["why"]) for item in trail] == [("ops", "the cause is gone")]
    runtime.stop()
    await running


async def test_a_timer_that_nobody_would_fire_stops_the_role() -> None:
    bench = Bench()
    service = replace(bench.service(), timers=False)
    role = build_role(service, RoleName.COMMANDS, World("test", bench.log, bench.store, bench.clock, NoMetrics(), Random(3), {}))
    running = asyncio.create_task(role.run())
    await bench.send(toy.side_row_of(str(uuid4()), reason=toy.TIMER))
    await eventually(lambda: role.failure)
    assert isinstance(role.failure, TimersNotKept)
    with pytest.raises(TimersNotKept):
        await running
    assert bench.committed() == 0


@pytest.mark.parametrize(("judged", "trips"), [(0, True), (15, True), (17, False)])
def test_the_fuse_asks_for_count_and_ratio(judged: int, trips: bool) -> None:
    fuse = Fuse(FuseLimits(keys=4, ratio=0.2, window=1000))
    assert not any(fuse.failed("same", key, 0) for key in "abc")
    assert not fuse.failed("same", "a", 1)
    fuse.judged(judged)
    assert fuse.failed("same", "d", 2) is trips


def test_the_fuse_forgets_when_its_window_closes() -> None:
    fuse = Fuse(FuseLimits(keys=2, ratio=0.0, window=1000))
    assert not fuse.failed("same", "a", 0)
    assert fuse.is_open(999)
    assert not fuse.is_open(1000)
    assert not fuse.failed("same", "b", 1001)
    assert not fuse.failed("other", "c", 1002)
