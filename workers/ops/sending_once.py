"""Appends a record that an earlier try may have appended already: that it is recognised by its id holds only for a while."""

from workers.engine.partitioner import partition_of
from workers.engine.ports import Log
from workers.engine.reading import LogReader, Span, merged
from workers.engine.record import Outgoing, Partition
from workers.ops.failed_record import id_of


class SendingOnce:
    """Raises LogUnavailable, UnknownTopic, RejectedRecord."""

    def __init__(self, log: Log, reader: LogReader) -> None:
        self._log, self._reader = log, reader

    async def end(self, topic: str, record: Outgoing) -> int:
        """Where the record's partition ends; whatever is appended from here on stands behind that."""
        partition = await self._partition(topic, record)
        return (await self._reader.bounds([partition]))[partition].end

    async def once(self, topic: str, record: Outgoing, behind: int) -> None:
        """``behind``: the offset from which on the record may stand already."""
        if not await self._stands(topic, record, behind):
            await self._log.append_keyed(topic, [record])

    async def _stands(self, topic: str, record: Outgoing, behind: int) -> bool:
        partition = await self._partition(topic, record)
        bounds = (await self._reader.bounds([partition]))[partition]
        span = Span(bounds.origin, max(behind, bounds.begin), bounds.end)
        wanted = id_of(record)
        async for each in merged(self._reader, {partition: span}):
            if id_of(each) == wanted and (each.key or b"") == record.key and (wanted or each.value == record.value):
                return True
        return False

    async def _partition(self, topic: str, record: Outgoing) -> Partition:
        return Partition(topic, partition_of(record.key, len(await self._reader.partitions(topic))))
