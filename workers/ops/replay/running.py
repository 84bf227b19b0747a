"""Sends what a plan selects, at its rate, to the topics and partitions it stands in; pauses, stops, and goes on after a crash.

A crash anywhere leaves the last checkpoint and, behind the ends it names, what was sent since: the next run reads that back first. A copy
sent twice would be recognised by its place; a new command is recognised by its id only while it is among the last of its root.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from contracts.envelope import text_headers
from contracts.position import Position
from contracts.replay import Replay
from workers.engine.ports import Clock, Log, LogUnavailable
from workers.engine.reading import LogReader, Span, merged
from workers.engine.record import Outgoing, Partition, Record
from workers.engine.retry import TRANSIENT
from workers.ops.replay.checkpoint import Checkpoint, Checkpoints, State
from workers.ops.replay.plan import Mode
from workers.ops.replay.reading import selected
from workers.ops.replay.repeating import Passed, Repeater

LARGEST_CHUNK: Final = 250
CHUNKS_A_SECOND: Final = 4
"""At low rates: so soon a pause is noticed and the flow stays even."""
KEEP_AFTER: Final = 2_000
"""Records, or ``KEEP_EVERY`` milliseconds, between two checkpoints."""
KEEP_EVERY: Final = 1_000
Progress = Callable[[Checkpoint], None]


@dataclass(slots=True)
class _Pace:
    """``begun``: milliseconds since the epoch at which ``sent`` was 0."""

    begun: int
    rate: float
    sent: int = 0

    def ahead(self, now: int) -> float:
        """Seconds to wait."""
        return max(0.0, self.sent / self.rate - (now - self.begun) / 1000)


class Running:
    """One replay in this process. Raises TakenOver when another goes on with it, LogUnavailable when the log cannot be read."""

    def __init__(self, log: Log, reader: LogReader, checkpoints: Checkpoints, clock: Clock, random: Random) -> None:
        self._log, self._reader, self._checkpoints = log, reader, checkpoints
        self._clock, self._random = clock, random
        self._asked: State | None = None

    def pause(self) -> None:
        """Ends ``run`` behind the chunk it is in, durably paused."""
        self._asked = self._asked or State.PAUSED

    async def resumed(self, at: Checkpoint) -> Checkpoint:
        """The checkpoint with what was sent behind it, and running. Whoever ran it before is taken over."""
        await self._checkpoints.wish(at.plan.id, None)
        return await self._kept(replace(await self.caught_up(at), state=State.RUNNING))

    async def caught_up(self, at: Checkpoint) -> Checkpoint:
        """With what a process that died, or still runs, has sent since it was kept."""
        back = await self._sent_behind(at)
        known = {each: max([at.next.get(each, 0), *(place + 1 for place in places)]) for each, places in back.items()}
        sent = sum(len({place for place in places if place >= at.next.get(each, 0)}) for each, places in back.items())
        return replace(at, next={**at.next, **known}, sent=at.sent + sent)

    async def run(self, at: Checkpoint, on_progress: Progress = lambda _: None) -> Checkpoint:
        """To the end, or until somebody says pause or stop; as kept last."""
        repeater, pace = Repeater(at.plan, at.spans), _Pace(self._clock.now(), at.plan.rate)
        kept, kept_at = at, self._clock.now()
        async for chunk in self._chunks(at):
            at = await self._sent(at, kept, repeater, chunk)
            pace.sent += len(chunk)
            on_progress(at)
            await self._clock.sleep(pace.ahead(self._clock.now()))
            if self._asked or at.sent - kept.sent >= KEEP_AFTER or self._clock.now() - kept_at >= KEEP_EVERY:
                self._asked = self._asked or await self._checkpoints.wished(at.plan.id)
                if self._asked is State.STOPPED:
                    # Whoever stopped it has written so.
                    return replace(at, state=State.STOPPED)
                at = kept = await self._kept(replace(at, state=self._asked or State.RUNNING))
                kept_at = self._clock.now()
            if self._asked:
                return at
        return await self._kept(replace(at, state=State.SENT))

    async def _chunks(self, at: Checkpoint) -> AsyncIterator[list[Record]]:
        size = max(1, min(LARGEST_CHUNK, int(at.plan.rate / CHUNKS_A_SECOND)))
        chunk: list[Record] = []
        async for record in selected(self._reader, at.plan.selection, at.left):
            chunk.append(record)
            if len(chunk) == size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    async def _sent(self, at: Checkpoint, kept: Checkpoint, repeater: Repeater, chunk: Sequence[Record]) -> Checkpoint:
        outgoing: dict[Partition, dict[int, Outgoing]] = {}
        passed = dict(at.passed)
        for record in chunk:
            made = repeater.outgoing(record, self._clock.now())
            if isinstance(made, Passed):
                passed[made.value] = passed.get(made.value, 0) + 1
            else:
                outgoing.setdefault(record.partition, {})[record.offset] = made
        for partition, records in outgoing.items():
            await self._append(kept, partition, records)
        reached = {record.partition: record.offset + 1 for record in chunk}
        sent = at.sent + sum(map(len, outgoing.values()))
        return replace(at, next={**at.next, **reached}, sent=sent, passed=passed)

    async def _append(self, kept: Checkpoint, partition: Partition, records: Mapping[int, Outgoing]) -> None:
        """Until it is acknowledged. What an append without answer did bring into the log is not sent again."""
        attempt, todo = 0, dict(records)
        while True:
            try:
                if attempt and kept.plan.mode is Mode.REDO:
                    there = (await self._sent_behind(kept)).get(partition, [])
                    todo = {offset: record for offset, record in todo.items() if offset not in there}
                if todo:
                    await self._log.append(partition, list(todo.values()))
                return
            except LogUnavailable:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1

    async def _sent_behind(self, at: Checkpoint) -> dict[Partition, list[int]]:
        """Offsets of the originals of what this replay sent since the checkpoint."""
        bounds = await self._reader.bounds(list(at.spans))
        spans = {each: Span(bound.origin, at.ends.get(each, bound.begin), bound.end) for each, bound in bounds.items()}
        found: dict[Partition, list[int]] = {}
        async for record in merged(self._reader, spans):
            if place := original_of(record, at.plan.id):
                found.setdefault(record.partition, []).append(place.offset)
        return found

    async def _kept(self, at: Checkpoint) -> Checkpoint:
        bounds = await self._reader.bounds(list(at.spans))
        return await self._checkpoints.keep(replace(at, ends={each: bound.end for each, bound in bounds.items()}))


def original_of(record: Record, replay: str) -> Position | None:
    """What a record repeats for this replay; None for any other."""
    if not any(name == "ce_replay" for name, _ in record.headers):
        return None
    try:
        found = Replay.from_headers(text_headers(record.headers))
    except ValueError:
        return None
    return found.of if found and found.id == replay else None
