"""Where a replay stands: one row of ``platform-audit`` each. Whoever finds it goes on from there, and two at once do not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Any, Final

from contracts.position import Origin
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.types import Timestamp
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, Clock, Fate, Store, StoreUnavailable, VersionIs, Write
from workers.engine.reading import Span
from workers.engine.record import Partition
from workers.engine.retry import TRANSIENT
from workers.engine.root import VERSION
from workers.ops.replay.plan import Mode, ReplayPlan
from workers.ops.replay.selection import Selection

REPLAYS: Final = "CHECKPOINT#replay"
WISHES: Final = "CHECKPOINT#replay-wish"
PLANNED: Final = ("id", "mode", "who", "why", "effects", "to", "rate")
"""Of the plan, as text; the selection is told as JSON."""


class ReplayNotFound(Exception):
    """There is no such replay. ``mindlinks replay list`` shows those there are."""


class TakenOver(Exception):
    """Another process goes on with this replay, or people stopped it. What this one sent since it last said where it was is in the log."""


class State(StrEnum):
    """``sent``: all records are in the log; what became of them is not known yet."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    SENT = "sent"
    DONE = "done"

    @property
    def over(self) -> bool:
        return self in (State.STOPPED, State.DONE)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``spans``: as they were when the selection was counted. ``next``: the first offset of each that is not known sent. ``ends``: the
    ends of their partitions when this was kept: what was sent since stands behind. ``events``: where the events partitions ended when
    the replay began. ``passed``: selected and not sent, by reason. ``begun_at``: milliseconds since the epoch."""

    plan: ReplayPlan
    spans: Mapping[Partition, Span]
    ends: Mapping[Partition, int]
    events: Mapping[Partition, int]
    begun_at: int
    records: int = 0
    next: Mapping[Partition, int] = field(default_factory=dict)
    state: State = State.RUNNING
    sent: int = 0
    passed: Mapping[str, int] = field(default_factory=dict)
    outcome: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0

    @property
    def left(self) -> dict[Partition, Span]:
        """What is still to be read."""
        return {each: replace(span, first=max(span.first, self.next.get(each, 0))) for each, span in self.spans.items()}

    def to_item(self) -> dict[str, Any]:
        return {
            "what": "replay",
            "plan": {name: str(getattr(self.plan, name)) for name in PLANNED},
            "selection": self.plan.selection.told(),
            "spans": {_text(each): [span.origin, span.first, span.end] for each, span in self.spans.items()},
            "next": _texts(self.next),
            "ends": _texts(self.ends),
            "events": _texts(self.events),
            "begunAt": from_milliseconds(self.begun_at),
            "records": self.records,
            "state": self.state.value,
            "sent": self.sent,
            "passed": dict(self.passed),
            "outcome": dict(self.outcome),
            VERSION: self.version,
        }

    @classmethod
    def of(cls, item: Item) -> "Checkpoint":
        plan = dict(item["plan"])
        selection = Selection.read(item["selection"])
        made = {**plan, "selection": selection, "mode": Mode(plan["mode"]), "rate": float(plan["rate"])}
        return cls(
            plan=ReplayPlan(**made),
            spans={_partition(name): Span(Origin(o), first, end) for name, (o, first, end) in item["spans"].items()},
            ends=_partitions(item["ends"]),
            events=_partitions(item["events"]),
            begun_at=to_milliseconds(Timestamp(item["begunAt"])),
            records=item["records"],
            next=_partitions(item["next"]),
            state=State(item["state"]),
            sent=item["sent"],
            passed=item["passed"],
            outcome=item["outcome"],
            version=item[VERSION],
        )


class Checkpoints:
    """Waits out a store that is away: a replay that cannot say where it stands does not go on."""

    def __init__(self, store: Store, clock: Clock, random: Random) -> None:
        self._store, self._clock, self._random = store, clock, random

    async def one(self, replay: str) -> Checkpoint:
        """Raises ReplayNotFound, StoreUnavailable."""
        found = (await self._store.get([_ref(replay)])).get(_ref(replay))
        if found is None:
            raise ReplayNotFound(f"{replay}: {ReplayNotFound.__doc__}")
        return Checkpoint.of(found)

    async def all(self) -> list[Checkpoint]:
        """The latest first. Raises StoreUnavailable."""
        found: list[Checkpoint] = []
        start: Mapping[str, Any] | None = None
        while True:
            page = await self._store.query(AUDIT, None, REPLAYS, start=start)
            found += map(Checkpoint.of, page.items)
            start = page.next
            if start is None:
                return sorted(found, key=lambda each: each.begun_at, reverse=True)

    async def keep(self, at: Checkpoint) -> Checkpoint:
        """Returns it one version on, durable. Raises TakenOver."""
        after = replace(at, version=at.version + 1)
        condition = VersionIs(at.version) if at.version else Absent()
        write = Write(_ref(at.plan.id), {VERSION: at.version} if at.version else None, after.to_item(), condition)
        attempt = 0
        while True:
            try:
                (written,) = await self._store.write([write])
                if written.fate is Fate.WRITTEN or await self._is_there(after):
                    return after
                if written.fate is Fate.CONFLICT:
                    raise TakenOver(f"{at.plan.id}: {TakenOver.__doc__}")
            except StoreUnavailable:
                pass
            await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
            attempt += 1

    async def _is_there(self, after: Checkpoint) -> bool:
        """After a write without answer, or one that was answered the second time."""
        found = (await self._store.get([_ref(after.plan.id)])).get(_ref(after.plan.id))
        return found is not None and {**found, "day": "", "entry": ""} == {**after.to_item(), "day": "", "entry": ""}

    async def wish(self, replay: str, wanted: State | None) -> None:
        """Leaves word for the process that runs it, which looks every second. None takes it back. Raises StoreUnavailable."""
        ref = ItemRef(AUDIT, WISHES, replay)
        before = (await self._store.get([ref])).get(ref)
        version = before[VERSION] if before else 0
        row = {"wanted": wanted.value if wanted else "", VERSION: version + 1}
        await self._store.write([Write(ref, before, row, VersionIs(version) if before else Absent())])

    async def wished(self, replay: str) -> State | None:
        """A store that is away wishes nothing."""
        ref = ItemRef(AUDIT, WISHES, replay)
        try:
            found = (await self._store.get([ref])).get(ref)
        except StoreUnavailable:
            return None
        return State(found["wanted"]) if found and found["wanted"] else None


def _ref(replay: str) -> ItemRef:
    return ItemRef(AUDIT, REPLAYS, replay)


def _text(partition: Partition) -> str:
    return f"{partition.topic}/{partition.number}"


def _texts(offsets: Mapping[Partition, int]) -> dict[str, int]:
    return {_text(each): offset for each, offset in offsets.items()}


def _partition(text: str) -> Partition:
    topic, _, number = text.rpartition("/")
    return Partition(topic, int(number))


def _partitions(offsets: Mapping[str, int]) -> dict[Partition, int]:
    return {_partition(name): offset for name, offset in offsets.items()}
