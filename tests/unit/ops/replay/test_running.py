"""A replay that dies, pauses, is stopped or gets no answer leaves no gap, and sends no command twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from tests.support import toy
from tests.support.process import Plant, plant
from tests.support.replays import COMMANDS, FAST, plan_of, replays_on, run_roles
from tests.support.stories import story
from tests.support.waiting import eventually
from workers.engine.memory.reading import MemoryReader
from workers.engine.ports import LogUnavailable
from workers.engine.record import Outgoing, Partition
from workers.engine.runtime import RoleName
from workers.ops.replay import running
from workers.ops.replay.checkpoint import Checkpoint, Checkpoints, State, TakenOver
from workers.ops.replay.operating import Replays
from workers.ops.replay.plan import Mode, PlanError, ReplayPlan
from workers.ops.replay.running import Running, original_of
from workers.ops.replay.selection import Selection

RECORDS = 120
SLOW = 40.0
"""Records a second at which a chunk has ten."""


class Died(Exception):
    """As a process that is killed: nothing after this happens."""


class Dying:
    """A log that fails at the ``at``th append, before or after it happened."""

    def __init__(self, made: Plant, at: int, error: type[Exception], *, after: bool) -> None:
        self._made, self._left, self._error, self._after = made, at, error, after

    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        self._left -= 1
        if not self._left and not self._after:
            raise self._error
        await self._made.log.append(partition, records)
        if not self._left:
            raise self._error


def checkpoints(made: Plant) -> Checkpoints:
    return Checkpoints(made.store, made.clock, Random(0))


def runner(made: Plant, log: Dying) -> Running:
    return Running(log, MemoryReader(made.log), checkpoints(made), made.clock, Random(0))  # type: ignore[arg-type]  # appends are all it does


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KEEP_AFTER", 15)


async def filled(made: Plant, seed: int = 0) -> None:
    for data in story(Random(seed), 12, RECORDS):
        made.clock.advance(1)
        await made.send(COMMANDS, [toy.command_record(data)])


async def begun(made: Plant, plan: ReplayPlan) -> tuple[Replays, Checkpoint]:
    replays = replays_on(made)
    return replays, await replays.begin(await replays.prepare(plan))


def originals(made: Plant, replay: str) -> dict[Partition, list[int]]:
    """In the order of their copies."""
    found: dict[Partition, list[int]] = {}
    for record in made.records(COMMANDS):
        if place := original_of(record, replay):
            found.setdefault(record.partition, []).append(place.offset)
    return found


def slow(mode: Mode) -> ReplayPlan:
    return replace(plan_of(Selection((COMMANDS,)), mode), rate=SLOW)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 7, 23, 40])
async def test_a_killed_replay_goes_on_without_a_gap(mode: Mode, after: bool, at: int) -> None:
    async with plant(toy.SERVICE) as made:
        await filled(made)
        wanted = {partition: len(records) for partition, records in made.log.records.items() if records}
        replays, checkpoint = await begun(made, plan := slow(mode))
        with pytest.raises(Died):
            await runner(made, Dying(made, at, Died, after=after)).run(checkpoint)
        ended = await replays.resume(plan.id, replays.running())
        assert (ended.state, ended.sent) == (State.SENT, RECORDS)
        assert {partition: list(range(count)) for partition, count in wanted.items()} == originals(made, plan.id)


@pytest.mark.parametrize("after", [False, True])
async def test_a_new_command_is_sent_once_although_its_append_was_not_answered(after: bool) -> None:
    async with plant(toy.SERVICE) as made:
        await filled(made)
        _, checkpoint = await begun(made, plan := slow(Mode.REDO))
        ended = await runner(made, Dying(made, 9, LogUnavailable, after=after)).run(checkpoint)
        assert ended.sent == RECORDS
        times = Counter((partition, each) for partition, found in originals(made, plan.id).items() for each in found)
        assert (len(times), set(times.values())) == (RECORDS, {1})


async def test_paused_by_its_process_or_by_word_it_goes_on_where_it_was() -> None:
    async with plant(toy.SERVICE) as made:
        await filled(made)
        replays, checkpoint = await begun(made, plan := slow(Mode.ENSURE))
        run = replays.running()
        at = await run.run(checkpoint, lambda _: run.pause())
        assert (at.state, at.sent) == (State.PAUSED, 10)
        paused_later = replays.running()
        at = await paused_later.resumed(at)
        await replays.pause(plan.id)
        at = await paused_later.run(at)
        assert at.state is State.PAUSED
        assert 10 < at.sent < RECORDS
        assert (await replays.finish(at)).settled is False
        at = await replays.resume(plan.id, replays.running())
        made.start()
        await eventually(lambda: not made.open("notification-commands", COMMANDS))
        ended = await replays.finish(at)
        assert (ended.at.state, ended.at.sent, ended.settled) == (State.DONE, RECORDS, True)
        with pytest.raises(PlanError, match="done"):
            await replays.resume(plan.id, replays.running())


async def test_a_stopped_replay_ends_in_every_process_and_says_what_it_sent() -> None:
    async with plant(toy.SERVICE) as made:
        await filled(made)
        replays, checkpoint = await begun(made, plan := slow(Mode.REDO))
        with pytest.raises(Died):
            await runner(made, Dying(made, 30, Died, after=True)).run(checkpoint)
        at = await replays.stop(plan.id)
        assert at.state is State.STOPPED
        assert at.sent == sum(len(each) for each in originals(made, plan.id).values())
        with pytest.raises(PlanError, match="stopped"):
            await replays.resume(plan.id, replays.running())
        (row,) = [item for ref, item in made.store.items.items() if item.get("what") == "replay ended"]
        assert (row["state"], row["sent"]) == ("stopped", at.sent)


async def test_of_two_processes_one_goes_on() -> None:
    async with plant(toy.SERVICE) as made:
        await filled(made)
        replays, checkpoint = await begun(made, plan := slow(Mode.ENSURE))
        await replays.running().resumed(checkpoint)
        with pytest.raises(TakenOver):
            await replays.running().run(checkpoint)
        assert [each.plan for each in await replays.checkpoints.all()] == [plan]


async def test_what_nobody_can_read_is_counted_and_not_sent() -> None:
    async with plant(toy.SERVICE) as made:
        await made.send(COMMANDS, [Outgoing(b"k", b"{}", [("ce_type", b"mindlinks.notification.Nothing.v1"), ("ce_id", b"1")])])
        await filled(made)
        replays, checkpoint = await begun(made, replace(slow(Mode.ENSURE), rate=FAST))
        at = await replays.running().run(checkpoint)
        assert (dict(at.passed), at.sent) == ({"unreadable": 1}, RECORDS)


async def test_it_keeps_to_its_rate() -> None:
    async with plant(toy.SERVICE) as made:
        await filled(made)
        replays, checkpoint = await begun(made, slow(Mode.ENSURE))
        made.clock.slept.clear()
        await replays.running().run(checkpoint)
        assert made.clock.slept == [10 * chunk / SLOW for chunk in range(1, RECORDS // 10 + 1)]


async def test_a_replay_that_selects_copies_of_another_sends_the_originals_once() -> None:
    async with plant(toy.SERVICE) as made:
        await filled(made)
        for seed in (1, 2):
            replays, checkpoint = await begun(made, plan_of(Selection((COMMANDS,)), seed=seed))
            assert (await replays.running().run(checkpoint)).sent == RECORDS
        await run_roles(made, RoleName.COMMANDS)
