"""An event that raises in a reaction, a projection, a fold or an effect's condition holds its key and nobody else's; the role goes on, and
what waited is done once and in order when it can be."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from contracts.envelope import Envelope, text_headers
from contracts.notification.events import NotificationDelivered, NotificationsRead
from contracts.position import Origin, Position
from contracts.topics import commands_topic, events_topic
from tests.support import toy
from tests.support.poisoned import MovedClock
from tests.support.raw_sealer import ReadableRaw
from tests.support.waiting import eventually
from workers.engine.decision import Item, ItemRef
from workers.engine.folding import SKIPPED
from workers.engine.fuse import FuseLimits, FuseTripped
from workers.engine.holds import HEAD
from workers.engine.ledger import EFFECTS
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.parking import ATTEMPTS, PARKED, ParkingFull, ParkingLot
from workers.engine.planning import Conveyor
from workers.engine.ports import Store, StoreUnavailable, Write, Written
from workers.engine.record import Outgoing
from workers.engine.role import Role
from workers.engine.runtime import RoleName, World, build_role
from workers.engine.service import Call, Change, Done, Effect, Event, Projection, Reaction, Result, Send, Service

EVENTS, COMMANDS = events_topic("notification"), commands_topic("notification")
SETTINGS = Conveyor(look_for_parked=0.01, fuse=FuseLimits(keys=4, ratio=0.2, window=50))


class Broken(Exception):
    """On purpose."""


class Dying(MemoryStore):
    """``dies``: says of a write that the process ends before it; from then on nothing of it happens."""

    def __init__(self, items: dict[ItemRef, Item]) -> None:
        super().__init__()
        self.items = items
        self.dies: Any = lambda _write: False
        self.dead = False

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        self.dead = self.dead or any(self.dies(write) for write in writes)
        await self._alive()
        return await super().write(writes)

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        await self._alive()
        return await super().get(refs)

    async def _alive(self) -> None:
        if self.dead:
            await asyncio.Event().wait()


@dataclass
class Bench:
    """Readers of the toy's events that can be broken, by event id, for one place each."""

    clock: MovedClock = field(default_factory=MovedClock)
    broken: dict[str, set[str]] = field(default_factory=dict)
    settings: Conveyor = SETTINGS
    sent: int = 0

    def __post_init__(self) -> None:
        self.log, self.items = MemoryLog(clock=self.clock), dict[ItemRef, Item]()

    def breaks(self, where: str, event: Event[Any]) -> None:
        if event.id in self.broken.get(where, ()):
            raise Broken(where)

    def service(self) -> Service:
        def react(event: Event[NotificationsRead], rows: Sequence[Item]) -> Sequence[Send]:
            self.breaks("react", event)
            return toy.follow_up(event, rows)

        def project(event: Event[NotificationsRead]) -> Sequence[Change]:
            self.breaks("project", event)
            return [replace(each, fold=self.folding(event, each, n)) for n, each in enumerate(toy.sums(event))]

        def when(event: Event[NotificationDelivered]) -> bool:
            self.breaks("when", event)
            return True

        async def run(call: Call[Any], rows: Mapping[ItemRef, Item], port: None) -> Result:
            return Done()

        return Service(
            name="notification",
            reactions=(Reaction(NotificationsRead, react),),
            projections=(Projection(NotificationsRead, toy.TABLE, project),),
            effects=(Effect("toy.when", NotificationDelivered, "toy", run, when=when),),
        )

    def folding(self, event: Event[Any], change: Change, n: int) -> Any:
        def fold(item: Item | None, shard: str) -> Item:
            self.breaks(f"fold{n}", event)
            return change.fold(item, shard)

        return fold

    @asynccontextmanager
    async def running(self, name: RoleName, store: Store | None = None) -> AsyncIterator[Role]:
        """Ends as a crash does when the store is dead: nothing is settled any more."""
        found = store or self.store()
        world = World(
            "test",
            self.log,
            found,
            self.clock,
            NoMetrics(),
            Random(3),
            {"toy": None},
            conveyor=self.settings,
            projection_interval=0.0,
            raw_sealer=ReadableRaw(),
        )
        before = asyncio.all_tasks()
        role = build_role(self.service(), name, replace(world, pace=replace(world.pace, commit_every=0.005, drain=0.05, bookmarks=0.02)))
        task = asyncio.create_task(role.run())
        try:
            yield role
        finally:
            role.stop()
            await asyncio.wait({task}, timeout=2)
            left = [each for each in asyncio.all_tasks() - before if each is not asyncio.current_task()]
            for each in left:
                each.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def store(self) -> Dying:
        return Dying(self.items)

    async def read(self, key: str, count: int, ids: int = 1) -> list[str]:
        """Appends events of one key; returns their ids."""
        return await self.tell([(key, toy.read_event(key, ids)) for _ in range(count)])

    async def tell(self, events: Sequence[tuple[str, Any]]) -> list[str]:
        names = [str(uuid4()) for _ in events]
        records: list[Outgoing] = []
        for name, (key, data) in zip(names, events, strict=True):
            records.append(toy.event_record(data, key, Position(Origin(f"commands/{key}"), self.sent), event=name))
            self.sent += 1
        await self.log.append_keyed(EVENTS, records)
        return names

    def committed(self, name: RoleName) -> int:
        return sum(offset.offset for offset in self.log.group(f"notification-{name}").committed.values())

    def rows(self) -> list[ItemRef]:
        return sorted((ref for ref in self.items if ref.table == PARKED and ref.range != HEAD), key=str)

    def held(self) -> set[str]:
        return {key for ref, item in self.items.items() if ref.table == PARKED and ref.range == HEAD for key in item["holds"]}

    def causes(self, key: str) -> list[str]:
        """Events whose commands were sent under ``key``, in order, first times only."""
        records = [record for partition, each in self.log.records.items() if partition.topic == COMMANDS for record in each]
        found = [Envelope.from_headers(text_headers(record.headers)).causation_id for record in records if record.key == key.encode()]
        return list(dict.fromkeys(found))

    def total(self, key: str) -> int:
        return sum(int(item["sum"]) for ref, item in self.items.items() if ref.key.startswith(f"SUM#{key}#") and "sum" in item)

    def mend(self) -> None:
        self.broken.clear()
        self.clock.moved += 3_600_000

    async def until_drained(self, name: RoleName, committed: int) -> None:
        def drained() -> bool:
            self.clock.moved += 60_000
            return not self.rows() and not self.held() and self.committed(name) == committed

        await eventually(drained, what=lambda: (self.rows(), self.held(), self.committed(name)))


