"""Reads every topic from its beginning, as a consumer group of its own, and lets the story wait for what must happen."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import Envelope
from contracts.message import CommandData, EventData, Message
from contracts.platform import CommandRefused
from contracts.topics import TOPICS
from workers.engine.ports import Assigned, Log
from workers.engine.record import Partition, Record

E = TypeVar("E", bound=EventData)
STEP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One message as the log has it; ``at``: its append time in milliseconds."""

    envelope: Envelope
    data: Message
    at: int

    @property
    def name(self) -> str:
        return type(self.data).__name__

    @property
    def service(self) -> str:
        return self.envelope.kind.split(".")[1]


class StepFailed(Exception):
    """The story cannot go on. What was waited for and what came instead stands in front."""


class Observer:
    """Commits nothing. A message published twice is kept once; ``records`` counts every record there is."""

    def __init__(self, on_batch: Callable[[], None] = lambda: None) -> None:
        self.commands: dict[str, Seen] = {}
        self.events: dict[str, Seen] = {}
        self.records: Counter[str] = Counter()
        self.undecodable = 0
        self._on_batch = on_batch
        self._news = asyncio.Event()

    # --- the consumer's listener -----------------------------------------------------------------------------------

    async def assigned(self, partitions: Sequence[Assigned]) -> Mapping[Partition, int]:
        return {each.partition: 0 for each in partitions}

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Nothing to drain."""

    def received(self, records: Sequence[Record]) -> None:
        for record in records:
            self.records[record.partition.topic] += 1
            self._keep(record)
        self._on_batch()
        self._news.set()
        self._news = asyncio.Event()

    def _keep(self, record: Record) -> None:
        try:
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
        except InvalidRecord:
            self.undecodable += 1
            return
        kept = self.commands if isinstance(decoded.data, CommandData) else self.events
        kept.setdefault(decoded.envelope.id, Seen(decoded.envelope, decoded.data, record.timestamp))

    # --- what the story asks ---------------------------------------------------------------------------------------

    def all(self, kind: type[E]) -> list[E]:
        return [seen.data for seen in self.events.values() if isinstance(seen.data, kind)]

    async def until(self, kind: type[E], key: str, where: Callable[[E], bool] = lambda _: True, *, count: int = 1) -> E:
        """The last of ``count`` such events of that key. Raises StepFailed after the deadline, or when a command of that key is refused."""
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            news = self._news
            found = [seen.data for seen in self.events.values() if seen.envelope.subject == key and isinstance(seen.data, kind)]
            fitting = [data for data in found if where(data)]
            if len(fitting) >= count:
                return fitting[-1]
            self._raise_refusal(key)
            await self._wait(news, deadline, f"{kind.__name__} of {key}")

    def _raise_refusal(self, key: str) -> None:
        for refusal in self.all(CommandRefused):
            if refusal.key == key:
                raise StepFailed(f"{refusal.command_type} of {key} was refused: {refusal.reason}. {StepFailed.__doc__}")

    async def _wait(self, news: asyncio.Event, deadline: float, awaited: str) -> None:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await news.wait()
        except TimeoutError:
            last = list(self.events.values())[-1].name if self.events else "nothing"
            raise StepFailed(
                f"{awaited} did not come within {STEP_SECONDS:.0f} s; the last event is {last}. {StepFailed.__doc__}"
            ) from None


@asynccontextmanager
async def observing(log: Log, observer: Observer) -> AsyncIterator[None]:
    consumer = log.consumer(f"demo-observer-{uuid4()}", sorted(TOPICS))
    await consumer.start(observer)
    try:
        yield
    finally:
        await consumer.stop()
