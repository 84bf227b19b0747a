"""Rows of ``platform-parked``: the waiting line of a key whose command keeps failing (docs/architecture.md).

The row that failed says when to try again; those behind it carry a distant time as a safety net, so that no line is forgotten whatever
crashed. Rows at or below ``_seen`` of a root that is not held are leftovers.
"""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Self

from contracts.position import Origin, Position
from contracts.timestamps import from_milliseconds, to_milliseconds
from contracts.types import Timestamp
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, Clock, Fate, Store, StoreUnavailable, VersionIs, Write
from workers.engine.record import Partition, Record
from workers.engine.retry import TRANSIENT, Backoff
from workers.engine.root import VERSION

PARKED = "platform-parked"
DUE_INDEX = "due-index"
SAFETY = 600_000
"""Milliseconds after which a line is looked at even if nothing said so."""
ATTEMPTS = 12
RETRY = Backoff(first=2.0, ceiling=600.0)
ROWS_A_WRITE = 25
LONGEST_TRACE = 4_000


class ParkingFull(Exception):
    """More records are parked than the role may hold: something is wrong with more than a few keys. The role stopped; nothing was
    skipped. Look at ``platform-parked``, mend the cause, start the role again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a decision raised. ``fingerprint``: error type, command kind and failing function."""

    fingerprint: str
    error: str
    trace: str

    @classmethod
    def of(cls, error: Exception, kind: str) -> Self:
        frames = traceback.extract_tb(error.__traceback__)
        where = frames[-1].name if frames else "-"
        trace = "".join(traceback.format_exception(error))[-LONGEST_TRACE:]
        return cls(f"{type(error).__name__}/{kind}/{where}", f"{type(error).__name__}: {error}"[:500], trace)


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """One waiting record. It is kept as it came and yet holds no personal value in the clear: only what was decoded is parked, and
    nothing decodes whose marked fields are not sealed texts. ``attempts`` counts tries of its decision; ``quarantined`` rows
    wait for people, ``skipped`` ones are passed over by their word. Times in milliseconds.
    ``only``: the one row of a projection that could not fold the event; so parked, it holds no key and waits for none."""

    group: str
    record: Record
    origin: Origin
    next_attempt_at: int
    attempts: int = 0
    quarantined: bool = False
    skipped: bool = False
    failure: Failure | None = None
    first_at: int = 0
    last_at: int = 0
    version: int = 1
    only: str = ""

    @property
    def key(self) -> str:
        return (self.record.key or b"").decode()

    @property
    def ref(self) -> ItemRef:
        place = f"{self.origin}#{self.record.offset:020d}"
        return ItemRef(PARKED, f"{self.group}#{self.key}", f"{place}#{self.only}" if self.only else place)

    @property
    def position(self) -> Position:
        return Position(self.origin, self.record.offset)

    def to_item(self) -> dict[str, Any]:
        record = self.record
        item: dict[str, Any] = {
            "groupPartition": f"{self.group}#{record.partition.number}",
            "nextAttemptAt": from_milliseconds(self.next_attempt_at),
            "topic": record.partition.topic,
            "partition": record.partition.number,
            "origin": self.origin,
            "offset": record.offset,
            "key": self.key,
            "value": record.value or b"",
            "headers": [{"name": name, "value": value or b""} for name, value in record.headers],
            "appendedAt": record.timestamp,
            "attempts": self.attempts,
            "state": "skipped" if self.skipped else "quarantined" if self.quarantined else "parked",
            "firstAt": from_milliseconds(self.first_at),
            "lastAt": from_milliseconds(self.last_at),
            VERSION: self.version,
        }
        if self.only:
            item["only"] = self.only
        if self.failure:
            item |= {"fingerprint": self.failure.fingerprint, "error": self.failure.error, "trace": self.failure.trace}
        return item

    @classmethod
    def of(cls, group: str, item: Item) -> Self:
        headers = tuple((header["name"], header["value"]) for header in item["headers"])
        partition = Partition(item["topic"], item["partition"])
        failure = Failure(item["fingerprint"], item["error"], item["trace"]) if "fingerprint" in item else None
        return cls(
            group=group,
            record=Record(partition, item["offset"], item["key"].encode(), item["value"], headers, item["appendedAt"]),
            origin=item["origin"],
            next_attempt_at=to_milliseconds(Timestamp(item["nextAttemptAt"])),
            attempts=item["attempts"],
            quarantined=item["state"] == "quarantined",
            skipped=item["state"] == "skipped",
            failure=failure,
            first_at=to_milliseconds(Timestamp(item["firstAt"])),
            last_at=to_milliseconds(Timestamp(item["lastAt"])),
            version=item[VERSION],
            only=item.get("only", ""),
        )


