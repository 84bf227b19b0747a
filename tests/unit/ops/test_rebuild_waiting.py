"""A rebuild judges what the worker has processed and no more: what waits is no drift, and is applied once, whatever was repaired."""

from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.notification.commands import RecordNotificationSuppressed
from contracts.position import Position
from contracts.replay import Replay
from contracts.types import Timestamp
from tests.support import toy
from tests.support.poisoned import Bench, line
from tests.support.rebuilt import Rebuilt, lose_table, shadow_in
from tests.support.verdict import header
from tests.support.waiting import eventually
from tests.unit.ops.rebuild_scene import COMMANDS, GROUP, applied, compared, processed, rewind, sent, told, with_backlog
from tests.unit.ops.test_failure_decisions import NADIA, deciding, failures, quarantined, tried
from workers.engine.ports import Offset
from workers.engine.quarantine import FAILURES
from workers.engine.record import Outgoing
from workers.engine.root import SEEN
from workers.engine.service import Service
from workers.ops.rebuild.shelf import Waits
from workers.ops.rebuild.standing import OffsetsBeyondLog
from workers.ops.rebuild.telling import NotRepaired


@pytest.mark.parametrize("publish", [False, True])
async def test_what_a_stopped_worker_has_not_processed_is_no_drift_and_is_applied_once(tmp_path: Path, publish: bool) -> None:
    bench, key = await with_backlog()
    assert await compared(bench, tmp_path, repair=True, publish=publish) == ([], Waits(5, 1))
    await processed(bench)
    assert (bench.root(key)["total"], sorted(told(bench).values())) == (8, [1] * 8)
    assert await compared(bench, tmp_path) == ([], Waits())


async def test_a_repair_writes_what_the_root_had_seen_and_the_rest_is_applied_on_it(tmp_path: Path) -> None:
    bench, key = await with_backlog()
    bench.store.items[toy.root_ref(key)] = {**bench.root(key), "total": 77}
    (drift,), waits = await compared(bench, tmp_path, repair=True)
    assert (drift.differences, waits, bench.root(key)["total"]) == ((), Waits(5, 1), 3)
    await processed(bench)
    assert (bench.root(key)["total"], sorted(told(bench).values())) == (8, [1] * 8)


@pytest.mark.parametrize("back", [1, 2, None])
async def test_a_root_that_has_seen_more_than_is_committed_is_judged_as_far_as_it_has_seen(tmp_path: Path, back: int | None) -> None:
    """The worker writes before it commits; of a group without offsets nothing is committed at all."""
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 3)
    rewind(bench, back)
    await bench.send(*line(key, 2))
    assert await compared(bench, tmp_path) == ([], Waits(2, 1))
    bench.store.items[toy.root_ref(key)] = {**bench.root(key), "total": 77}
    (drift,), _ = await compared(bench, tmp_path, repair=True)
    assert (drift.root, bench.root(key)["total"]) == (toy.root_ref(key), 3)
    await processed(bench)
    assert (bench.root(key)["total"], len(told(bench))) == (5, 5)


async def test_a_lost_write_is_repaired_and_not_applied_again_by_a_group_that_is_rewound(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 2)
    before = bench.root(key)
    await applied(bench, key, 3)
    bench.store.items[toy.root_ref(key)] = before
    (drift,), waits = await compared(bench, tmp_path, repair=True)
    assert (drift.differences, waits, bench.root(key)["total"]) == ((), Waits(), 5)
    rewind(bench, 100)
    await processed(bench)
    assert (bench.root(key)["total"], len(told(bench))) == (5, 5)


async def test_what_is_told_again_in_another_sequence_was_told_once(tmp_path: Path) -> None:
    """A table restored to an earlier time and its group rewound: written one by one then, folded together now."""
    bench, key = Bench(), str(uuid4())
    for _ in range(3):
        await applied(bench, key, 1)
    lose_table(bench, toy.TABLE)
    rewind(bench, 100)
    await processed(bench)
    assert sorted(told(bench).values()) == [2] * 3
    with shadow_in(tmp_path) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service())
        assert await rebuilt.drifts() == []
        assert shadow.differing_roots() == []


async def test_a_key_that_a_worker_changed_since_it_was_compared_is_not_repaired(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 2)
    bench.store.items[toy.root_ref(key)] = {**bench.root(key), "total": 77}
    with shadow_in(tmp_path) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service())
        (drift,) = await rebuilt.drifts()
        await applied(bench, key, 1)
        with pytest.raises(NotRepaired, match="changed by a worker"):
            await rebuilt.repairing.repair(drift, "ops:test", "too late", publish=False)
    assert bench.root(key)["total"] == 78


async def test_offsets_beyond_the_log_say_nothing_of_what_was_applied(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 2)
    for partition, records in bench.log.records.items():
        if partition.topic == COMMANDS:
            del records[1:]
    with pytest.raises(OffsetsBeyondLog, match="Restore the log"):
        await compared(bench, tmp_path)


@pytest.mark.parametrize("mended", [False, True])
async def test_a_held_key_waits_whatever_todays_code_makes_of_it(tmp_path: Path, mended: bool) -> None:
    bench, key = Bench(), str(uuid4())
    commands = line(key, 4)
    bench.broken = {commands[1].notification_id}
    async with bench.running():
        await bench.send(*commands)
        await eventually(lambda: bench.committed() == 4)
    if mended:
        bench.broken.clear()
    assert await compared(bench, tmp_path) == ([], Waits(3, 1))


