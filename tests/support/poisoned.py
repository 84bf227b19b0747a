"""The toy service with decisions that can be broken and mended, on a log and a store in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

from contracts.catalogue import decode
from contracts.notification.commands import RecordNotificationSuppressed
from contracts.topics import commands_topic, events_topic
from contracts.types import Timestamp
from tests.support import toy
from tests.support.raw_sealer import ReadableRaw
from workers.engine.decision import Command, Decision, ItemRef
from workers.engine.fuse import FuseLimits
from workers.engine.memory import MemoryLog, MemoryStore, SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.parking import PARKED
from workers.engine.planning import Conveyor
from workers.engine.role import Role
from workers.engine.runtime import RoleName, World, build_role
from workers.engine.service import Service

SETTINGS = Conveyor(look_for_parked=0.01, fuse=FuseLimits(keys=4, ratio=0.2, window=50))


class MovedClock(SystemClock):
    """Real time plus what it was moved by; waits no longer than a moment."""

    def __init__(self) -> None:
        self.moved = 0

    def now(self) -> int:
        return super().now() + self.moved

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.005))


@dataclass
class Bench:
    """The toy service with decisions that can be broken, on a log and a store in memory."""

    clock: MovedClock = field(default_factory=MovedClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    broken: set[str] = field(default_factory=set)
    ordered: bool = True

    def __post_init__(self) -> None:
        self.log = MemoryLog(clock=self.clock)

    def service(self) -> Service:
        def decide(state: toy.Toy, command: Command[RecordNotificationSuppressed], at: Timestamp) -> Decision[toy.Toy]:
            if command.data.notification_id in self.broken:
                raise ValueError("broken on purpose")
            return toy.side_row(state, command, at)

        handlers = [
            replace(each, decide=decide, ordered=self.ordered) if each.command is RecordNotificationSuppressed else each
            for each in toy.HANDLERS
        ]
        return Service(name="notification", handlers=tuple(handlers))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Role]:
        world = World("test", self.log, self.store, self.clock, NoMetrics(), Random(3), {}, conveyor=SETTINGS, raw_sealer=ReadableRaw())
        role = build_role(self.service(), RoleName.COMMANDS, world)
        task = asyncio.create_task(role.run())
        try:
            yield role
        finally:
            role.stop()
            await asyncio.wait({task})
            task.exception()

    async def send(self, *commands: RecordNotificationSuppressed) -> None:
        await self.log.append_keyed(commands_topic("notification"), [toy.command_record(each) for each in commands])

    def committed(self) -> int:
        return sum(offset.offset for offset in self.log.group("notification-commands").committed.values())

    def root(self, key: str) -> dict[str, object]:
        return dict(self.store.items.get(toy.root_ref(key), {}))

    def parked(self) -> list[ItemRef]:
        return sorted((ref for ref in self.store.items if ref.table == PARKED), key=str)

    def events(self, key: str) -> list[tuple[str, bool]]:
        """Notification ids said of one key, in order, and whether late."""
        found = []
        for partition, records in self.log.records.items():
            for record in records:
                if partition.topic == events_topic("notification") and record.key == key.encode():
                    decoded = decode(record.key, record.value, record.headers, record.timestamp)
                    found.append((str(decoded.data.to_item().get("notificationId")), decoded.envelope.late))
        return found


def line(key: str, length: int) -> list[RecordNotificationSuppressed]:
    return [toy.side_row_of(key) for _ in range(length)]


def expected_chain(commands: list[RecordNotificationSuppressed]) -> str:
    state = toy.Toy(commands[0].key)
    for command in commands:
        state = state.applied(command.notification_id)
    return state.chain
