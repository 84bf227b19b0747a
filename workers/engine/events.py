"""What the roles that read events share: decoding, recognising events published twice, one pump per partition. An event that raises
parks its key (``workers/engine/lines.py``); the others go on."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import Envelope
from workers.engine.arrivals import Arrival, Sink, arrival_of
from workers.engine.lines import Lines
from workers.engine.once import Novelty, Window
from workers.engine.ports import Metrics, StoreUnavailable
from workers.engine.record import Partition, Record
from workers.engine.role import Owned
from workers.engine.shared_parking import SharedParking

W = TypeVar("W")
BATCH = 200


@dataclass(slots=True)
class _Feed(Generic[W]):
    owned: Owned
    window: Window
    lines: Lines[W]
    queue: deque[Arrival] = field(default_factory=deque)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def reached(self) -> int:
        """Everything before it was taken, or was nothing to take."""
        return self.queue[0].offset if self.queue else self.owned.watermark.position

    def wake(self) -> None:
        self.idle.clear()
        self.woken.set()


class EventsProcessor(Generic[W]):
    """Never blocks its role. A record that is none of this sink's business is settled at once; one that cannot be decoded goes to the
    quarantine."""

    def __init__(self, role: str, sink: Sink[W], parking: SharedParking, metrics: Metrics) -> None:
        self._role, self._sink, self._parking, self._metrics = role, sink, parking, metrics
        self._feeds: dict[Partition, _Feed[W]] = {}
        self._asides: set[asyncio.Task[None]] = set()
        self._faulted = False
        self.on_fault: Callable[[Exception], None] = lambda _: None

    def opened(self, owned: Owned, metadata: str) -> int | None:
        feed = _Feed(owned, Window(metadata), Lines(owned, self._sink, self._parking))
        feed.idle.set()
        feed.tasks += [asyncio.create_task(self._pump(feed)), asyncio.create_task(self._watch(feed))]
        self._feeds[owned.partition] = feed
        return feed.window.read_from

    def recall(self, owned: Owned, record: Record) -> None:
        try:
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
        except InvalidRecord:
            return
        if not _handed_over(decoded.envelope):
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
        feed.lines.reached(feed.reached)
        if feed.queue or feed.lines.due:
            feed.wake()

    def metadata(self, owned: Owned) -> str:
        return self._feeds[owned.partition].window.metadata(owned.watermark.value)

    async def drained(self, owned: Owned) -> None:
        feed = self._feeds[owned.partition]
        feed.queue.clear()
        feed.lines.due.clear()
        await feed.idle.wait()
        await self._sink.drained(owned)

    def closed(self, owned: Owned) -> None:
        feed = self._feeds.pop(owned.partition)
        for task in feed.tasks:
            task.cancel()
        self._sink.closed(owned)
        self._parking.closed(owned.partition)

    def _arrival(self, feed: _Feed[W], record: Record) -> Arrival | None:
        def judge(envelope: Envelope) -> bool | None:
            if _handed_over(envelope):
                # No window tells whether its original was acted on; each sink's own memory does.
                return envelope.late if self._is_for_us(envelope) else None
            novelty = feed.window.judge(envelope, record.offset)
            if novelty is Novelty.KNOWN:
                self._metrics.count("recognised", role=self._role)
                return None
            return novelty is Novelty.LATE if self._sink.wants(envelope.kind) or envelope.receipt else None

        return arrival_of(record, feed.owned.origin, lambda: feed.lines.settle(record.offset), judge, parked=False)

    def _is_for_us(self, copy: Envelope) -> bool:
        assert copy.replay is not None
        return copy.replay.is_for(self._role) and (self._sink.wants(copy.kind) or copy.receipt is not None)

    def _put_aside(self, owned: Owned, record: Record, invalid: InvalidRecord) -> None:
        async def put() -> None:
            await self._parking.quarantine.put(self._role, owned.origin, record, invalid)
            if owned.live:
                owned.settle(record.offset)

        task = asyncio.create_task(put())
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
        task.add_done_callback(self._noticed)

    def _noticed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.on_fault(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    async def _pump(self, feed: _Feed[W]) -> None:
        try:
            await feed.lines.opened()
            # Before what the log brings: of a line at its cap nothing more can be taken until it was tried again.
            feed.wake()
            while True:
                await feed.woken.wait()
                feed.woken.clear()
                while feed.queue or feed.lines.due:
                    await feed.lines.drain()
                    batch = [feed.queue.popleft() for _ in range(min(BATCH, len(feed.queue)))]
                    await feed.lines.take(batch)
                    feed.lines.reached(feed.reached)
                feed.idle.set()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # the role stops, the events are read again
            self._faulted = True
            feed.idle.set()
            self.on_fault(error)

    async def _watch(self, feed: _Feed[W]) -> None:
        while feed.owned.live and not self._faulted:
            try:
                await feed.lines.look()
            except StoreUnavailable:
                self._parking.retried()
            except Exception as error:  # noqa: BLE001  # the role stops rather than leave lines unlooked at in silence
                self.on_fault(error)
            if feed.lines.due and feed.owned.live:
                feed.wake()
            await self._parking.rest()


def _handed_over(envelope: Envelope) -> bool:
    return envelope.replay is not None and envelope.replay.is_handed_over
