"""The log judged again equals the live tables, whatever faults the worker ran under; and one row that differs is named."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.notification.commands import MarkNotificationsRead
from contracts.platform import SkipRecord
from contracts.topics import commands_topic, events_topic
from tests.support import toy
from tests.support.faults import MANY, NONE, Rates
from tests.support.process import Plant, plant
from tests.support.rebuilt import Rebuilt, shadow_in
from tests.support.replays import plan_of, replays_on, skip_to_end
from tests.support.stories import story, with_repeats
from tests.support.verdict import header
from workers.engine.decision import UNCHANGED, Command, Decision, ItemRef
from workers.engine.record import Outgoing
from workers.engine.root import SEEN, VERSION, plain
from workers.engine.service import Service
from workers.ops.rebuild.comparing import Drift, Wrong
from workers.ops.rebuild.telling import NotRepaired
from workers.ops.replay.plan import Mode
from workers.ops.replay.selection import Selection

COMMANDS, EVENTS = commands_topic("notification"), events_topic("notification")
SERVICE = replace(toy.SERVICE, projections=(), reactions=(), effects=())


async def played(made: Plant, seed: int = 1, commands: int = 400, rates: Rates = NONE) -> None:
    process = made.start(rates=rates)
    records = [toy.command_record(data) for data in story(Random(seed), 12, commands)]
    for start in range(0, len(records), 40):
        await made.send(COMMANDS, with_repeats(records[start : start + 40]))
        made.clock.advance(1)
    await made.until_settled("notification-commands", COMMANDS)
    await process.stop()


async def drifts_of(made: Plant, folder: Path) -> list[Drift]:
    with shadow_in(folder) as shadow:
        return await Rebuilt(made, shadow, SERVICE).drifts()


@asynccontextmanager
async def ready(seed: int = 1) -> AsyncIterator[Plant]:
    async with plant(SERVICE, seed) as made:
        await played(made, seed)
        yield made


def roots(made: Plant) -> dict[ItemRef, Mapping[str, Any]]:
    return {ref: item for ref, item in made.store.items.items() if SEEN in item and ref.table == toy.TABLE and item.get("total", 0) > 1}


@pytest.mark.parametrize("seed", range(6))
async def test_the_log_makes_what_is_live_whatever_happened_on_the_way(seed: int, tmp_path: Path) -> None:
    async with plant(SERVICE, seed) as made:
        await played(made, seed, rates=MANY)
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            assert await rebuilt.drifts() == []
            live = {ref: plain(item) for ref, item in made.store.items.items() if ref.table == toy.TABLE and plain(item).get("createdAt")}
            assert {ref: plain(item) for ref, item in shadow.all_rows() if "createdAt" in item} == live
            assert shadow.differing_roots() == []
            assert rebuilt.rebuilding.counts["applied"] > 100


async def test_one_altered_attribute_is_named_with_the_command_that_wrote_the_row(tmp_path: Path) -> None:
    async with ready() as made:
        ref, item = next(iter(roots(made).items()))
        made.store.items[ref] = {**item, "total": item["total"] + 1}
        (drift,) = await drifts_of(made, tmp_path)
        (row,) = drift.rows
        assert (drift.root, row.what, row.attributes) == (ref, Wrong.ALTERED, ("total",))
        assert any(drift.first == f"{origin}/{offset}" for origin, offset in item[SEEN].items()) or drift.first == row.position
        assert drift.differences == ()


async def test_a_lost_write_a_missing_row_and_a_row_that_nobody_asked_for_are_named(tmp_path: Path) -> None:
    async with ready() as made:
        (lost, before), (missing, _) = list(roots(made).items())[:2]
        side = next(ref for ref in made.store.items if ref.key.startswith("ROW#"))
        extra = toy.row_ref("nobody")
        made.store.items[lost] = {**before, "total": 1, "chain": "", VERSION: 1}
        del made.store.items[missing], made.store.items[side]
        made.store.items[extra] = {"id": extra.key, "count": 1, "createdAt": "2026-01-01T00:00:00.000Z"}
        found = {row.ref: row.what for drift in await drifts_of(made, tmp_path) for row in drift.rows}
        assert found == {lost: Wrong.ALTERED, missing: Wrong.MISSING, side: Wrong.MISSING, extra: Wrong.EXTRA}


# --- a bug that was deployed for a while -------------------------------------------------------------------------------


def dropping(every: int = 3) -> Service:
    """Every third tally is lost by a decision that says there is nothing to do."""
    calls = iter(range(1, 10**6))

    def decide(state: toy.Toy, command: Command[MarkNotificationsRead], at: Any) -> Decision[toy.Toy]:
        return UNCHANGED if next(calls) % every == 0 else toy.tally(state, command, at)

    buggy = tuple(replace(each, decide=decide) if each.command is MarkNotificationsRead else each for each in toy.HANDLERS)
    return replace(SERVICE, handlers=buggy)


def tally(key: str, number: int) -> Any:
    """Of a state too young for the refusal of every fifth."""
    return toy.command_record(toy.tally_of(key, f"0000000{number}-0000-4000-8000-000000000000"))


KEYS = [f"{number}1111111-1111-4111-8111-111111111111" for number in range(1, 7)]


@asynccontextmanager
async def damaged() -> AsyncIterator[Plant]:
    """One tally each; the third and the sixth key's are lost."""
    async with plant(dropping()) as made:
        process = made.start()
        for key in KEYS:
            await made.send(COMMANDS, [tally(key, 1)])
            await made.until_settled("notification-commands", COMMANDS)
        await process.stop()
        made.service = SERVICE
        yield made


