"""One role of one service: a consumer group, its partitions, their watermarks and commits. What is done with a record is its
processor's business."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import structlog

from contracts.position import Origin
from workers.engine.bookmarks import Bookmark, Bookmarks, Kept, LogShortened, OffsetMoved, start_of
from workers.engine.ports import Assigned, Clock, Consumer, Log, LogUnavailable, Metrics, Offset, StaleOwner, StoreUnavailable
from workers.engine.record import Partition, Record
from workers.engine.retry import TRANSIENT
from workers.engine.watermark import Watermark

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits of one role. Times in seconds. ``drain`` lies below the group's session and rebalance time-outs, so that a drain never
    costs the membership. ``bookmarks``: how long the store may take for them. ``in_flight``: records of one partition received and not
    settled before it is paused; ``behind``: the same with what is settled behind the first of them, which is remembered and would be
    delivered again. Far more, so that one slow record stops nobody, and yet not without end."""

    commit_every: float = 0.1
    drain: float = 20.0
    bookmarks: float = 2.0
    in_flight: int = 4000
    behind: int = 100_000


class ConsumerEnded(Exception):
    """The consumer's loop has ended by itself; no records would arrive any more. Restart the process; offsets are where they were."""


class Owned:
    """One partition while it is ours. ``committed`` is the watermark the broker has acknowledged; ``live`` turns False on revoke."""

    __slots__ = ("_role", "committed", "live", "origin", "partition", "paused", "watermark")

    def __init__(self, role: "Role", assigned: Assigned, start: int) -> None:
        self._role = role
        self.partition: Partition = assigned.partition
        self.origin: Origin = assigned.origin
        self.committed = start
        self.watermark = Watermark(self.committed)
        self.live = True
        self.paused = False

    def settle(self, offset: int) -> None:
        """Called once per record, when its effect is durable and its events are acknowledged."""
        self.watermark.settle(offset)
        if self.paused and self._below_half():
            self._role.resume(self)

    @property
    def full(self) -> bool:
        pace, watermark = self._role.pace, self.watermark
        return watermark.open > pace.in_flight or watermark.kept > pace.behind

    def _below_half(self) -> bool:
        pace, watermark = self._role.pace, self.watermark
        return watermark.open < pace.in_flight // 2 and watermark.kept < pace.behind // 2


class Processor(Protocol):
    """What a role does with records. All but ``drained`` return at once; a fault goes to ``Role.fail``, never out of here."""

    def opened(self, owned: Owned, metadata: str) -> int | None:
        """A partition is ours now. Answers where to read from if earlier records must be recalled first."""
        ...

    def recall(self, owned: Owned, record: Record) -> None:
        """A record below the committed offset, read again only to be remembered."""
        ...

    def received(self, owned: Owned, records: Sequence[Record]) -> None: ...

    async def drained(self, owned: Owned) -> None:
        """Starts nothing new of this partition and returns when nothing of it is in flight."""
        ...

    def closed(self, owned: Owned) -> None:
        """Drops everything kept for the partition."""
        ...

    def metadata(self, owned: Owned) -> str:
        """To be committed with the watermark."""
        ...