async def test_what_was_judged_and_can_be_no_more_is_undecided_and_not_repaired(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    await applied(bench, key, 1)
    second, third = line(key, 2)
    async with bench.running():
        await bench.send(second, third)
        await eventually(lambda: bench.committed() == 3)
    bench.broken = {second.notification_id}
    with shadow_in(tmp_path) as shadow:
        rebuilt = Rebuilt(bench, shadow, bench.service())
        (drift,) = await rebuilt.drifts()
        assert drift.stuck is not None
        assert drift.stuck.position == drift.first
        assert (rebuilt.rebuilding.counts["poison"], rebuilt.rebuilding.counts["behind poison"]) == (1, 1)
        with pytest.raises(NotRepaired, match="raises ValueError"):
            await rebuilt.repairing.repair(drift, "ops:test", "why not", publish=True)
    assert bench.root(key)["total"] == 3


# --- what people have in their hands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["", "retry", "edit"])
async def test_what_was_passed_for_want_of_order_is_in_peoples_hands(tmp_path: Path, verb: str) -> None:
    bench = Bench(ordered=False)
    commands = line(str(uuid4()), 2)
    async with bench.running():
        failure = await quarantined(bench, commands)
        await eventually(lambda: not bench.parked())
        bench.broken.clear()
        if verb == "retry":
            await deciding(bench).retry(failure, NADIA)
        if verb == "edit":
            await deciding(bench).edit(failure, toy.side_row_of(commands[0].key), NADIA)
        ends = sent(bench)
        await eventually(lambda: bench.committed() == ends)
    assert await compared(bench, tmp_path) == ([], Waits())
    assert bench.root(commands[0].key)["total"] == (2 if verb else 1)


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize("between", [3, 20])
async def test_what_nobody_could_read_is_judged_where_it_was_sent_again(tmp_path: Path, between: int, forgotten: bool) -> None:
    """Its producer was deployed first. Of the resent one the log alone tells: the failure's row may be ``forgotten``."""
    bench, key = Behind(behind=True), str(uuid4())
    async with bench.running():
        await bench.send(toy.side_row_of(key))
        await eventually(lambda: bench.committed() == 1)
    bench.behind = False
    await applied(bench, key, between)
    assert await compared(bench, tmp_path) == ([], Waits())
    async with bench.running():
        await deciding(bench).retry(failures(bench.store)[0]["id"], NADIA)
        await eventually(lambda: bench.root(key)["total"] == between + 1)
    if forgotten:
        lose_table(bench, FAILURES)
    await processed(bench)
    assert await compared(bench, tmp_path) == ([], Waits())


@dataclass
class Behind(Bench):
    """``behind``: it does not know its one kind yet."""

    behind: bool = False

    def service(self) -> Service:
        service = super().service()
        known = tuple(each for each in service.handlers if not self.behind or each.command is not RecordNotificationSuppressed)
        return replace(service, handlers=known)


async def test_a_skipped_command_that_a_replay_had_caused_stays_skipped(tmp_path: Path) -> None:
    bench, key = Bench(), str(uuid4())
    bad = toy.side_row_of(key)
    bench.broken = {bad.notification_id}
    caused = marked(toy.command_record(bad), Replay("r1"))
    await skipped(bench, caused)
    assert bench.root(key)["total"] == 1
    assert await compared(bench, tmp_path) == ([], Waits())


@pytest.mark.parametrize("named", [0, 1])
async def test_a_skipped_copy_takes_its_originals_place_with_it(tmp_path: Path, named: int) -> None:
    """Whether the word names the original's offset or its own."""
    bench, key = Bench(), str(uuid4())
    bad = toy.side_row_of(key)
    original = toy.command_record(bad)
    await bench.log.append_keyed(COMMANDS, [original])
    (partition,) = [each for each, stored in bench.log.records.items() if stored]
    group = bench.log.group(GROUP)
    group.committed[partition] = Offset(1)
    bench.broken = {bad.notification_id}
    place = Position(bench.log.assigned(group, partition).origin, 0)
    replay = Replay("r1", of=place, at=Timestamp("2026-01-31T09:30:00.000Z"))
    await skipped(bench, marked(original, replay))
    stored = bench.log.records[partition]
    (word,) = [each for each in stored if header(each, "ce_type").endswith("SkipRecord.v1")]
    assert str(place).encode() in (word.value or b"")
    stored[word.offset] = replace(word, value=(word.value or b"").replace(str(place).encode(), f"{place.origin}/{named}".encode()))
    assert bench.root(key)["total"] == 1
    assert await compared(bench, tmp_path) == ([], Waits())


def marked(record: Outgoing, replay: Replay) -> Outgoing:
    return Outgoing(record.key, record.value, [*record.headers, *((name, text.encode()) for name, text in replay.pairs() if text)])


async def skipped(bench: Bench, record: Outgoing) -> None:
    """Tried until it is given up, and passed over; a good one behind it is applied."""
    async with bench.running():
        await bench.log.append_keyed(COMMANDS, [record])
        await bench.send(toy.side_row_of(record.key.decode()))
        await eventually(lambda: bool(bench.parked()))
        while not failures(bench.store):
            tries = tried(bench)
            bench.clock.moved += 3_600_000
            await eventually(lambda tries=tries: failures(bench.store) or tried(bench) > tries)  # type: ignore[misc]  # a default binds it
        bench.broken.clear()
        await deciding(bench).skip(failures(bench.store)[0]["id"], NADIA)
        await eventually(lambda: not bench.parked() and SEEN in bench.root(record.key.decode()))
        await eventually(lambda: bench.committed() == sent(bench))