REACTIONS, PROJECTIONS, EFFECT_ROLE = RoleName.REACTIONS, RoleName.PROJECTIONS, RoleName.EFFECTS


async def test_a_reaction_that_raises_holds_its_key_in_order_and_the_others_go_on() -> None:
    bench, sick, well = Bench(), str(uuid4()), str(uuid4())
    ids = await bench.read(sick, 6)
    bench.broken = {"react": {ids[2]}}
    others = await bench.read(well, 5)
    async with bench.running(REACTIONS):
        await eventually(lambda: bench.committed(REACTIONS) == 11)
        assert (bench.causes(sick), bench.causes(well)) == (ids[:2], others)
        assert (len(bench.rows()), bench.held()) == (4, {sick})
        more = await bench.read(sick, 3)
        await eventually(lambda: len(bench.rows()) == 7)
        bench.mend()
        await bench.until_drained(REACTIONS, 14)
        last = await bench.read(sick, 2)
        await eventually(lambda: len(bench.causes(sick)) == 11)
    assert bench.causes(sick) == [*ids, *more, *last]


async def test_a_line_survives_its_owner_and_what_comes_meanwhile_waits_behind() -> None:
    bench, sick = Bench(), str(uuid4())
    ids = await bench.read(sick, 3)
    bench.broken = {"react": {ids[0]}}
    async with bench.running(REACTIONS):
        await eventually(lambda: bench.committed(REACTIONS) == 3)
    more = await bench.read(sick, 3)
    async with bench.running(REACTIONS):
        await eventually(lambda: bench.committed(REACTIONS) == 6)
        assert bench.causes(sick) == []
        bench.mend()
        await bench.until_drained(REACTIONS, 6)
    assert bench.causes(sick) == [*ids, *more]


async def test_after_its_last_attempt_it_is_quarantined_and_still_holds_its_key() -> None:
    bench, sick = Bench(), str(uuid4())
    ids = await bench.read(sick, 2)
    bench.broken = {"react": {ids[0]}}

    def failures() -> list[Item]:
        bench.clock.moved += 60_000
        return [item for ref, item in bench.items.items() if ref.table == "platform-failures"]

    async with bench.running(REACTIONS):
        await eventually(failures)
        await eventually(lambda: bench.committed(REACTIONS) == 2)
    (failure,) = failures()
    assert (failure["attempts"], failure["key"], failure["role"]) == (ATTEMPTS, sick, "notification-reactions")
    assert (len(bench.rows()), bench.held(), bench.causes(sick)) == (2, {sick}, [])


