"""What the roles that read events share: decoding, recognising events published twice, one pump per partition."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import Envelope
from contracts.message import EventData
from contracts.topics import service_of
from contracts.types import EventId
from workers.engine.once import Novelty, Window
from workers.engine.ports import Metrics
from workers.engine.quarantine import Quarantine
from workers.engine.record import Partition, Record
from workers.engine.role import Owned
from workers.engine.service import Event

BATCH = 200


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event to act on. ``late``: it may have been seen before, and only a durable memory can tell."""

    record: Record
    envelope: Envelope
    event: Event[EventData]
    late: bool


class Sink(Protocol):
    """What a role does with events. ``handle`` gets each partition's arrivals in order, one batch at a time, and settles every one of
    them when its consequence is durable (it may do so later). An exception stops the role."""

    def wants(self, kind: str) -> bool: ...

    async def opened(self, owned: Owned) -> None: ...

    async def handle(self, owned: Owned, arrivals: Sequence[Arrival]) -> None: ...

    async def drained(self, owned: Owned) -> None: ...

    def closed(self, owned: Owned) -> None: ...


@dataclass(slots=True)
class _Feed:
    owned: Owned
    window: Window
    queue: deque[Arrival] = field(default_factory=deque)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    pump: asyncio.Task[None] | None = None


class EventsProcessor:
    """Never blocks its role. A record that is none of this sink's business is settled at once; one that cannot be decoded goes to the
    quarantine."""

    def __init__(self, role: str, sink: Sink, quarantine: Quarantine, metrics: Metrics) -> None:
        self._role, self._sink, self._quarantine, self._metrics = role, sink, quarantine, metrics
        self._feeds: dict[Partition, _Feed] = {}
        self._asides: set[asyncio.Task[None]] = set()
        self.on_fault: Callable[[Exception], None] = lambda _: None

    def opened(self, owned: Owned, metadata: str) -> int | None:
        feed = _Feed(owned, Window(metadata))
        feed.idle.set()
        feed.pump = asyncio.create_task(self._pump(feed))
        self._feeds[owned.partition] = feed
        return feed.window.read_from

    def recall(self, owned: Owned, record: Record) -> None:
        try:
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
        except InvalidRecord:
            return
        self._feeds[owned.partition].window.judge(decoded.envelope, record.offset)

    def received(self, owned: Owned, records: Sequence[Record]) -> None:
        feed = self._feeds[owned.partition]
        for record in records:
            try:
                arrival = self._arrival(feed, record)
            except InvalidRecord as invalid:
                self._put_aside(owned, record, invalid)
                continue
            if arrival is None:
                owned.settle(record.offset)
            else:
                feed.queue.append(arrival)
        if feed.queue:
            feed.idle.clear()
            feed.woken.set()

    def metadata(self, owned: Owned) -> str:
        return self._feeds[owned.partition].window.metadata(owned.watermark.value)

    async def drained(self, owned: Owned) -> None:
        feed = self._feeds[owned.partition]
        feed.queue.clear()
        await feed.idle.wait()
        await self._sink.drained(owned)

    def closed(self, owned: Owned) -> None:
        feed = self._feeds.pop(owned.partition)
        if feed.pump:
            feed.pump.cancel()
        self._sink.closed(owned)

    def _arrival(self, feed: _Feed, record: Record) -> Arrival | None:
        decoded = decode(record.key, record.value, record.headers, record.timestamp)
        envelope, data = decoded.envelope, decoded.data
        novelty = feed.window.judge(envelope, record.offset)
        if novelty is Novelty.KNOWN:
            self._metrics.count("recognised", role=self._role)
            return None
        if not isinstance(data, EventData) or not (self._sink.wants(envelope.kind) or envelope.receipt):
            return None
        service = service_of(record.partition.topic)
        event = Event(EventId(envelope.id), service, envelope.subject, envelope.time, envelope.actor, data)
        return Arrival(record, envelope, event, novelty is Novelty.LATE)

    def _put_aside(self, owned: Owned, record: Record, invalid: InvalidRecord) -> None:
        async def put() -> None:
            await self._quarantine.put(self._role, owned.origin, record, invalid)
            if owned.live:
                owned.settle(record.offset)

        task = asyncio.create_task(put())
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
        task.add_done_callback(self._noticed)

    def _noticed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.on_fault(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    async def _pump(self, feed: _Feed) -> None:
        try:
            await self._sink.opened(feed.owned)
            while True:
                await feed.woken.wait()
                feed.woken.clear()
                while feed.queue:
                    batch = [feed.queue.popleft() for _ in range(min(BATCH, len(feed.queue)))]
                    await self._sink.handle(feed.owned, batch)
                feed.idle.set()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # a bug of a reaction or effect: the role stops, the events are read again
            feed.idle.set()
            self.on_fault(error)
