"""What an owner finds in its lines when it begins: full ones, ones that failed before, and what was given up while somebody died."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from contracts.timestamps import from_milliseconds
from tests.support.waiting import eventually
from tests.unit.engine.test_parking_events import PROJECTIONS, REACTIONS, SETTINGS, Bench, Dying
from workers.engine.decision import Item
from workers.engine.events import BATCH
from workers.engine.parking import ATTEMPTS, PARKED, ParkingFull, ParkingLot
from workers.engine.planning import Conveyor
from workers.engine.ports import StoreUnavailable, Write, Written
from workers.engine.quarantine import FAILURES, OPEN
from workers.engine.runtime import RoleName
from workers.engine.service import Event


class Counting(Bench):
    raised = False

    def breaks(self, where: str, event: Event[Any]) -> None:
        self.raised = self.raised or event.id in self.broken.get(where, ())
        super().breaks(where, event)


def failures(bench: Bench) -> list[Item]:
    return [item for ref, item in bench.items.items() if ref.table == FAILURES]


def states(bench: Bench) -> list[str]:
    return [str(bench.items[ref]["state"]) for ref in bench.rows()]


def gives_up(write: Write) -> bool:
    return write.ref.table == PARKED and (write.after or {}).get("state") == "quarantined"


def tells_people(write: Write) -> bool:
    return write.ref.table == FAILURES


@pytest.mark.parametrize("settings", [replace(SETTINGS, parked_a_key=5), replace(SETTINGS, parked=5)])
async def test_a_full_line_goes_on_once_its_cause_is_mended(settings: Conveyor) -> None:
    bench, sick = Bench(settings=settings), str(uuid4())
    ids = await bench.read(sick, 5)
    bench.broken = {"react": {ids[0]}}
    async with bench.running(REACTIONS):
        await eventually(lambda: bench.committed(REACTIONS) == 5)
    ids += await bench.read(sick, 3)
    async with bench.running(REACTIONS) as role:
        await eventually(lambda: role.failure)
        assert isinstance(role.failure, ParkingFull)
    assert (bench.committed(REACTIONS), len(bench.rows())) == (5, 5)
    bench.broken.clear()
    async with bench.running(REACTIONS) as role:
        await eventually(lambda: role.failure or bench.committed(REACTIONS) == 8)
        assert role.failure is None
        await eventually(lambda: not bench.rows() and not bench.held())
    assert bench.causes(sick) == ids


async def test_a_full_line_stops_nobody_while_nothing_is_added() -> None:
    """The cap was lowered, say: then a start alone must not end."""
    bench, sick, well = Bench(), str(uuid4()), str(uuid4())
    ids = await bench.read(sick, 5)
    bench.broken = {"react": {ids[0]}}
    async with bench.running(REACTIONS):
        await eventually(lambda: bench.committed(REACTIONS) == 5)
    others = await bench.read(well, 2)
    bench.settings = replace(SETTINGS, parked_a_key=3)
    async with bench.running(REACTIONS) as role:
        await eventually(lambda: role.failure or bench.committed(REACTIONS) == 7)
        assert role.failure is None
    assert (bench.causes(well), len(bench.rows())) == (others, 5)


@pytest.mark.parametrize(("name", "where"), [(REACTIONS, "react"), (PROJECTIONS, "project")])
async def test_every_start_tries_each_line_and_many_starts_do_not_use_up_its_attempts(name: RoleName, where: str) -> None:
    bench, sick = Counting(), str(uuid4())
    ids = await bench.read(sick, 2)
    bench.broken = {where: {ids[0]}}
    async with bench.running(name):
        await eventually(lambda: bench.committed(name) == 2)
    for _ in range(ATTEMPTS + 3):
        bench.raised = False
        async with bench.running(name):
            await eventually(lambda: bench.raised)
    assert (states(bench), failures(bench)) == (["parked", "parked"], [])
    bench.broken.clear()
    async with bench.running(name):
        await eventually(lambda: not bench.rows() and not bench.held())


@pytest.mark.parametrize(("name", "where"), [(REACTIONS, "react"), (PROJECTIONS, "fold0")])
async def test_who_dies_between_giving_up_and_telling_people_is_made_up_for(name: RoleName, where: str) -> None:
    bench, sick = Bench(), str(uuid4())
    ids = await bench.read(sick, 1)
    bench.broken = {where: set(ids)}
    dying = bench.store()
    dying.dies = tells_people

    def dead() -> bool:
        bench.clock.moved += 60_000
        return dying.dead

    async with bench.running(name, dying):
        await eventually(lambda: bench.committed(name) == 1)
        await eventually(dead)
    assert (states(bench), failures(bench)) == (["quarantined"], [])
    bench.broken.clear()

    def told() -> bool:
        bench.clock.moved += 60_000
        return bool(failures(bench))

    async with bench.running(name):
        await eventually(told)
    (failure,) = failures(bench)
    assert (failure["attempts"], failure["state"], states(bench)) == (ATTEMPTS, OPEN, ["quarantined"])


@pytest.mark.parametrize(("name", "where"), [(REACTIONS, "react"), (PROJECTIONS, "fold0")])
async def test_what_is_not_kept_as_given_up_is_not_told_and_is_tried_again(name: RoleName, where: str) -> None:
    """The process that mends it starts while the last attempt's end is written."""

    class Away(Dying):
        async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
            if any(map(gives_up, writes)):
                bench.broken.clear()
                raise StoreUnavailable("for a while")
            return await super().write(writes)

    bench, sick = Bench(), str(uuid4())
    ids = await bench.read(sick, 2)
    bench.broken = {where: {ids[0]}}
    async with bench.running(name, Away(bench.items)):
        await eventually(lambda: bench.committed(name) == 2)
        await bench.until_drained(name, 2)
    assert failures(bench) == []