async def test_what_a_bug_dropped_is_named_by_its_first_position_and_repaired(tmp_path: Path) -> None:
    async with damaged() as made:
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            drifts = await rebuilt.drifts()
            assert {drift.root for drift in drifts} == {toy.root_ref(KEYS[n]) for n in (2, 5)}
            for drift in drifts:
                (difference,) = drift.differences
                assert (drift.first, difference.told) == (difference.position, "")
                assert difference.rebuilt.startswith("NotificationsRead#")
                repair = await rebuilt.repairing.repair(drift, "ops:test", "lost by 1.4.2", publish=True)
                assert (repair.rows, repair.published) == (1, 1)
        assert await drifts_of(made, tmp_path) == []
        events = made.records(EVENTS)
        assert len({header(event, "ce_id") for event in events}) == len(events) == len(KEYS)
        assert sum(bool(item.get("what") == "rebuild --repair") for item in made.store.items.values()) == 2


async def test_workers_go_on_from_a_repaired_row(tmp_path: Path) -> None:
    async with damaged() as made:
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            for drift in await rebuilt.drifts():
                await rebuilt.repairing.repair(drift, "ops:test", "lost by 1.4.2", publish=True)
        process = made.start()
        await made.send(COMMANDS, [tally(key, 3) for key in KEYS])
        await made.until_settled("notification-commands", COMMANDS)
        await process.stop()
        assert {made.store.items[toy.root_ref(key)]["total"] for key in KEYS} == {2}
        assert await drifts_of(made, tmp_path) == []


async def test_what_the_world_was_told_otherwise_is_not_repaired(tmp_path: Path) -> None:
    async with ready() as made:
        victim = next(event for event in made.records(EVENTS) if b"NotificationsRead" in header(event, "ce_type").encode())
        position = made.log.records[victim.partition].index(victim)
        before, digit, behind = (victim.value or b"").partition(b'"ids":["')
        forged = replace(victim, value=before + digit + (b"1" if behind.startswith(b"0") else b"0") + behind[1:])
        made.log.records[victim.partition][position] = forged
        ref = toy.root_ref((victim.key or b"").decode())
        made.store.items[ref] = {**made.store.items[ref], "total": 77}
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            (drift,) = await rebuilt.drifts()
            with pytest.raises(NotRepaired, match="the world was told"):
                await rebuilt.repairing.repair(drift, "ops:test", "why not", publish=False)
        assert made.store.items[ref]["total"] == 77


async def test_tables_that_are_gone_come_back_from_the_log_alone(tmp_path: Path) -> None:
    async with ready() as made:
        before = {ref: plain(item) for ref, item in made.store.items.items() if ref.table == toy.TABLE and "createdAt" in item}
        for ref in [ref for ref in made.store.items if ref.table == toy.TABLE]:
            del made.store.items[ref]
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE, restores=True)
            restored = await rebuilt.restored()
        after = {ref: plain(item) for ref, item in made.store.items.items() if ref.table == toy.TABLE and "createdAt" in item}
        assert after == before
        assert (restored.rows >= len(before), restored.published, restored.refused) == (True, 0, {})
        assert await drifts_of(made, tmp_path) == []


async def test_commands_that_arrive_while_it_compares_are_no_drift(tmp_path: Path) -> None:
    async with ready() as made:
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            await rebuilt.rerun.catch_up()
            await played(made, seed=2, commands=60)
            assert await rebuilt.comparison.drifts() == []