@pytest.mark.parametrize("decision", ["released", "passed_over"])
async def test_what_people_say_of_a_quarantined_event_is_done_by_its_worker(decision: str) -> None:
    bench, sick = Bench(), str(uuid4())
    ids = await bench.read(sick, 3)
    bench.broken = {"react": {ids[0]}}
    lot = ParkingLot("notification-reactions", bench.store(), bench.clock, Random(1))

    def given_up() -> bool:
        bench.clock.moved += 60_000
        return any(item.get("state") == "quarantined" for item in bench.items.values())

    async with bench.running(REACTIONS):
        await eventually(given_up)
        await eventually(lambda: bench.committed(REACTIONS) == 3)
        bench.broken.clear()
        first = (await lot.line(sick))[0]
        await lot.keep(first, getattr(lot, decision)(first))
        await bench.until_drained(REACTIONS, 3)
    assert bench.causes(sick) == (ids if decision == "released" else ids[1:])


async def test_a_command_no_log_takes_parks_its_event_and_those_behind() -> None:
    bench, sick, well = Bench(), str(uuid4()), str(uuid4())
    first = await bench.read(sick, 1)
    large = await bench.tell([(sick, toy.read_event(sick))])
    behind, others = await bench.read(sick, 1), await bench.read(well, 2)
    service = bench.service()

    def react(event: Event[NotificationsRead], rows: Sequence[Item]) -> Sequence[Send]:
        sends = toy.follow_up(event, rows)
        return [Send(toy.side_row_of(event.key, reason="x" * 2_000_000))] if event.id in bench.broken.get("large", ()) else sends

    bench.broken = {"large": set(large)}
    bench.service = lambda: replace(service, reactions=(Reaction(NotificationsRead, react),))  # type: ignore[method-assign]  # this once
    async with bench.running(REACTIONS):
        await eventually(lambda: bench.committed(REACTIONS) == 5)
        assert (bench.causes(sick), bench.causes(well), len(bench.rows())) == (first, others, 2)
        bench.mend()
        await bench.until_drained(REACTIONS, 5)
    assert bench.causes(sick) == [*first, *large, *behind]


@pytest.mark.parametrize("where", ["project", "fold0", "fold1"])
async def test_a_projection_that_raises_counts_exactly_once_mended(where: str) -> None:
    bench, sick, well = Bench(), str(uuid4()), str(uuid4())
    ids = await bench.read(sick, 6, 2)
    bench.broken = {where: {ids[1], ids[3]}}
    await bench.read(well, 5)
    async with bench.running(PROJECTIONS):
        await eventually(lambda: bench.committed(PROJECTIONS) == 11)
        assert bench.total(well) == 5
        wanted = {"project": (2, 2), "fold0": (8, 12), "fold1": (12, 8)}
        assert (bench.total(sick), bench.total("all") - 5) == wanted[where]
        bench.mend()
        await bench.until_drained(PROJECTIONS, 11)
        await bench.read(sick, 1)
        await eventually(lambda: bench.total(sick) == 13)
    assert (bench.total("all"), bench.total(well)) == (18, 5)


async def test_a_row_whose_first_fold_raises_is_absent_to_readers() -> None:
    bench, sick = Bench(), str(uuid4())
    ids = await bench.read(sick, 1)
    bench.broken = {"fold0": set(ids)}
    async with bench.running(PROJECTIONS):
        await eventually(lambda: bench.committed(PROJECTIONS) == 1)
        (row,) = [item for ref, item in bench.items.items() if ref.key.startswith(f"SUM#{sick}#")]
        assert ("createdAt" in row, list(row[SKIPPED].values())) == (False, [[0]])
        bench.mend()
        await bench.until_drained(PROJECTIONS, 1)
    (row,) = [item for ref, item in bench.items.items() if ref.key.startswith(f"SUM#{sick}#")]
    assert (row["sum"], SKIPPED in row) == (1, False)


async def test_an_effects_condition_that_raises_holds_its_key() -> None:
    bench, sick, well = Bench(), str(uuid4()), str(uuid4())
    ids = await bench.tell([(sick, toy.delivered_event()) for _ in range(3)])
    bench.broken = {"when": {ids[1]}}
    await bench.tell([(well, toy.delivered_event())])

    def ledger() -> int:
        return len([ref for ref in bench.items if ref.table == EFFECTS])

    async with bench.running(EFFECT_ROLE):
        await eventually(lambda: bench.committed(EFFECT_ROLE) == 4)
        assert (ledger(), bench.held()) == (2, {sick})
        bench.mend()
        await bench.until_drained(EFFECT_ROLE, 4)
    assert ledger() == 4


# --- crashes and other owners -----------------------------------------------------------------------------------------


def head(write: Write) -> bool:
    return write.ref.range == HEAD


def row(write: Write) -> bool:
    return write.ref.table == PARKED and write.ref.range != HEAD and write.after is not None


def deletion(write: Write) -> bool:
    return write.ref.table == PARKED and write.after is None


