"""How far the reading of Stripe's events is: one row, kept after each page."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from workers.adapters.stripe_events import KEPT_SECONDS
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Absent, Clock, Fate, Store, StoreUnavailable, VersionIs, Write
from workers.engine.root import VERSION

ROW: Final = ItemRef(AUDIT, "CHECKPOINT#stripe-events", "last")
KEY: Final = ("day", "entry")
USUAL_SECONDS: Final = 3 * 24 * 3600
"""As long as Stripe repeats a webhook (domain.md 12)."""
RESUMED_SECONDS: Final = 24 * 3600
"""A reading that ended in the middle is gone on with for a day; then a new one reads all of it again."""
ATTEMPTS: Final = 5
PAUSE: Final = 0.2
"""Seconds between two attempts to keep the row."""


class AnotherReading(Exception):
    """Another process reads Stripe's events too. It has taken over from this one's checkpoint; nothing is lost."""


@dataclass(frozen=True, slots=True)
class Reading:
    """``since``, ``until``, ``covered``: seconds since the epoch; every event up to ``covered`` was read, by this or earlier readings.
    ``lost``: seconds between then and now that nobody read and of which Stripe keeps nothing.
    ``account``: whose events are being read, empty for the platform's. ``after``: the last one taken of it, empty for none.
    ``undelivered``: events that Stripe still owes to an endpoint. ``results``: counts by what became of an event."""

    since: int
    until: int
    covered: int
    lost: int = 0
    account: str = ""
    after: str = ""
    finished: bool = False
    accounts: int = 0
    left: int = 0
    events: int = 0
    undelivered: int = 0
    results: Mapping[str, int] = field(default_factory=dict)

    def ended(self) -> "Reading":
        """A short reading on demand, long after the one before, leaves the time between to the next."""
        joined = self.since <= max(self.covered, self.until - KEPT_SECONDS)
        return replace(self, finished=True, covered=self.until if joined else self.covered)


class Checkpoint:
    """Optimistic: whoever finds that the row moved without it stops, so of several readings one goes on."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock, self._version = store, clock, 0

    async def begun(self, since: int | None) -> Reading:
        """A new reading, or the one that ended in the middle if it covers as much; it is this process's from here on. Raises
        AnotherReading, StoreUnavailable."""
        now, kept = self._clock.now() // 1000, await self._found()
        usual = min(now - USUAL_SECONDS, kept.covered) if kept else now - USUAL_SECONDS
        first = max(usual if since is None else since, now - KEPT_SECONDS)
        if kept and not kept.finished and kept.since <= first and now - kept.until < RESUMED_SECONDS:
            reading = kept
        else:
            covered = kept.covered if kept else first
            reading = Reading(first, now, covered, lost=max(0, now - KEPT_SECONDS - covered))
        await self.keep(reading)
        return reading

    async def keep(self, reading: Reading) -> None:
        """Returns when it is durable. Raises AnotherReading, StoreUnavailable."""
        row = asdict(reading) | {"results": dict(reading.results), VERSION: self._version + 1}
        before = {VERSION: self._version} if self._version else None
        for _ in range(ATTEMPTS):
            (written,) = await self._store.write([Write(ROW, before, row, VersionIs(self._version) if self._version else Absent())])
            # An earlier attempt without an answer may have been the one that wrote it.
            if written.fate is Fate.WRITTEN or (written.fate is Fate.CONFLICT and await self._row() == row):
                self._version += 1
                return
            if written.fate is Fate.CONFLICT:
                raise AnotherReading(AnotherReading.__doc__)
            await self._clock.sleep(PAUSE)
        raise StoreUnavailable(f"{ROW.table} does not take the checkpoint: {written.fate} {written.detail}")

    async def _found(self) -> Reading | None:
        row = await self._row()
        self._version = row[VERSION] if row else 0
        return Reading(**{name: value for name, value in row.items() if name in Reading.__dataclass_fields__}) if row else None

    async def _row(self) -> Item | None:
        row = (await self._store.get([ROW])).get(ROW)
        return {name: value for name, value in row.items() if name not in KEY} if row else None
