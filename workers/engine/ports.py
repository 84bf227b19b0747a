"""What the engine needs of the world: a log, a store, a clock, metrics. Each has a version in memory (``memory.py``) that passes the
same exam as the real one (``tests/conformance``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from contracts.position import Origin
from workers.engine.decision import Item, ItemRef
from workers.engine.record import Outgoing, Partition, Record

# --- the log -------------------------------------------------------------------------------------------------------


class LogUnavailable(Exception):
    """The log did not acknowledge in time. The records may still arrive: publish them again under the same ids."""


class UnknownTopic(Exception):
    """A topic or partition that does not exist. Nothing is created by itself, because a topic made by accident has the wrong settings:
    run ``mindlinks topics apply``."""


class RejectedRecord(Exception):
    """The log will never take a record: it is larger than its topic allows. A bug of whoever made it; none of the records of the same
    call may count as appended."""


class StaleOwner(Exception):
    """The group has moved on; what this member did since the rebalance is the rightful owner's to do again."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """One partition as it was handed to this member. ``committed`` is None for a group that never committed here; ``end`` is the
    log's next offset."""

    partition: Partition
    origin: Origin
    committed: int | None
    metadata: str
    end: int


@dataclass(frozen=True, slots=True)
class Offset:
    """``offset``: everything below is settled. ``metadata`` is handed back at the next assignment."""

    offset: int
    metadata: str = ""


class Listener(Protocol):
    """What a consumer tells its role. Calls never overlap; ``received`` must return at once and never raise."""

    async def assigned(self, partitions: Sequence[Assigned]) -> Mapping[Partition, int]:
        """Answers where to read from, for partitions that should not start at their committed offset."""
        ...

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Returns when the partitions are drained or the drain deadline has passed; commits inside still count."""
        ...

    def received(self, records: Sequence[Record]) -> None: ...


class Consumer(Protocol):
    """One member of one group. Offsets start at the earliest record for a group without a commit."""

    async def start(self, listener: Listener) -> None:
        """Returns when it has asked to join. Raises UnknownTopic, or LogUnavailable, after which it may be started again."""
        ...

    async def stop(self) -> None:
        """Leaves the group; does not drain: the role has done so."""
        ...

    async def commit(self, offsets: Mapping[Partition, Offset]) -> None:
        """Raises StaleOwner when the partitions are no longer this member's, LogUnavailable when fate is unknown."""
        ...

    def pause(self, partitions: Sequence[Partition]) -> None: ...

    def resume(self, partitions: Sequence[Partition]) -> None: ...

    def alive(self) -> bool:
        """False when the loop that feeds the listener has ended by itself."""
        ...


class Log(Protocol):
    async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
        """Returns when all are acknowledged by all in-sync replicas, in this order. Raises LogUnavailable otherwise; UnknownTopic and
        RejectedRecord, which no repeat helps."""
        ...

    async def append_keyed(self, topic: str, records: Sequence[Outgoing]) -> None:
        """The same, each to the partition of its key (murmur2, as every Kafka client does)."""
        ...

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer: ...

    async def check(self) -> None:
        """Returns when the log answers; raises LogUnavailable otherwise. For health only."""
        ...

    async def close(self) -> None: ...


# --- the store -----------------------------------------------------------------------------------------------------


class StoreUnavailable(Exception):
    """Nothing was written, try again later: throttled, conflict with a transaction in flight, no connection."""


class StoreMisconfigured(Exception):
    """Access denied or table missing: no retry will help."""


@dataclass(frozen=True, slots=True)
class Absent:
    """The row must not exist."""


@dataclass(frozen=True, slots=True)
class VersionIs:
    """The row exists with this ``_version``."""

    version: int


@dataclass(frozen=True, slots=True)
class AttributeIs:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Write:
    """One conditional write of one row. ``before`` is what the writer believes is there (attributes equal in both are not sent),
    ``after`` what is to be there; None deletes the row."""

    ref: ItemRef
    before: Item | None
    after: Item | None
    condition: Absent | VersionIs | AttributeIs


class Fate(StrEnum):
    """How one write ended."""

    WRITTEN = "written"
    CONFLICT = "conflict"
    """The condition did not hold; nothing was written."""
    BUSY = "busy"
    """Throttled or in conflict with a transaction: nothing was written, the same may be tried again."""
    UNKNOWN = "unknown"
    """No answer: it may have happened. Load, and let ``_seen`` say."""
    INVALID = "invalid"
    """The store will never take it (too large, malformed)."""


@dataclass(frozen=True, slots=True)
class Written:
    """``found``: the row that refused the condition, where the store brought it back."""

    fate: Fate
    found: Item | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Transacted:
    """``fate`` of the whole; ``parts`` parallel to the writes when the store named reasons."""

    fate: Fate
    parts: Sequence[Written] = ()


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Item] = field(default_factory=tuple)
    next: Mapping[str, Any] | None = None


class Store(Protocol):
    """Rows by primary key, conditional writes, queries of declared indexes. Every method may raise StoreUnavailable (nothing
    happened) or StoreMisconfigured."""

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        """Consistent; absent rows are left out. Any number of refs."""
        ...

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        """At most 25, no two of one row; each succeeds or fails alone, answers in order."""
        ...

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        """All or nothing, at most 100. The same token within 10 minutes is the same transaction."""
        ...

    async def query(
        self,
        table: str,
        index: str | None,
        value: str,
        *,
        up_to: str | None = None,
        start: Mapping[str, Any] | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> Page:
        """Rows of one hash key of a declared index (None: the table itself), by range key, at most ``up_to``. Index reads may lag."""
        ...

    async def check(self) -> None:
        """Returns when the store answers. For health only."""
        ...

    async def close(self) -> None: ...


# --- clock and metrics ---------------------------------------------------------------------------------------------


class RawSealer(Protocol):
    async def seal(self, raw: bytes) -> str:
        """A sealed text for operations alone, of bytes that may hold anything. Raises KeysUnavailable; does not wait for keys itself."""
        ...


class NoRawSealer:
    """For worlds that put nothing aside; whoever does is stopped rather than keep somebody's data in the clear."""

    async def seal(self, raw: bytes) -> str:
        raise StoreMisconfigured(f"{len(raw)} bytes are to be put aside and nothing was given to seal them with")


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch. For leases, retries and lag; never for decisions."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Metrics(Protocol):
    """A closed set of names (``workers/engine/metrics.py``); an unknown one is an error."""

    def count(self, name: str, value: int = 1, **tags: str) -> None: ...

    def gauge(self, name: str, value: float, **tags: str) -> None: ...

    def observe(self, name: str, value: float, **tags: str) -> None: ...
