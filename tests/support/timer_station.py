"""The timers role on a log and a store in memory, with a clock that stands still until it is moved."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import orjson

from contracts.catalogue import Decoded, decode
from contracts.contract.commands import ExpireContractOffer
from contracts.envelope import Envelope
from contracts.ids import derived, timer_id
from contracts.message import EventData, Message
from contracts.platform import TimerCancelled, TimerScheduled
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import ContractId, Id, Timestamp
from tests.support.raw_sealer import ReadableRaw
from tests.support.waiting import eventually
from workers.engine.decision import Item
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.partitioner import partition_of
from workers.engine.record import Outgoing, Partition
from workers.engine.role import Pace, Role
from workers.engine.runtime import RoleName, World, build_role
from workers.engine.service import Service
from workers.engine.timer_rows import TIMERS, Cursor, Place, hour_of
from workers.engine.timers import TimersPace, TimersSink

SERVICE = "contract"
EVENTS, COMMANDS = events_topic(SERVICE), commands_topic(SERVICE)
GROUP = f"{SERVICE}-timers"
NAME = "contract-signing-deadline"
BEGIN = 1_767_225_600_000
"""2026-01-01T00:00:00.000Z"""
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
EXACT = TimersPace(margin=0.0)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class MovedClock:
    def __init__(self, at: int = BEGIN) -> None:
        self._now = at
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if (due := self._now + round(seconds * 1000)) <= self._now:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((due, sleeper))
        await sleeper

    def move(self, to: int) -> None:
        self._now = to
        self._sleepers = [each for each in self._sleepers if not each[1].done()]
        for due, sleeper in self._sleepers:
            if due <= to:
                sleeper.set_result(None)


def contract(number: int) -> ContractId:
    return ContractId(derived(f"contract:{number}"))


def timer(number: int) -> Id:
    return timer_id(NAME, contract(number))


def scheduling(number: int, due: int) -> TimerScheduled:
    command = ExpireContractOffer(contract_id=contract(number))
    return TimerScheduled(
        timer_id=timer(number),
        timer=NAME,
        due_at=from_milliseconds(due),
        command_type=command.kind(),
        key=command.key,
        data=command.to_item(),
    )


def cancelling(number: int) -> TimerCancelled:
    return TimerCancelled(timer_id=timer(number), timer=NAME)


def spoken(number: int, data: EventData, sequence: int, service: str = SERVICE) -> Outgoing:
    """As a commands role publishes it. No position: whatever is delivered twice reaches the role's own judgement."""
    envelope = Envelope(
        id=derived(f"word:{number}:{sequence}"),
        kind=data.kind(service),
        source=f"/mindlinks/{service}/commands",
        subject=contract(number),
        time=Timestamp("2026-01-01T00:00:00.000Z"),
        correlation_id=derived("correlation"),
        causation_id=derived("command"),
        actor="public",
        traceparent=TRACE,
        sequence=f"{sequence:010d}.0000",
    )
    return Outgoing(contract(number).encode(), data.to_json(), envelope.headers())


