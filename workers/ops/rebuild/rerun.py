"""The service's log through the shadow: its events first, for they say who was first at a claim; then what people passed over or did
once more; then its commands, to the log's end. Can go on later with what was appended meanwhile."""

from collections.abc import Callable, Mapping

from contracts.position import Origin
from contracts.topics import commands_topic, events_topic
from workers.engine.reading import LogReader, Span, merged
from workers.engine.record import Partition
from workers.ops.rebuild.judging import Rebuilding

TELL_EVERY = 500
Advance = Callable[[int, int], None]
"""Is told how many records are read, and of how many."""


class Rerun:
    """Disturbs no group. Every call raises LogUnavailable."""

    def __init__(self, reader: LogReader, service: str, rebuilding: Rebuilding) -> None:
        self._reader, self._service, self._rebuilding = reader, service, rebuilding
        self._next: dict[Partition, int] = {}
        self._read = 0

    async def catch_up(self, advance: Advance = lambda _read, _all: None) -> int:
        """Everything that stands in the log by now. Answers how many records that were. Events are read to an earlier end than commands
        are, so an event may be missing whose command is not; the next time it is there."""
        begun = self._read
        events = await self._spans(events_topic(self._service))
        commands = await self._spans(commands_topic(self._service))
        total = begun + sum(span.offsets for span in (*events.values(), *commands.values(), *commands.values()))
        async for record in merged(self._reader, events):
            self._rebuilding.hear(record)
            self._told(advance, total)
        origins: Mapping[Partition, Origin] = {partition: span.origin for partition, span in commands.items()}
        async for record in merged(self._reader, commands):
            self._rebuilding.heed(origins[record.partition], record)
            self._told(advance, total)
        async for record in merged(self._reader, commands):
            self._rebuilding.apply(origins[record.partition], record)
            self._told(advance, total)
        advance(self._read, total)
        return self._read - begun

    async def _spans(self, topic: str) -> dict[Partition, Span]:
        bounds = await self._reader.bounds(await self._reader.partitions(topic))
        spans = {each: Span(bound.origin, self._next.get(each, bound.begin), bound.end) for each, bound in bounds.items()}
        self._next |= {each: bound.end for each, bound in bounds.items()}
        return spans

    def _told(self, advance: Advance, total: int) -> None:
        self._read += 1
        if self._read % TELL_EVERY == 0:
            advance(self._read, total)
