"""What became of what a replay sent: judged by its consumer, told by the events that carry the replay's id."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.catalogue import decode
from contracts.envelope import Envelope, text_headers
from contracts.ids import event_id
from contracts.platform import CommandRefused, CommandSettled, Settlement
from contracts.timestamps import from_milliseconds
from contracts.topics import TOPICS, commands_topic
from contracts.types import CommandId
from workers.engine.decision import ItemRef
from workers.engine.once import Novelty, Window
from workers.engine.parking import DUE_INDEX, PARKED
from workers.engine.ports import Clock, Store
from workers.engine.reading import LogReader, Span, merged
from workers.engine.record import Partition, Record
from workers.ops.replay.checkpoint import Checkpoint
from workers.ops.replay.selection import is_events

LOOK_EVERY: Final = 0.2
"""Seconds."""
FORGET_EVERY: Final = 1_000
ROWS_A_READ: Final = 25


@dataclass(slots=True)
class Tally:
    """Of the records sent: ``recognised`` had been applied, or can no longer be inserted; ``parked`` ones wait with their key.
    ``caused``: commands that reactions to it sent on and that were judged by now. ``events`` of both."""

    applied: int = 0
    unchanged: int = 0
    recognised: int = 0
    parked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    caused: int = 0
    events: int = 0

    @property
    def judged(self) -> int:
        return self.applied + self.unchanged + self.refused.total()

    def told(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("applied", "unchanged", "recognised", "parked", "caused", "events")}
        return counts | {"refused": dict(sorted(self.refused.items()))}


class Aftermath:
    """Looks on while the consumer works."""

    def __init__(self, reader: LogReader, store: Store, clock: Clock) -> None:
        self._reader, self._store, self._clock = reader, store, clock

    async def settled(self, at: Checkpoint, on_progress: Callable[[int], None], within: float) -> bool:
        """Until the commands' consumer is through with everything sent; False when ``within`` seconds pass without a step forward.
        Events have many consumers: nobody waits for them."""
        ends = {each: end for each, end in at.ends.items() if not is_events(each.topic)}
        left, since = self._left(await self._committed(ends), ends), self._clock.now()
        on_progress(left)
        while left:
            await self._clock.sleep(LOOK_EVERY)
            again = self._left(await self._committed(ends), ends)
            if again != left:
                left, since = again, self._clock.now()
                on_progress(left)
            elif self._clock.now() - since > within * 1000:
                return False
        return True

    async def _committed(self, ends: Mapping[Partition, int]) -> dict[Partition, int]:
        found: dict[Partition, int] = {}
        for topic in {each.topic for each in ends}:
            mine = [each for each in ends if each.topic == topic]
            answer = await self._reader.committed(f"{TOPICS[topic].owner}-commands", mine)
            found |= {each: offset or 0 for each, offset in answer.items()}
        return found

    @staticmethod
    def _left(committed: Mapping[Partition, int], ends: Mapping[Partition, int]) -> int:
        return sum(max(0, end - committed[each]) for each, end in ends.items())

    async def tally(self, at: Checkpoint) -> Tally:
        """As of now. Raises LogUnavailable, StoreUnavailable."""
        found = Tally()
        bounds = await self._reader.bounds(list(at.events))
        windows = {each: Window() for each in at.events}
        spans = {each: Span(bounds[each].origin, first, bounds[each].end) for each, first in at.events.items()}
        async for record in merged(self._reader, spans):
            self._add(found, record, at.plan.id, windows[record.partition])
        if not any(is_events(each.topic) for each in at.spans):
            found.parked = await self._parked(at)
            found.recognised = at.sent - found.judged - found.parked
        return found

    @staticmethod
    def _add(found: Tally, record: Record, replay: str, window: Window) -> None:
        envelope = _envelope(record)
        if envelope is None or window.judge(envelope, record.offset) is Novelty.KNOWN:
            return
        if record.offset % FORGET_EVERY == 0:
            window.metadata(record.offset + 1)
        if envelope.replay and envelope.replay.id == replay and not envelope.replay.is_copy:
            found.events += 1
            if is_first(envelope):
                _count(found, envelope, record)

    async def _parked(self, at: Checkpoint) -> int:
        count = 0
        for each in at.spans:
            group = f"{TOPICS[each.topic].owner}-commands"
            start: Mapping[str, Any] | None = None
            while each.topic == commands_topic(TOPICS[each.topic].owner):
                page = await self._store.query(PARKED, DUE_INDEX, f"{group}#{each.number}", start=start, limit=ROWS_A_READ)
                # The index holds keys only.
                rows = await self._store.get([ItemRef(PARKED, item["groupKey"], item["position"]) for item in page.items])
                count += sum(_replay_of(item) == at.plan.id for item in rows.values())
                start = page.next
                if start is None:
                    break
        return count


def is_first(envelope: Envelope) -> bool:
    """Whether it is the first thing that was said about its command; so each command counts once."""
    return envelope.id == event_id(CommandId(envelope.causation_id), envelope.kind.split(".")[2], 0)


def _count(found: Tally, envelope: Envelope, record: Record) -> None:
    assert envelope.replay is not None
    if envelope.replay.of is None:
        found.caused += 1
        return
    data = decode(record.key, record.value, record.headers, record.timestamp).data
    if isinstance(data, CommandRefused):
        found.refused[data.reason] += 1
    elif isinstance(data, CommandSettled) and data.outcome is Settlement.UNCHANGED:
        found.unchanged += 1
    else:
        found.applied += 1


def _envelope(record: Record) -> Envelope | None:
    try:
        return Envelope.from_headers(text_headers(record.headers))
    except (KeyError, ValueError):
        return None


def _replay_of(item: Mapping[str, Any]) -> str:
    return next((bytes(each["value"]).decode() for each in item.get("headers", ()) if each["name"] == "ce_replay"), "")


def outcome_of(tally: Tally, now: int) -> dict[str, Any]:
    return {**tally.told(), "at": from_milliseconds(now)}
