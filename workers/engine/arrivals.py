"""Events on their way into a role, and what the role does with them."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from contracts.catalogue import decode
from contracts.envelope import Envelope
from contracts.message import EventData
from contracts.position import Origin, Position
from contracts.topics import service_of
from contracts.types import EventId
from workers.engine.ports import StoreMisconfigured, UnknownTopic
from workers.engine.record import Record
from workers.engine.role import Owned
from workers.engine.service import Event

W = TypeVar("W")
NOT_POISON = (StoreMisconfigured, UnknownTopic)
"""What no arrival is to blame for: the role stops."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """One event to act on. ``late``: it may have been seen before, and only a durable memory can tell. ``settle`` is called once, when its
    consequence is durable. ``parked``: it comes out of its key's line; ``only``: the one row it is then about."""

    record: Record
    envelope: Envelope
    event: Event[EventData]
    late: bool
    origin: Origin
    settle: Callable[[], None]
    parked: bool = False
    only: str = ""

    @property
    def key(self) -> str:
        return (self.record.key or b"").decode()

    @property
    def offset(self) -> int:
        return self.record.offset

    @property
    def place(self) -> Position:
        """Where it counts as standing: a copy that a replay made stands where its original does."""
        replay = self.envelope.replay
        return replay.of if replay and replay.is_copy and replay.of else Position(self.origin, self.record.offset)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared(Generic[W]):
    """An arrival and what its sink made of it."""

    arrival: Arrival
    work: W


@dataclass(frozen=True, slots=True, eq=False)
class Refusal:
    """An arrival that was prepared and cannot be applied: ``error``, or none for one that must not pass such a one of its key, or that
    waits for something else of its key, whose end the sink tells (``Line.again``). Waiting is no failed try."""

    arrival: Arrival
    error: Exception | None


class Line(Protocol):
    """What a sink may ask about its partition's parked events, and tell."""

    @property
    def offsets(self) -> Collection[int]:
        """Parked, or about to be: whoever counts by the highest offset must not pass one of them unnoticed."""
        ...

    @property
    def done(self) -> Collection[int]:
        """Out of the line again, and durable wherever they belong."""
        ...

    def again(self, key: str) -> None:
        """What made the sink refuse an arrival of the key without an error is over: the key's line is offered again at the next look."""
        ...

    async def skip(self, arrival: Arrival, target: str, error: Exception) -> None:
        """Keeps the arrival for its row ``target`` alone; returns when that is durable. Raises FuseTripped, ParkingFull."""
        ...


class Sink(Protocol[W]):
    """What a role does with events. Calls for one partition never overlap."""

    def wants(self, kind: str) -> bool: ...

    async def opened(self, owned: Owned, line: Line) -> None: ...

    async def prepare(self, owned: Owned, arrival: Arrival) -> W:
        """Works out what follows, changing nothing. What it raises is this arrival's fault and parks its key, ``NOT_POISON`` apart."""
        ...

    async def apply(self, owned: Owned, prepared: Sequence[Prepared[W]]) -> Sequence[Refusal]:
        """In order. Settles each arrival when it is durable, later if it likes, but for those it refuses. An exception stops the role."""
        ...

    async def drained(self, owned: Owned) -> None: ...

    def closed(self, owned: Owned) -> None: ...


def arrival_of(
    record: Record, origin: Origin, settle: Callable[[], None], judge: Callable[[Envelope], bool | None], *, parked: bool, only: str = ""
) -> Arrival | None:
    """``judge`` says whether the event is late, or None for one to be left alone. None as well for what is no event. Raises
    InvalidRecord."""
    decoded = decode(record.key, record.value, record.headers, record.timestamp)
    envelope, data = decoded.envelope, decoded.data
    late = judge(envelope)
    if late is None or not isinstance(data, EventData):
        return None
    service = service_of(record.partition.topic)
    event = Event(EventId(envelope.id), service, envelope.subject, envelope.time, envelope.actor, data)
    return Arrival(record, envelope, event, late, origin, settle, parked, only)


async def one_by_one(
    prepared: Sequence[Prepared[W]], work: Callable[[Prepared[W]], Awaitable[None]], fault: type[Exception]
) -> list[Refusal]:
    """After a batch was refused with ``fault``: which of them it was, each with those behind it of its key. The others are settled."""
    stuck: set[str] = set()
    refusals: list[Refusal] = []
    for each in prepared:
        error: Exception | None = None
        if each.arrival.key not in stuck:
            try:
                await work(each)
            except fault as raised:
                error = raised
            else:
                each.arrival.settle()
                continue
        stuck.add(each.arrival.key)
        refusals.append(Refusal(each.arrival, error))
    return refusals