def summed(write: Write) -> bool:
    return write.ref.key.startswith("SUM#")


@pytest.mark.parametrize("where", ["react", "project", "fold0", "fold1"])
@pytest.mark.parametrize("dies", [head, row, deletion, summed])
@pytest.mark.parametrize("time", [1, 2])
async def test_dying_anywhere_loses_nothing_and_does_nothing_twice(where: str, dies: Any, time: int) -> None:
    bench, sick, well = Bench(), str(uuid4()), str(uuid4())
    name = REACTIONS if where == "react" else PROJECTIONS
    ids = [*await bench.read(sick, 2), *await bench.read(well, 2), *await bench.read(sick, 2)]
    bench.broken = {where: {ids[1]}}
    dying, times = bench.store(), [0]

    def now(write: Write) -> bool:
        times[0] += bool(dies(write))
        return times[0] >= time

    dying.dies = now
    async with bench.running(name, dying):
        await eventually(lambda: dying.dead or bench.committed(name) == 6)
        bench.mend()
        await eventually(lambda: dying.dead or not bench.rows())
    async with bench.running(name):
        await bench.until_drained(name, 6)
        ids += await bench.read(sick, 1)
        await bench.until_drained(name, 7)
    if where == "react":
        assert (bench.causes(sick), bench.causes(well)) == ([ids[0], ids[1], *ids[4:]], ids[2:4])
    else:
        assert (bench.total(sick), bench.total(well), bench.total("all")) == (5, 2, 7)


@pytest.mark.parametrize("where", ["project", "fold0"])
async def test_what_one_owner_folded_and_another_could_not_counts_once(where: str) -> None:
    """The first dies before it commits; to the next, an older version, the same event is poison."""
    bench, key = Bench(), str(uuid4())
    ids = await bench.read(key, 3)
    dying = bench.store()
    dying.dies = lambda write: write.ref.table == "platform-audit"
    async with bench.running(PROJECTIONS, dying) as first:
        first.pace = replace(first.pace, commit_every=3600.0)
        await eventually(lambda: bench.total(key) == 3)
        group = bench.log.group("notification-projections")
        group.committed.clear()
    group.committed.clear()
    bench.broken = {where: {ids[1]}}
    async with bench.running(PROJECTIONS):
        await eventually(lambda: bench.committed(PROJECTIONS) == 3)
        bench.mend()
        await bench.until_drained(PROJECTIONS, 3)
    assert (bench.total(key), bench.total("all")) == (3, 3)


# --- the fuse and the caps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "where"), [(REACTIONS, "react"), (PROJECTIONS, "project"), (PROJECTIONS, "fold1")])
async def test_a_bad_deploy_advances_no_offset(name: RoleName, where: str) -> None:
    bench, keys = Bench(), [str(uuid4()) for _ in range(40)]
    ids = await bench.tell([(key, toy.read_event(key)) for key in keys])
    bench.broken = {where: set(ids)}
    async with bench.running(name) as role:
        await eventually(lambda: role.failure)
        assert isinstance(role.failure, FuseTripped)
    assert bench.committed(name) == 0
    bench.mend()
    async with bench.running(name):
        await bench.until_drained(name, 40)
    if name is REACTIONS:
        assert [bench.causes(key) for key in keys] == [[each] for each in ids]
    else:
        assert (bench.total("all"), {bench.total(key) for key in keys}) == (40, {1})


@pytest.mark.parametrize("settings", [replace(SETTINGS, parked_a_key=3), replace(SETTINGS, parked=3)])
async def test_more_than_may_wait_stops_the_role(settings: Conveyor) -> None:
    bench, sick = Bench(settings=settings), str(uuid4())
    ids = await bench.read(sick, 5)
    bench.broken = {"react": {ids[0]}}
    async with bench.running(REACTIONS) as role:
        await eventually(lambda: role.failure)
        assert isinstance(role.failure, ParkingFull)
    assert bench.committed(REACTIONS) == 0


async def test_a_store_that_is_away_is_waited_for() -> None:
    class Away(Dying):
        left = 20

        async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
            if any(write.ref.table == PARKED for write in writes) and self.left:
                self.left -= 1
                raise StoreUnavailable("for a while")
            return await super().write(writes)

    bench, sick = Bench(), str(uuid4())
    ids = await bench.read(sick, 3)
    bench.broken = {"react": {ids[0]}}
    away = Away(bench.items)
    async with bench.running(REACTIONS, away) as role:
        await eventually(lambda: bench.committed(REACTIONS) == 3)
        away.left = 20
        bench.mend()
        await bench.until_drained(REACTIONS, 3)
        assert role.failure is None
    assert bench.causes(sick) == ids
