"""One partition's events, in the order they were handed over. One batch in the air at a time, so that a failed one is sent again
before anything behind it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from workers.engine.outcome import Outcome
from workers.engine.ports import Clock, Log, LogUnavailable, Metrics
from workers.engine.record import Outgoing, Partition
from workers.engine.retry import TRANSIENT

LARGEST_BATCH = 500
"""Records in one append."""


@dataclass(frozen=True, slots=True)
class Handover:
    """Outcomes of one root to publish. ``acknowledged`` is called once, after the log has them; with no outcomes it is a barrier:
    called when everything handed over before it is acknowledged."""

    key: str
    outcomes: Sequence[Outcome]
    acknowledged: Callable[[], None]


class Publisher:
    """Never gives up while its partition is owned: an unanswered append is made again under the same ids. Dying loses nothing:
    what was not acknowledged is stored on its root, or its record is not settled."""

    def __init__(
        self, target: Partition, source: str, watermark: Callable[[], int], log: Log, clock: Clock, metrics: Metrics, random: Random
    ) -> None:
        self._target, self._source, self._watermark = target, source, watermark
        self._log, self._clock, self._metrics, self._random = log, clock, metrics, random
        self._queue: deque[Handover] = deque()
        self._task: asyncio.Task[None] | None = None
        self._failed: Callable[[Exception], None] = lambda _: None
        self._idle = asyncio.Event()
        self._idle.set()
        self._abandoned = False

    def on_failure(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed

    def hand_over(self, handover: Handover) -> None:
        if self._abandoned:
            return
        self._queue.append(handover)
        self._idle.clear()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def idle(self) -> None:
        """Returns when everything handed over is acknowledged."""
        await self._idle.wait()

    def abandon(self) -> None:
        """The partition is another's now: what was not acknowledged is its owner's to publish."""
        self._abandoned = True
        self._queue.clear()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._queue:
                await self._publish(self._next_batch())
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001  # whatever it is, the role must stop and say so
            self._failed(error)
            return
        self._task = None
        self._idle.set()

    def _next_batch(self) -> list[Handover]:
        batch: list[Handover] = []
        size = 0
        for handover in self._queue:
            size += sum(len(outcome.said) for outcome in handover.outcomes)
            if batch and size > LARGEST_BATCH:
                break
            batch.append(handover)
        return batch

    async def _publish(self, batch: list[Handover]) -> None:
        if records := self._records(batch):
            await self._append(records)
        for handover in batch:
            self._queue.popleft()
            handover.acknowledged()

    def _records(self, batch: list[Handover]) -> list[Outgoing]:
        settled = self._watermark()
        return [
            message
            for handover in batch
            for outcome in handover.outcomes
            for message in outcome.messages(handover.key, self._source, settled)
        ]

    async def _append(self, records: list[Outgoing]) -> None:
        attempt = 0
        while True:
            try:
                await self._log.append(self._target, records)
            except LogUnavailable:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
            else:
                self._metrics.count("published", len(records), topic=self._target.topic)
                return
