"""Seeded mixtures to replay: what was applied, what a group was moved past, tables that lost keys; and replays of them in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from uuid import UUID

from contracts.replay import ALL, NONE
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from tests.support import toy
from tests.support.process import Plant
from tests.support.stories import story, with_repeats
from tests.support.waiting import eventually
from workers.engine.bookmarks import Bookmark
from workers.engine.decision import Item, ItemRef
from workers.engine.ledger import EFFECTS
from workers.engine.memory.reading import MemoryReader
from workers.engine.ports import Offset
from workers.engine.record import Outgoing, Record
from workers.engine.root import exists, plain
from workers.engine.runtime import RoleName
from workers.engine.service import Call, Done, Result
from workers.ops.replay.operating import Prepared, Replays
from workers.ops.replay.plan import Mode, ReplayPlan
from workers.ops.replay.selection import Selection

COMMANDS, EVENTS = commands_topic("notification"), events_topic("notification")
GROUP = "notification-commands"
ROLES = (RoleName.COMMANDS, RoleName.REACTIONS, RoleName.EFFECTS, RoleName.PROJECTIONS)
FAST: Final = 1e9
"""Records a second: no test waits for a rate."""


@dataclass
class CountingPort:
    """An outside that takes everything and is asked how often."""

    calls: list[str] = field(default_factory=list)

    async def call(self, call: Call[Any], rows: Mapping[ItemRef, Item]) -> Result:
        self.calls.append(call.id)
        return Done()


def replays_on(made: Plant) -> Replays:
    services = {toy.SERVICE.name: toy.SERVICE}
    return Replays(services, made.log, MemoryReader(made.log), made.store, made.clock, Random(0))


def plan_of(selection: Selection, mode: Mode = Mode.ENSURE, effects: str = NONE, *, to: str = "", seed: int = 0) -> ReplayPlan:
    name = str(UUID(int=Random(f"replay {seed}").getrandbits(128)))
    return ReplayPlan(name, selection, mode, "ops", "a test", effects, to, FAST)


async def run_roles(made: Plant, *roles: RoleName) -> None:
    """Until every role is through with everything, what they send each other included; then they stop."""
    processes = [made.start(role) for role in roles or ROLES]
    await until_quiet(made)
    for process in processes:
        await process.stop()


async def until_quiet(made: Plant) -> None:
    def left() -> int:
        for process in made.processes:
            if process.role.failure:
                raise AssertionError(f"{process.role.name} failed") from process.role.failure
        commands = sum(made.open(process.role.name, COMMANDS) for process in made.processes if process.role.name == GROUP)
        called = sum("openPartition" in item for ref, item in made.store.items.items() if ref.table == EFFECTS)
        return commands + called + sum(made.open(process.role.name, EVENTS) for process in made.processes if process.role.name != GROUP)

    await eventually(lambda: not left(), 30.0, lambda: f"{left()} records or calls open")


def skip_to_end(made: Plant) -> None:
    """As somebody who moves the group's offsets forward."""
    group = made.log.group(GROUP)
    for partition, records in made.log.records.items():
        if partition.topic == COMMANDS:
            origin = made.log.assigned(group, partition).origin
            group.committed[partition] = Offset(len(records), Bookmark(origin, len(records)).pack())


def lose(made: Plant, keys: Collection[str]) -> None:
    """As a table that lost some keys whole: roots and the rows they own."""
    for key in keys:
        made.store.items.pop(toy.root_ref(key), None)
        for ref in [ref for ref, item in made.store.items.items() if item.get("ownerId") == key]:
            del made.store.items[ref]


def rows_of(items: Mapping[ItemRef, Item]) -> dict[ItemRef, Item]:
    """The service's state: what readers see, without bookkeeping and the projections' sums."""
    shown = {ref: plain(item) for ref, item in items.items() if ref.table == toy.TABLE and exists(item)}
    return {ref: item for ref, item in shown.items() if not ref.key.startswith("SUM#")}


@dataclass(frozen=True)
class Mixture:
    """``applied`` and ``skipped`` commands in the log, ``lost`` keys gone from the table."""

    made: Plant
    chance: Random
    keys: Sequence[str]

    @classmethod
    async def of(cls, made: Plant, seed: int, *, keys: int = 6, commands: int = 40) -> "Mixture":
        chance = Random(f"mixture {seed}")
        told = story(chance, chance.randint(1, keys), commands)
        records = with_repeats([toy.command_record(data, command_id=str(UUID(int=chance.getrandbits(128)))) for data in told])
        cut = chance.randrange(len(records))
        mixture = cls(made, chance, sorted({each.key for each in told}))
        await mixture.applied(records[:cut])
        made.clock.advance(3600)
        await made.send(COMMANDS, records[cut:])
        skip_to_end(made)
        lose(made, [key for key in mixture.keys if chance.random() < 0.25])
        made.clock.advance(3600)
        return mixture

    async def applied(self, records: Sequence[Outgoing]) -> None:
        await self.made.send(COMMANDS, records)
        await run_roles(self.made)

    def plan(self, seed: int) -> ReplayPlan:
        chance = self.chance
        mode, effects = chance.choice((Mode.ENSURE, Mode.ENSURE, Mode.REDO)), chance.choice((NONE, ALL, "toy"))
        return plan_of(self.selection(), mode, effects, seed=seed)

    def selection(self) -> Selection:
        chance, records = self.chance, self.made.records(COMMANDS)
        match chance.randrange(6):
            case 0:
                return Selection((COMMANDS,), keys=frozenset(chance.sample(self.keys, chance.randint(1, len(self.keys)))))
            case 1:
                kinds = frozenset({"MarkNotificationsRead", "RecordNotificationSuppressed", "RecordNotificationSent"})
                return Selection((COMMANDS,), kinds=frozenset(chance.sample(sorted(kinds), 2)))
            case 2:
                since = from_milliseconds(chance.choice(records).timestamp)
                return Selection((COMMANDS,), since=since)
            case 3:
                partition = chance.choice(records).partition.number
                return Selection((COMMANDS,), partition=partition, first=chance.randrange(5))
            case 4:
                return Selection((COMMANDS,), ids=frozenset(name_of(each) for each in chance.sample(records, len(records) // 2)))
            case _:
                return Selection((COMMANDS,))


def name_of(record: Record) -> str:
    return next((value or b"").decode() for name, value in record.headers if name == "ce_id")


async def prepared(made: Plant, plan: ReplayPlan) -> Prepared:
    return await replays_on(made).prepare(plan)
