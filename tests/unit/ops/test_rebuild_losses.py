"""Whatever is lost and whatever happened before: every command is applied once, every event told under its own id."""

from dataclasses import replace
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from contracts.topics import commands_topic, events_topic
from tests.support import toy
from tests.support.faults import MANY
from tests.support.poisoned import Bench, expected_chain, line
from tests.support.process import Plant, plant
from tests.support.rebuilt import Rebuilt, lose_table, shadow_in
from tests.support.stories import story, with_repeats
from tests.support.verdict import header
from tests.support.waiting import eventually
from tests.unit.ops.rebuild_scene import GROUP, compared, processed
from workers.engine.bookmarks import Bookmark
from workers.engine.ports import Offset
from workers.engine.root import HOLD, exists, plain
from workers.ops.rebuild.shelf import Waits

COMMANDS, EVENTS = commands_topic("notification"), events_topic("notification")
SERVICE = replace(toy.SERVICE, projections=(), reactions=(), effects=())


@pytest.mark.parametrize("seed", range(8))
async def test_after_any_loss_everything_is_applied_once_and_told_under_its_own_id(seed: int, tmp_path: Path) -> None:
    """Workers with faults, a backlog, offsets that lag or are gone, and the whole table lost."""
    chance = Random(f"restore {seed}")
    async with plant(SERVICE, seed) as made:
        records = with_repeats([toy.command_record(data, command_id=str(uuid4())) for data in story(chance, 10, 200)])
        cut = chance.randrange(50, 150)
        process = made.start(rates=MANY)
        await made.send(COMMANDS, records[:cut])
        await made.until_settled(GROUP, COMMANDS)
        await process.stop()
        before = told_to(made)
        await made.send(COMMANDS, records[cut:])
        forget_offsets(made, chance)
        lose_table(made, toy.TABLE)
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE, restores=True)
            assert (await rebuilt.restored()).refused == {}
            assert await rebuilt.comparison.drifts() == []
            assert rebuilt.rerun.waits.commands > 0
        process = made.start()
        await made.until_settled(GROUP, COMMANDS)
        await process.stop()
        with shadow_in(tmp_path) as shadow:
            rebuilt = Rebuilt(made, shadow, SERVICE)
            assert await rebuilt.drifts() == []
            assert (shadow.differing_roots(), rebuilt.rerun.waits) == ([], Waits())
            assert {ref: plain(item) for ref, item in shadow.all_rows() if exists(item)} == rows(made)
        after = told_to(made)
        assert {event: after[event] for event in before} == before


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_is_held_comes_back_held_and_every_key_ends_in_its_order(seed: int, tmp_path: Path) -> None:
    chance, bench = Random(f"held {seed}"), Bench()
    lines = [line(str(uuid4()), chance.randint(1, 8)) for _ in range(5)]
    bench.broken = {chance.choice(each).notification_id for each in chance.sample(lines, 2)}
    order = [each[at] for at in range(8) for each in lines if at < len(each)]
    cut = chance.randrange(len(order))
    async with bench.running():
        await bench.send(*order[:cut])
        await eventually(lambda: bench.committed() == cut)
    await bench.send(*order[cut:])
    lost = {ref: item for ref, item in lose_table(bench, toy.TABLE).items() if HOLD in item}
    with shadow_in(tmp_path) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service(), restores=True)
        assert (await rebuilt.restored()).refused == {}
        assert await rebuilt.comparison.drifts() == []
    back = {ref: item for ref, item in bench.store.items.items() if ref.table == toy.TABLE and HOLD in item}
    assert {ref: item[HOLD] for ref, item in back.items()} == {ref: item[HOLD] for ref, item in lost.items()}
    bench.broken.clear()
    bench.clock.moved += 3_600_000
    await processed(bench)
    for each in lines:
        assert (bench.root(each[0].key)["total"], bench.root(each[0].key)["chain"]) == (len(each), expected_chain(each))
        assert [name for name, _ in bench.events(each[0].key)] == [command.notification_id for command in each]
    assert await compared(bench, tmp_path) == ([], Waits())


def rows(made: Plant) -> object:
    return {ref: plain(item) for ref, item in made.store.items.items() if ref.table == toy.TABLE and exists(item)}


def told_to(made: Plant) -> dict[str, set[bytes]]:
    """Every event with all that it ever said."""
    found: dict[str, set[bytes]] = {}
    for each in made.records(EVENTS):
        found.setdefault(header(each, "ce_id"), set()).add(each.value or b"")
    return found


def forget_offsets(made: Plant, chance: Random) -> None:
    committed = made.log.group(GROUP).committed
    for partition, offset in list(committed.items()):
        match chance.randrange(3):
            case 0:
                del committed[partition]
            case 1:
                back = chance.randint(0, offset.offset)
                committed[partition] = Offset(back, Bookmark(made.log.assigned(made.log.group(GROUP), partition).origin, back).pack())
