"""The service's log through the shadow: its events first, for they say who was first at a claim; then what people passed over or did
once more; then its commands, as far as the live worker has processed them. Can go on later with what was appended meanwhile."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from contracts.position import Origin, Position
from contracts.topics import commands_topic, events_topic
from workers.engine.decision import Item, ItemRef
from workers.engine.fold import Waiting
from workers.engine.reading import LogReader, Span, merged
from workers.engine.record import Partition, Record
from workers.ops.rebuild.judging import Rebuilding, Stuck
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.shelf import LAST, PAGE, Shelved, Waits
from workers.ops.rebuild.standing import Standing

TELL_EVERY = 500
Advance = Callable[[int, int], None]
"""Is told how many records are read, and of how many."""
Live = Mapping[ItemRef, Item | None]
"""Roots that were read of the live tables; None for one that is not there."""
NOTHING_READ: Final[Live] = {}


class Rerun:
    """Disturbs no group. Every call raises LogUnavailable, StoreUnavailable."""

    def __init__(self, reader: LogReader, service: str, shadow: Shadow, rebuilding: Rebuilding, standing: Standing) -> None:
        self._reader, self._service, self._shadow = reader, service, shadow
        self._rebuilding, self._standing = rebuilding, standing
        self._next: dict[Partition, int] = {}
        self._read = 0

    @property
    def waits(self) -> Waits:
        """By the last ``catch_up``."""
        return self._shadow.shelf.waits

    def stuck(self, root: ItemRef) -> Stuck | None:
        return self._rebuilding.stuck.get(root)

    async def look(self) -> None:
        """Of whatever is read of the tables from here on, ``catch_up`` knows how far it has come."""
        await self._standing.look()

    async def catch_up(self, advance: Advance = lambda _read, _all: None, live: Live | None = None) -> int:
        """Everything that stands in the log by now. Answers how many records that were. ``live``: roots as they were after the last
        ``look``: judged so far and no farther; without any it looks itself. Events are read to an earlier end than commands are, so an
        event may be missing whose command is not; the next time it is there. Raises OffsetsBeyondLog."""
        begun = self._read
        if live is None:
            await self.look()
        events = await self._spans(events_topic(self._service))
        commands = await self._spans(commands_topic(self._service))
        total = begun + sum(span.offsets for span in (*events.values(), *commands.values(), *commands.values()))
        async for record in merged(self._reader, events):
            self._rebuilding.hear(record)
            self._told(advance, total)
        origins: Mapping[Partition, Origin] = {partition: span.origin for partition, span in commands.items()}
        async for record in merged(self._reader, commands):
            self._heed(origins[record.partition], record)
            self._told(advance, total)
        for page in self._shadow.shelf.pages():
            await self._judge(page, live or NOTHING_READ)
        async for chunk in _chunks(merged(self._reader, commands)):
            await self._judge([Shelved(LAST, origins[record.partition], record) for record in chunk], live or NOTHING_READ)
            for _ in chunk:
                self._told(advance, total)
        advance(self._read, total)
        return self._read - begun

    def _heed(self, origin: Origin, record: Record) -> None:
        self._rebuilding.heed(origin, record)
        place = Position(origin, record.offset)
        if self._standing.asks_events(record) and self._shadow.is_told(place) and (root := self._rebuilding.root_of(origin, record)):
            self._shadow.reach(root, place)

    async def _judge(self, records: Sequence[Shelved], live: Live) -> None:
        """In the order of the log; what waits goes to the shelf, or stays there."""
        read = [(each, found) for each in records if (found := self._rebuilding.read(each.origin, each.record))]
        await self._standing.learn([found for _, found in read], live)
        for each, (root, waiting) in read:
            waits = self._waits(root, waiting, each.number)
            if waits and each.number == LAST:
                self._shadow.shelf.put(root, each.origin, each.record)
                self._shadow.leave(waiting.command.id, root)
            elif not waits and each.number != LAST:
                self._shadow.shelf.take(each.number)

    def _waits(self, root: ItemRef, waiting: Waiting, number: int) -> bool:
        standing, rebuilding = self._standing, self._rebuilding
        if (aside := standing.aside(waiting)) and not rebuilding.took_effect(waiting):
            rebuilding.put_aside(root, waiting, aside)
            return False
        if not self._shadow.shelf.blocks(root, number) and standing.is_processed(root, waiting):
            rebuilding.apply(root, waiting, owed=standing.is_owed(root, waiting))
            return False
        if standing.is_lost(root, waiting):
            return rebuilding.wait(root, waiting, parked=standing.is_parked(waiting))
        return True

    async def _spans(self, topic: str) -> dict[Partition, Span]:
        bounds = await self._reader.bounds(await self._reader.partitions(topic))
        self._standing.require_log(bounds)
        spans = {each: Span(bound.origin, self._next.get(each, bound.begin), bound.end) for each, bound in bounds.items()}
        self._next |= {each: bound.end for each, bound in bounds.items()}
        return spans

    def _told(self, advance: Advance, total: int) -> None:
        self._read += 1
        if self._read % TELL_EVERY == 0:
            advance(self._read, total)


async def _chunks(records: AsyncIterator[Record]) -> AsyncIterator[list[Record]]:
    chunk: list[Record] = []
    async for record in records:
        chunk.append(record)
        if len(chunk) == PAGE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
