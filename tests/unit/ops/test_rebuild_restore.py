"""Tables that are gone come back as they were: what was applied is applied, what waits waits, and what was never told is told."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.topics import commands_topic, events_topic
from tests.support import toy
from tests.support.poisoned import Bench, expected_chain, line
from tests.support.rebuilt import Rebuilt, lose_table, shadow_in
from tests.support.replays import name_of
from tests.support.waiting import eventually
from tests.unit.ops.rebuild_scene import GROUP, applied, compared, processed, rewind, told, with_backlog
from tests.unit.ops.test_failure_decisions import NADIA, deciding, failures, quarantined
from workers.engine.aggregate import Items
from workers.engine.decision import UNCHANGED
from workers.engine.parking import PARKED
from workers.engine.root import HOLD
from workers.engine.service import Service
from workers.ops.rebuild.restoring import Restored
from workers.ops.rebuild.shelf import Waits
from workers.ops.rebuild.telling import NotRepaired

COMMANDS, EVENTS = commands_topic("notification"), events_topic("notification")


async def restored(bench: Bench, folder: Path, *accepted: str, publish: bool = False) -> tuple[Restored, Waits]:
    """And compares: nothing may differ but what was refused."""
    with shadow_in(folder) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service(), restores=True)
        done = await rebuilt.restored(*accepted, publish=publish)
        assert {drift.key for drift in await rebuilt.comparison.drifts()} <= set(done.refused)
        return done, rebuilt.rerun.waits


async def test_what_waits_behind_the_groups_offset_is_left_to_the_worker(tmp_path: Path) -> None:
    bench, key = await with_backlog()
    lose_table(bench, toy.TABLE)
    done, waits = await restored(bench, tmp_path)
    assert (done.refused, waits, bench.root(key)["total"]) == ({}, Waits(5, 1), 3)
    await processed(bench)
    assert (bench.root(key)["total"], sorted(told(bench).values())) == (8, [1] * 8)


@pytest.mark.parametrize("back", [1, 2, None])
async def test_what_was_applied_and_not_committed_comes_back_by_what_was_told(tmp_path: Path, back: int | None) -> None:
    """With its offsets gone as well nothing else tells how far the worker had come."""
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 4)
    rewind(bench, back)
    lose_table(bench, toy.TABLE)
    done, waits = await restored(bench, tmp_path)
    assert (done.refused, waits, bench.root(key)["total"]) == ({}, Waits(), 4)
    await processed(bench)
    assert (bench.root(key)["total"], sorted(told(bench).values())) == (4, [1] * 4)


async def test_what_was_written_and_never_told_is_told_by_the_worker(tmp_path: Path) -> None:
    """It died after the write, and between two events of one command."""
    bench, key = Bench(), str(uuid4())
    async with bench.running():
        await bench.log.append_keyed(COMMANDS, [toy.command_record(toy.tally_of(key, *FOUR))])
        await eventually(lambda: bench.committed() == 1)
    await applied(bench, key, 1)
    rewind(bench, 100)
    (stored,) = [found for partition, found in bench.log.records.items() if partition.topic == EVENTS and found]
    gone = [name_of(each) for each in stored[2:]]
    del stored[2:]
    lose_table(bench, toy.TABLE)
    assert (await restored(bench, tmp_path))[0].refused == {}
    await processed(bench)
    assert (bench.root(key)["total"], len(told(bench)), set(gone) <= set(told(bench))) == (2, 5, True)


FOUR = [f"0000000{number}-0000-4000-8000-000000000000" for number in range(4)]


@pytest.mark.parametrize("mended", [False, True])
async def test_a_held_key_comes_back_held_and_its_line_is_applied_in_order(tmp_path: Path, mended: bool) -> None:
    bench, key = Bench(), str(uuid4())
    commands = line(key, 4)
    bench.broken = {commands[1].notification_id}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 4)
    hold = bench.root(key)[HOLD]
    lose_table(bench, toy.TABLE)
    if mended:
        bench.broken.clear()
    done, waits = await restored(bench, tmp_path)
    assert (done.refused, waits, bench.root(key)[HOLD], bench.root(key)["total"]) == ({}, Waits(3, 1), hold, 1)
    bench.broken.clear()
    bench.clock.moved += 3_600_000
    await processed(bench)
    assert (bench.root(key)["total"], bench.root(key)["chain"]) == (4, expected_chain(commands))
    assert [name for name, _ in bench.events(key)] == [each.notification_id for each in commands]
    assert HOLD not in bench.root(key)


async def test_a_first_command_that_is_held_comes_back_held_and_waits_for_people(tmp_path: Path) -> None:
    bench, commands = Bench(), line(str(uuid4()), 3)
    key = commands[0].key
    async with bench.running():
        failure = await quarantined(bench, commands)
    lose_table(bench, toy.TABLE)
    bench.broken.clear()
    assert await restored(bench, tmp_path) == (Restored(rows=1), Waits(3, 1))
    async with bench.running():
        await deciding(bench).retry(failure, NADIA)
        await eventually(lambda: bench.root(key).get("total") == 3 and not bench.parked())
    assert [name for name, _ in bench.events(key)] == [each.notification_id for each in commands]
    assert failures(bench.store)[0]["state"] == "retried"


@pytest.mark.parametrize("first", [0, 1])
async def test_a_held_key_whose_line_is_gone_too_is_refused(tmp_path: Path, first: int) -> None:
    bench, key = Bench(), str(uuid4())
    commands = line(key, 3)
    bench.broken = {commands[first].notification_id}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 3)
    lose_table(bench, toy.TABLE)
    lose_table(bench, PARKED)
    (why,) = (await restored(bench, tmp_path))[0].refused.values()
    assert "raises ValueError" in why
    assert not bench.root(key)


async def test_a_line_that_lost_a_row_is_refused(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    commands = line(key, 3)
    bench.broken = {commands[0].notification_id}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 3)
    lose_table(bench, toy.TABLE)
    del bench.store.items[bench.parked()[1]]
    (why,) = (await restored(bench, tmp_path))[0].refused.values()
    assert "its row is missing" in why
    assert not bench.root(key)


async def test_rows_of_a_live_root_come_back_beside_it_and_not_before_it(tmp_path: Path) -> None:
    bench, key, other = Bench(), str(uuid4()), str(uuid4())
    await applied(bench, key, 1)
    before = bench.root(key)
    await applied(bench, key, 1)
    await applied(bench, other, 2)
    bench.store.items = {ref: item for ref, item in bench.store.items.items() if not ref.key.startswith("ROW#")}
    bench.store.items[toy.root_ref(key)] = before
    with shadow_in(tmp_path) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service(), restores=True)
        assert await rebuilt.restored() == Restored(rows=2)
        (drift,) = await rebuilt.comparison.drifts()
        await rebuilt.repairing.repair(drift, "ops:test", "a table restored to an earlier time", publish=False)
    assert await compared(bench, tmp_path) == ([], Waits())


async def test_rows_of_a_root_that_is_lost_with_its_offsets_are_nobodys_to_empty(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 3)
    bench.log.group(GROUP).committed.clear()
    del bench.store.items[toy.root_ref(key)]
    with pytest.raises(NotRepaired, match="--restore brings it back"):
        await compared(bench, tmp_path, repair=True)
    assert await restored(bench, tmp_path) == (Restored(rows=1), Waits())
    await processed(bench)
    assert (bench.root(key)["total"], sorted(told(bench).values())) == (3, [1] * 3)


# --- what this version judges otherwise ----------------------------------------------------------------------------------


async def dropped(bench: Bench, key: str) -> None:
    """The second of three was dropped by a bug."""
    await applied(bench, key, 1)
    buggy = Dropping(bench.clock, bench.store)
    buggy.log = bench.log
    await applied(buggy, key, 1)
    await applied(bench, key, 1)
    lose_table(bench, toy.TABLE)


class Dropping(Bench):
    def service(self) -> Service:
        service = super().service()
        handlers = tuple(replace(each, decide=lambda *_: UNCHANGED) for each in service.handlers)
        return replace(service, handlers=handlers)


async def test_what_was_never_told_is_told_before_the_rows_say_it(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await dropped(bench, key)
    (why,) = (await restored(bench, tmp_path))[0].refused.values()
    assert "--publish" in why
    assert not bench.root(key)
    done, _ = await restored(bench, tmp_path, publish=True)
    assert (done.refused, done.published, bench.root(key)["total"]) == ({}, 1, 3)
    assert sorted(told(bench).values()) == [1] * 3
    await processed(bench)
    assert (bench.root(key)["total"], sorted(told(bench).values())) == (3, [1] * 3)


async def test_a_repair_that_would_leave_events_untold_is_refused(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await dropped(bench, key)
    with pytest.raises(NotRepaired, match="--publish"):
        await compared(bench, tmp_path, repair=True)
    await compared(bench, tmp_path, repair=True, publish=True)
    assert (bench.root(key)["total"], len(told(bench))) == (3, 3)


async def test_a_key_of_which_the_world_was_told_otherwise_comes_back_when_a_person_names_it(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 2)
    (stored,) = [found for partition, found in bench.log.records.items() if partition.topic == EVENTS and found]
    stored[0] = replace(stored[0], value=(stored[0].value or b"").replace(b'"plain"', b'"other"'))
    lose_table(bench, toy.TABLE)
    (why,) = (await restored(bench, tmp_path))[0].refused.values()
    assert "the world was told" in why
    assert "--repair" in why
    done, _ = await restored(bench, tmp_path, toy.root_ref(key).key)
    assert (done.refused, bench.root(key)["total"]) == ({}, 2)


class Expiring(Bench):
    """Its roots have expired as soon as they are written."""

    def service(self) -> Service:
        def save(state: toy.Toy) -> Items:
            return {ref: {**row, **({"expiresAt": 1} if ref == toy.root_ref(state.key) else {})} for ref, row in toy.save(state).items()}

        service = super().service()
        handlers = tuple(replace(each, aggregate=replace(toy.TOYS, save=save)) for each in service.handlers)
        return replace(service, handlers=handlers)


async def test_what_would_have_expired_by_now_is_neither_put_back_nor_refused(tmp_path: Path) -> None:
    bench, key = Expiring(), str(uuid4())
    await dropped(bench, key)
    assert await restored(bench, tmp_path) == (Restored(rows=3), Waits())
    assert not bench.root(key)


async def test_nothing_is_put_back_while_workers_run(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 2)
    lose_table(bench, toy.TABLE)
    with shadow_in(tmp_path) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service(), restores=True)
        await rebuilt.rerun.catch_up()
        await applied(bench, str(uuid4()), 1)
        with pytest.raises(NotRepaired, match="Stop the service's workers"):
            await rebuilt.restoring.restore("ops:test", "too early")
    assert not bench.root(key)