class Role:
    """Runs until it is stopped or a fault stops it. A fault (``failure``) commits nothing further than what is settled: every
    record it left is delivered again."""

    def __init__(
        self,
        name: str,
        topics: Sequence[str],
        processor: Processor,
        log: Log,
        clock: Clock,
        metrics: Metrics,
        pace: Pace | None = None,
        bookmarks: Bookmarks | None = None,
    ) -> None:
        self.name, self.pace = name, pace or Pace()
        self.failure: Exception | None = None
        self.assigned_once = asyncio.Event()
        self.beat = clock.now()
        self._processor, self._clock, self._metrics, self._bookmarks = processor, clock, metrics, bookmarks
        self._consumer: Consumer = log.consumer(name, topics)
        self._owned: dict[Partition, Owned] = {}
        self._ended = asyncio.Event()
        self._revoking = asyncio.Lock()

    # --- life ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Returns after ``stop`` and a drain. Raises the fault that stopped it."""
        self._metrics.gauge("role_failed", 0, role=self.name)
        try:
            await self._join()
            while not self._ended.is_set():
                await self._tick()
        finally:
            await self._leave()
        if self.failure:
            raise self.failure

    async def _join(self) -> None:
        """A log that is away is waited for; anything else is a fault."""
        attempt = 0
        while not self._ended.is_set():
            try:
                await self._consumer.start(self)
            except LogUnavailable:
                self.beat = self._clock.now()
                await self._clock.sleep(TRANSIENT.delay(attempt, 1.0))
                attempt += 1
            except Exception as error:  # noqa: BLE001  # told and raised like every other fault
                self.fail(error)
            else:
                return

    def stop(self) -> None:
        self._ended.set()

    def fail(self, error: Exception) -> None:
        """The first fault counts; polling stops, nothing is skipped."""
        if self.failure is None:
            self.failure = error
            log.error("role stopped by a fault", role=self.name, error=f"{type(error).__name__}: {error}", exc_info=error)
            self._metrics.gauge("role_failed", 1, role=self.name)
        self._ended.set()

    @property
    def ready(self) -> bool:
        return self.assigned_once.is_set() and self.failure is None

    async def _tick(self) -> None:
        try:
            await asyncio.wait_for(self._ended.wait(), self.pace.commit_every)
        except TimeoutError:
            pass
        self.beat = self._clock.now()
        if not self._consumer.alive():
            self.fail(ConsumerEnded(f"{self.name}: {ConsumerEnded.__doc__}"))
        await self._commit(list(self._owned.values()))
        await self._keep(list(self._owned.values()))
        self._measure()

    async def _leave(self) -> None:
        owned = list(self._owned.values())
        self._consumer.pause([each.partition for each in owned])
        await self.revoked([each.partition for each in owned])
        await self._consumer.stop()

    # --- the consumer's listener -----------------------------------------------------------------------------------

    async def assigned(self, partitions: Sequence[Assigned]) -> Mapping[Partition, int]:
        starts: dict[Partition, int] = {}
        if self._ended.is_set():
            # Dealt out while leaving: nothing is begun that nobody would end.
            return starts
        try:
            kept = await self._kept([assigned.partition for assigned in partitions])
            begins = [(assigned, start_of(assigned, kept.get(assigned.partition))) for assigned in partitions]
        except (LogShortened, OffsetMoved) as error:
            self.fail(error)
            return {}
        for assigned, start in begins:
            owned = Owned(self, assigned, start.offset)
            self._owned[assigned.partition] = owned
            earlier = self._processor.opened(owned, start.inner)
            starts[assigned.partition] = min(start.offset, earlier) if earlier is not None else start.offset
        self.assigned_once.set()
        return starts

    async def _kept(self, partitions: Sequence[Partition]) -> Mapping[Partition, Kept]:
        """A store that does not answer must not hold up a rebalance: without its rows the commit's own metadata still tells most."""
        if self._bookmarks is None:
            return {}
        try:
            async with asyncio.timeout(self.pace.bookmarks):
                return await self._bookmarks.kept(partitions)
        except (StoreUnavailable, TimeoutError):
            return {}

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        # A rebalance may come while the role is leaving by itself: what one has closed the other does not.
        async with self._revoking:
            await self._revoked([owned for partition in partitions if (owned := self._owned.get(partition))])

    async def _revoked(self, leaving: Sequence[Owned]) -> None:
        for owned in leaving:
            owned.live = False
        try:
            async with asyncio.timeout(self.pace.drain):
                await asyncio.gather(*(self._processor.drained(owned) for owned in leaving))
        except TimeoutError:
            self._metrics.count("commit_failures", role=self.name, why="drain_deadline")
        await self._commit(leaving)
        await self._keep(leaving, at_once=True)
        for owned in leaving:
            self._processor.closed(owned)
            self._owned.pop(owned.partition, None)

    def received(self, records: Sequence[Record]) -> None:
        for partition, group in groupby(records, key=lambda record: record.partition):
            owned = self._owned.get(partition)
            if owned is None or not owned.live or self._ended.is_set():
                continue
            fresh = []
            for record in group:
                if record.offset < owned.committed and record.offset < owned.watermark.value:
                    self._processor.recall(owned, record)
                elif owned.watermark.received(record.offset, record.timestamp):
                    fresh.append(record)
            if fresh:
                self._processor.received(owned, fresh)
            if owned.full and not owned.paused:
                owned.paused = True
                self._consumer.pause([partition])

    def resume(self, owned: Owned) -> None:
        owned.paused = False
        if owned.live:
            self._consumer.resume([owned.partition])

    # --- commits -----------------------------------------------------------------------------------------------------

    async def _commit(self, owned: Sequence[Owned]) -> None:
        moved = {each: each.watermark.value for each in owned if each.watermark.value > each.committed}
        if not moved:
            return
        offsets = {each.partition: Offset(value, self._metadata(each, value)) for each, value in moved.items()}
        try:
            await self._consumer.commit(offsets)
        except StaleOwner:
            self._metrics.count("commit_failures", role=self.name, why="stale_owner")
        except LogUnavailable:
            self._metrics.count("commit_failures", role=self.name, why="log_unavailable")
        else:
            for each, value in moved.items():
                each.committed = value

    def _metadata(self, owned: Owned, offset: int) -> str:
        return Bookmark(owned.origin, offset, self._processor.metadata(owned)).pack()

    async def _keep(self, owned: Sequence[Owned], *, at_once: bool = False) -> None:
        if self._bookmarks is None:
            return
        watermarks = {each.partition: (each.origin, each.committed) for each in owned}
        try:
            async with asyncio.timeout(self.pace.bookmarks):
                await self._bookmarks.keep(watermarks, at_once=at_once)
        except TimeoutError:
            self._metrics.count("store_retries", role=self.name, why="bookmarks")

    def _measure(self) -> None:
        open_records = 0
        oldest: int | None = None
        for owned in self._owned.values():
            open_records += owned.watermark.open
            lag = owned.watermark.position - owned.watermark.value
            self._metrics.gauge("lag_records", lag, role=self.name, partition=f"{owned.partition.topic}/{owned.partition.number}")
            first = owned.watermark.oldest
            oldest = first if oldest is None or (first is not None and first < oldest) else oldest
        self._metrics.gauge("in_flight", open_records, role=self.name)
        self._metrics.gauge("lag_seconds", (self._clock.now() - oldest) / 1000 if oldest else 0, role=self.name)