@pytest.mark.parametrize("between", [0, BATCH + 5])
async def test_a_line_waits_for_what_its_former_owner_had_not_made_durable(between: int) -> None:
    """However far behind the log's beginning its rows stand."""

    class Away(Dying):
        async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
            if any(write.ref.key.startswith("SUM#") for write in writes):
                raise StoreUnavailable("for as long as this owner lives")
            return await super().write(writes)

    bench, sick = Bench(), str(uuid4())
    ids = await bench.read(sick, between + 3)
    bench.broken = {"project": {ids[-2]}}
    async with bench.running(PROJECTIONS, Away(bench.items)):
        await eventually(lambda: len(bench.rows()) == 2)
    assert (bench.committed(PROJECTIONS), bench.total("all")) == (0, 0)
    bench.mend()
    async with bench.running(PROJECTIONS):
        await bench.until_drained(PROJECTIONS, between + 3)
    assert bench.total(sick) == between + 3


@pytest.mark.parametrize("decision", ["retried", "skipped"])
async def test_what_people_decided_is_open_again_only_if_it_failed_again(decision: str) -> None:
    bench, sick = Bench(), str(uuid4())
    bench.broken = {"react": set(await bench.read(sick, 1))}
    lot = ParkingLot("notification-reactions", bench.store(), bench.clock, Random(1))

    def told() -> list[str]:
        bench.clock.moved += 60_000
        return [each["state"] for each in failures(bench)]

    async with bench.running(REACTIONS):
        await eventually(told)
        (ref,) = [ref for ref in bench.items if ref.table == FAILURES]
        bench.items[ref] = {**bench.items[ref], "state": decision}
        (row,) = await lot.line(sick)
        await eventually(lambda: told() and bench.items[row.ref]["nextAttemptAt"] > from_milliseconds(row.next_attempt_at))
        assert told() == [decision]
        (row,) = await lot.line(sick)
        await lot.keep(row, lot.released(row))
        await eventually(lambda: told() == [OPEN])
    assert (bench.causes(sick), states(bench)) == ([], ["quarantined"])