class ParkingLot:
    """The lines of one role. Calls raise StoreUnavailable; what they had done by then does no harm when done again."""

    def __init__(self, group: str, store: Store, clock: Clock, random: Random) -> None:
        self.group = group
        self._store, self._clock, self._random = store, clock, random

    def row(self, origin: Origin, record: Record, failure: Failure | None) -> ParkedRow:
        """A record that was tried once (``failure``), or that waits behind such a one."""
        now = self._clock.now()
        due = now + self._pause(1) if failure else now + SAFETY
        return ParkedRow(self.group, record, origin, due, int(failure is not None), failure=failure, first_at=now, last_at=now)

    def tried(self, row: ParkedRow, failure: Failure) -> ParkedRow:
        """After one more failed try: later again, or quarantined after the last one."""
        attempts, now = row.attempts + 1, self._clock.now()
        last = attempts >= ATTEMPTS
        due = now + (SAFETY if last else self._pause(attempts))
        return replace(row, attempts=attempts, quarantined=last, failure=failure, last_at=now, next_attempt_at=due, version=row.version + 1)

    def released(self, row: ParkedRow) -> ParkedRow:
        """To be tried again now, as often as at first."""
        return replace(row, attempts=0, quarantined=False, next_attempt_at=self._clock.now(), version=row.version + 1)

    def passed_over(self, row: ParkedRow) -> ParkedRow:
        """Never to be tried again; its line goes on behind it."""
        return replace(self.released(row), skipped=True)

    def postponed(self, row: ParkedRow, milliseconds: int) -> ParkedRow:
        return replace(row, next_attempt_at=self._clock.now() + milliseconds, version=row.version + 1)

    def pushed_back(self, row: ParkedRow) -> ParkedRow:
        """Looked at again even if nothing says so."""
        return self.postponed(row, SAFETY)

    def next_look(self) -> int:
        """When everything held is to be looked at, whatever is due."""
        return self._clock.now() + SAFETY

    def is_due(self, row: ParkedRow) -> bool:
        return row.next_attempt_at <= self._clock.now()

    def is_old(self, row: ParkedRow) -> bool:
        """Parked so long ago that whatever was under way then has happened or never will."""
        return row.first_at + SAFETY <= self._clock.now()

    async def put(self, rows: Sequence[ParkedRow]) -> None:
        """Rows that are there already stay as they are."""
        await self._write([Write(row.ref, None, row.to_item(), Absent()) for row in rows])

    async def keep(self, before: ParkedRow, after: ParkedRow) -> None:
        """A row that somebody else changed or deleted meanwhile is left alone."""
        await self._write([Write(before.ref, before.to_item(), after.to_item(), VersionIs(before.version))])

    async def remove(self, rows: Sequence[ParkedRow]) -> None:
        await self._write([Write(row.ref, None, None, VersionIs(row.version)) for row in rows])

    async def due_keys(self, partition: int) -> list[str]:
        """Keys with a row that is due now, oldest first."""
        now = from_milliseconds(self._clock.now())
        page = await self._store.query(PARKED, DUE_INDEX, f"{self.group}#{partition}", up_to=now, limit=100)
        keys = [str(item["groupKey"]).removeprefix(f"{self.group}#") for item in page.items]
        return list(dict.fromkeys(keys))

    async def standing(self, partition: int) -> Mapping[str, list[str]]:
        """Every row of the partition: their places by key."""
        found: dict[str, list[str]] = {}
        start: Mapping[str, Any] | None = None
        while True:
            page = await self._store.query(PARKED, DUE_INDEX, f"{self.group}#{partition}", start=start, limit=1000)
            for item in page.items:
                found.setdefault(str(item["groupKey"]).removeprefix(f"{self.group}#"), []).append(str(item["position"]))
            start = page.next
            if start is None:
                return found

    async def has_rows(self, partition: int) -> bool:
        return bool((await self._store.query(PARKED, DUE_INDEX, f"{self.group}#{partition}", limit=1)).items)

    async def line(self, key: str) -> list[ParkedRow]:
        """Everything parked of one key, in the order of the log."""
        rows: list[ParkedRow] = []
        start: Mapping[str, Any] | None = None
        while True:
            page = await self._store.query(PARKED, None, f"{self.group}#{key}", start=start)
            rows += [ParkedRow.of(self.group, item) for item in page.items if "offset" in item]
            start = page.next
            if start is None:
                return rows

    def _pause(self, attempt: int) -> int:
        return int(1000 * RETRY.delay(attempt, 0.5 + self._random.random() / 2))

    async def _write(self, writes: Sequence[Write]) -> None:
        attempt = 0
        todo = list(writes)
        while todo:
            results = await self._store.write(todo[:ROWS_A_WRITE])
            again = [w for w, r in zip(todo, results, strict=False) if r.fate in (Fate.BUSY, Fate.UNKNOWN)]
            if any(result.fate is Fate.INVALID for result in results):
                raise StoreUnavailable("a parked row was refused by the store")
            if again:
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
            todo = [*again, *todo[ROWS_A_WRITE:]]
