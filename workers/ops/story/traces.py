"""What tables know of the messages of a story: ledger, timers, receipts, waiting lines, quarantine, messages to people, offsets."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.ids import derived, effect_id
from contracts.notification.events import NotificationPlanned
from contracts.platform import TimerScheduled
from contracts.position import Position
from contracts.types import EventId
from workers.engine.decision import Item, ItemRef
from workers.engine.ledger import EFFECTS, LedgerRow
from workers.engine.parking import PARKED, ParkedRow
from workers.engine.ports import Store
from workers.engine.quarantine import FAILURES
from workers.engine.reading import LogReader
from workers.engine.receipts import RECEIPTS
from workers.engine.record import Partition
from workers.engine.runtime import RoleName
from workers.engine.service import Effect, Service
from workers.engine.timer_rows import TIMERS, TimerRow
from workers.ops.doctor.system import AT_ONCE, topics_of
from workers.ops.story.gathering import groups_reading
from workers.ops.story.heard import Heard, Place
from workers.services.notification.mailbox import TABLE as NOTIFICATIONS

ROWS_A_PAGE = 100


@dataclass(slots=True)
class Traces:
    """``readers``: groups by topic. ``committed``: by group and partition. ``parked`` and ``aside``: by group and place."""

    services: Mapping[str, Service]
    readers: Mapping[str, Sequence[str]]
    committed: dict[tuple[str, Partition], int | None] = field(default_factory=dict)
    effects: dict[str, list[LedgerRow]] = field(default_factory=dict)
    timers: dict[str, TimerRow] = field(default_factory=dict)
    receipts: dict[str, Item] = field(default_factory=dict)
    parked: dict[tuple[str, Place], ParkedRow] = field(default_factory=dict)
    aside: dict[tuple[str, Place], Item] = field(default_factory=dict)
    notifications: dict[str, Item] = field(default_factory=dict)

    def passed(self, group: str, place: Place) -> bool:
        """Whether the group has settled it."""
        committed = self.committed.get((group, place.partition))
        return committed is not None and place.offset < committed

    def declared_effects(self, kind: str) -> Iterator[tuple[str, Effect[Any]]]:
        """With the service that makes them."""
        for service in self.services.values():
            for effect in service.effects:
                if effect.event.kind() == kind:
                    yield service.name, effect


async def traced(store: Store, reader: LogReader, services: Mapping[str, Service], messages: Sequence[Heard]) -> Traces:
    """Point look-ups only, but for the lines of the story's keys. Raises LogUnavailable, StoreUnavailable."""
    traces = Traces(services, groups_reading(topics_of(services)))
    partitions = sorted({each.place.partition for each in messages})
    bounds = await reader.bounds(partitions)
    positions = {each.place: str(Position(bounds[each.place.partition].origin, each.place.offset)) for each in messages}
    await _of_rows(traces, store, messages)
    await _committed(traces, reader, messages)
    await _aside(traces, store, positions)
    await _parked(traces, store, messages, positions)
    return traces


async def _committed(traces: Traces, reader: LogReader, messages: Sequence[Heard]) -> None:
    """Only of groups that may not have come to a message yet: each is a round of requests."""
    told = {each.envelope.causation_id for each in messages if not each.is_command}
    wanted: dict[str, set[Partition]] = {}
    for each in messages:
        if each.is_command and each.id not in told:
            wanted.setdefault(f"{each.service}-{RoleName.COMMANDS}", set()).add(each.place.partition)
        known = {row.name for row in traces.effects.get(each.id, ())}
        for service, effect in () if each.is_command else traces.declared_effects(each.envelope.kind):
            if effect.name not in known:
                wanted.setdefault(f"{service}-{RoleName.EFFECTS}", set()).add(each.place.partition)
    answers = await asyncio.gather(*(reader.committed(group, sorted(found)) for group, found in wanted.items()))
    for group, answer in zip(wanted, answers, strict=True):
        traces.committed |= {(group, each): offset for each, offset in answer.items()}


async def _of_rows(traces: Traces, store: Store, messages: Sequence[Heard]) -> None:
    events = [each for each in messages if not each.is_command]
    effects = {
        ItemRef(EFFECTS, effect_id(EventId(each.id), effect.name)): each.id
        for each in events
        for _, effect in traces.declared_effects(each.envelope.kind)
    }
    for ref, row in (await store.get(list(effects))).items():
        traces.effects.setdefault(effects[ref], []).append(LedgerRow.of(row))
    timers = [ItemRef(TIMERS, each.data.timer_id) for each in events if isinstance(each.data, TimerScheduled)]
    traces.timers = {ref.key: TimerRow.of(row) for ref, row in (await store.get(timers)).items()}
    asked = [ItemRef(RECEIPTS, each.id) for each in messages if each.is_command and each.envelope.receipt]
    traces.receipts = {ref.key: row for ref, row in (await store.get(asked)).items()}
    planned = [ItemRef(NOTIFICATIONS, each.data.notification_id) for each in events if isinstance(each.data, NotificationPlanned)]
    traces.notifications = {ref.key: row for ref, row in (await store.get(planned)).items()}


async def _aside(traces: Traces, store: Store, positions: Mapping[Place, str]) -> None:
    """A failure's id follows from its role and position."""
    refs = {
        ItemRef(FAILURES, derived(f"failure:{group}:{position}")): (group, place)
        for place, position in positions.items()
        for group in traces.readers.get(place.partition.topic, ())
    }
    traces.aside = {refs[ref]: row for ref, row in (await store.get(list(refs))).items()}


async def _parked(traces: Traces, store: Store, messages: Sequence[Heard], positions: Mapping[Place, str]) -> None:
    places = {position: place for place, position in positions.items()}
    lines = {(group, each.key) for each in messages if each.key for group in traces.readers.get(each.place.partition.topic, ())}
    slots = asyncio.Semaphore(AT_ONCE)

    async def line(group: str, key: str) -> None:
        start: Mapping[str, object] | None = None
        while True:
            async with slots:
                page = await store.query(PARKED, None, f"{group}#{key}", start=start, limit=ROWS_A_PAGE)
            for item in page.items:
                row = ParkedRow.of(group, item) if "offset" in item else None
                if row and str(row.position) in places:
                    traces.parked[group, places[str(row.position)]] = row
            start = page.next
            if start is None:
                return

    await asyncio.gather(*(line(group, key) for group, key in sorted(lines)))