class Station:
    """Stations that share log, store and clock are members of one group."""

    def __init__(
        self,
        partitions: int = 1,
        *,
        store: MemoryStore | None = None,
        log: MemoryLog | None = None,
        clock: MovedClock | None = None,
        pace: TimersPace = EXACT,
        service: Service | None = None,
    ) -> None:
        self.clock = clock or MovedClock()
        self.log = log or MemoryLog({EVENTS: partitions, COMMANDS: partitions}, self.clock)
        self.store = store or MemoryStore()
        self._partitions, self._pace, self._service = partitions, pace, service or Service(SERVICE)
        self._running: asyncio.Task[None] | None = None
        self._sequence = 0

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self, store: MemoryStore | None = None) -> None:
        world = World(
            "test",
            self.log,
            store or self.store,
            self.clock,
            NoMetrics(),
            Random(1),
            {},
            Pace(commit_every=0.005, drain=1.0),
            timers=self._pace,
            raw_sealer=ReadableRaw(),
        )
        self.role: Role = build_role(self._service, RoleName.TIMERS, world)
        self._running = asyncio.create_task(self.role.run())
        await self._soon(self.role.assigned_once.is_set)

    async def stop(self) -> Exception | None:
        """Drained; answers the fault that had stopped it, if one had."""
        assert self._running is not None
        self.role.stop()
        await asyncio.wait({self._running})
        error = self._running.exception()
        return error if isinstance(error, Exception) else None

    def rewind(self) -> None:
        """While stopped: everything is delivered again."""
        self.log.group(GROUP).committed.clear()

    # --- words and time --------------------------------------------------------------------------------------------

    async def say(self, number: int, data: EventData, sequence: int | None = None) -> Outgoing:
        self._sequence += 1
        return await self.repeat(spoken(number, data, self._sequence if sequence is None else sequence))

    async def repeat(self, record: Outgoing) -> Outgoing:
        await self.log.append(Partition(EVENTS, partition_of(record.key, self._partitions)), [record])
        await self.quiet()
        return record

    async def move(self, to: int) -> None:
        self.clock.move(to)
        await self.quiet()

    # --- what can be seen ------------------------------------------------------------------------------------------

    def fired(self) -> list[Decoded[Message]]:
        records = [record for place in self.log.partitions([COMMANDS]) for record in self.log.records[place]]
        return [decode(record.key, record.value, record.headers, record.timestamp) for record in records]

    def fired_for(self) -> list[tuple[str, str]]:
        """(contract, due time) of each command, in order of publishing within a partition."""
        return [(each.envelope.subject, each.envelope.time) for each in self.fired()]

    def values(self) -> list[dict[str, Any]]:
        return [orjson.loads(r.value or b"") for place in self.log.partitions([COMMANDS]) for r in self.log.records[place]]

    def row(self, number: int) -> Item:
        return next(item for item in self.rows() if item["timerId"] == timer(number))

    def rows(self) -> list[Item]:
        """The whole table, cursors included."""
        return [item for ref, item in self.store.items.items() if ref.table == TIMERS]

    def waiting(self) -> list[Item]:
        return [item for item in self.rows() if item.get("state") == "waiting"]

    def cursor(self, partition: int = 0) -> int | None:
        item = self.store.items.get(Place(SERVICE, partition).cursor)
        return Cursor.of(item).hour if item else None

    def none_is_behind_the_cursor(self) -> bool:
        behind = [
            item
            for item in self.waiting()
            if item["dueBucket"].rpartition("#")[2] < self.store.items[Place(SERVICE, item["partition"]).cursor]["hour"]
        ]
        return not behind

    def now_hour(self) -> int:
        return hour_of(self.clock.now())

    # --- waiting -----------------------------------------------------------------------------------------------------

    async def quiet(self) -> None:
        """All words are kept and everything due is fired, or the role has failed."""
        await self._soon(lambda: self.role.failure is not None or self._is_quiet())

    def _is_quiet(self) -> bool:
        owned = list(self.role._owned.values())
        ends = [len(self.log.records[each.partition]) for each in owned]
        if any(each.watermark.value < end for each, end in zip(owned, ends, strict=True)):
            return False
        sink = self._sink()
        desks = [sink._desks.get(each) for each in owned]
        return all(desk is not None and desk.loop is not None and self._rests(desk) for desk in desks)

    def _rests(self, desk: Any) -> bool:
        due = desk.next_due()
        margin = int(self._pace.margin * 1000)
        ripe = from_milliseconds(self.clock.now() - margin)
        looked = desk.cursor is None or desk.look_at > self.clock.now()
        resting = getattr(desk.loop.get_coro().cr_await, "__name__", "") == "_rest"
        return resting and looked and not desk.woken.is_set() and (due is None or due > ripe)

    def _sink(self) -> TimersSink:
        sink = self.role._processor._sink  # type: ignore[attr-defined]  # the events processor's own
        assert isinstance(sink, TimersSink)
        return sink

    def _why(self) -> str:
        owned = list(self.role._owned.values())
        desks = list(self._sink()._desks.values())
        return f"{[(each.partition, each.watermark.value) for each in owned]}, {desks}, {self.role.failure}"

    async def _soon(self, holds: Callable[[], object]) -> None:
        for _ in range(300):
            if holds():
                return
            await asyncio.sleep(0)
        await eventually(holds, 5.0, what=self._why)


async def together(stations: Sequence[Station]) -> None:
    """Until all members' shares of the partitions are quiet."""
    for station in stations:
        await station.quiet()