async def test_what_people_passed_over_is_passed_over_again(tmp_path: Path) -> None:
    async with damaged() as made:
        with shadow_in(tmp_path) as shadow:
            for drift in await Rebuilt(made, shadow, SERVICE).drifts():
                key = drift.differences[0].key
                word = SkipRecord(subject=key, position=drift.first, role="notification-commands", reason="not wanted", who="ops")
                await made.send(COMMANDS, [toy.command_record(word)])
        process = made.start()
        await made.until_settled("notification-commands", COMMANDS)
        await process.stop()
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            assert await rebuilt.drifts() == []
            assert rebuilt.rebuilding.counts["passed over"] == 2


# --- what people did once more -----------------------------------------------------------------------------------------


REFUSED_WHILE_DROPPED = "40000000-0000-4000-8000-000000000000"
"""A toy refuses it in the state that the dropped tally left, and takes it in the state that the tally makes."""


async def replayed(made: Plant, mode: Mode, *keys: str) -> None:
    replays = replays_on(made)
    plan = plan_of(Selection((COMMANDS,), keys=frozenset(keys)), mode, seed=len(made.records(COMMANDS)))
    at = await replays.begin(await replays.prepare(plan))
    await replays.running().run(at)
    await judged(made)


async def judged(made: Plant, *records: Outgoing) -> None:
    await made.send(COMMANDS, records)
    process = made.start()
    await made.until_settled("notification-commands", COMMANDS)
    await process.stop()


async def test_what_was_told_after_the_loss_forbids_the_repair_and_a_redo_is_the_way(tmp_path: Path) -> None:
    async with damaged() as made:
        key = KEYS[2]
        await judged(made, toy.command_record(toy.tally_of(key, REFUSED_WHILE_DROPPED)))
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            (drift,) = [each for each in await rebuilt.drifts() if each.root == toy.root_ref(key)]
            assert [(each.told, bool(each.rebuilt)) for each in drift.differences] == [("", True), ("CommandRefused:toy_fifth", True)]
            with pytest.raises(NotRepaired, match="the world was told"):
                await rebuilt.repairing.repair(drift, "ops:test", "lost by 1.4.2", publish=True)
        await replayed(made, Mode.REDO, key, KEYS[5])
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            assert await rebuilt.drifts() == []
            assert shadow.differing_roots() == []
            # The refusal was right by then: only its repetition could be granted.
            assert (rebuilt.rebuilding.counts["done later"], rebuilt.rebuilding.counts["toy_fifth"]) == (2, 1)
        assert [made.store.items[toy.root_ref(each)]["total"] for each in (key, KEYS[5])] == [2, 1]


async def test_a_redo_of_a_redo_is_one_of_the_first(tmp_path: Path) -> None:
    async with damaged() as made:
        made.service = dropping(every=1)
        await replayed(made, Mode.REDO, KEYS[2])
        made.service = SERVICE
        assert {drift.root for drift in await drifts_of(made, tmp_path)} == {toy.root_ref(KEYS[n]) for n in (2, 5)}
        await replayed(made, Mode.REDO, KEYS[2])
        assert {drift.root for drift in await drifts_of(made, tmp_path)} == {toy.root_ref(KEYS[5])}


async def test_a_redo_that_was_refused_mends_nothing(tmp_path: Path) -> None:
    async with damaged() as made:
        key = KEYS[2]
        await judged(made, *(tally(key, number) for number in range(2, 6)))
        await replayed(made, Mode.REDO, key)
        assert made.store.items[toy.root_ref(key)]["total"] == 4
        (drift,) = [each for each in await drifts_of(made, tmp_path) if each.root == toy.root_ref(key)]
        assert drift.first == drift.differences[0].position
        assert drift.differences[0].told == ""


async def test_a_copy_that_was_applied_in_its_originals_place_is_no_difference(tmp_path: Path) -> None:
    async with ready() as made:
        key = KEYS[0]
        await made.send(COMMANDS, [tally(key, 1)])
        skip_to_end(made)
        assert [drift.root for drift in await drifts_of(made, tmp_path)] == [toy.root_ref(key)]
        await replayed(made, Mode.ENSURE, key)
        with shadow_in(tmp_path) as shadow:
            assert await Rebuilt(made, shadow, SERVICE).drifts() == []
            assert shadow.differing_roots() == []


async def test_rows_that_projections_keep_are_nobodys_drift(tmp_path: Path) -> None:
    async with ready() as made:
        kept = ItemRef(toy.TABLE, "SUM#all#0")
        made.store.items[kept] = {"id": kept.key, "sum": 7, "createdAt": "2026-01-01T00:00:00.000Z"}
        assert [drift.root for drift in await drifts_of(made, tmp_path)] == [kept]
        with shadow_in(tmp_path) as shadow:
            assert await Rebuilt(made, shadow, toy.SERVICE).drifts() == []
