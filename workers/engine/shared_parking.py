"""What the lines of one role share: the table, the fuse, the caps."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from workers.engine.fuse import Fuse, FuseLimits, FuseTripped
from workers.engine.holds import Holds
from workers.engine.parking import Failure, ParkingFull, ParkingLot
from workers.engine.ports import Clock, Metrics, Store, StoreUnavailable
from workers.engine.quarantine import Quarantine
from workers.engine.record import Partition
from workers.engine.retry import TRANSIENT
from workers.engine.role import Owned

MOST_LISTED = 5_000
"""Parked events of a role: those of one partition are listed in one row, which must stay below what the store takes (400 KB)."""


@dataclass(frozen=True, slots=True)
class ParkingLimits:
    """``parked``, ``parked_a_key``: events that may wait before the role stops. ``look``: seconds between looks for what is due."""

    parked: int = MOST_LISTED
    parked_a_key: int = 2_000
    look: float = 1.0
    fuse: FuseLimits = field(default_factory=FuseLimits)


class SharedParking:
    """One per role."""

    def __init__(
        self, role: str, store: Store, clock: Clock, metrics: Metrics, random: Random, quarantine: Quarantine, limits: ParkingLimits
    ) -> None:
        self._role, self._store, self._clock, self._metrics, self._random = role, store, clock, metrics, random
        self.limits, self.quarantine = limits, quarantine
        self.lot = ParkingLot(role, store, clock, random)
        self._fuse, self._tripped = Fuse(limits.fuse), False
        self._parked: dict[Partition, tuple[int, int]] = {}

    def holds(self, owned: Owned) -> Holds:
        return Holds(self._role, owned.partition, owned.origin, self._store, self._clock, self._random)

    def now(self) -> int:
        return self._clock.now()

    async def rest(self) -> None:
        await self._clock.sleep(self.limits.look)

    def retried(self) -> None:
        self._metrics.count("store_retries", role=self._role, why="parking")

    async def patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does it again until the store is there; what it had done by then does no harm when done again."""
        attempt = 0
        while True:
            try:
                await work()
            except StoreUnavailable:
                self.retried()
                await self._clock.sleep(TRANSIENT.delay(attempt, self._random.random()))
                attempt += 1
            else:
                return

    # --- the fuse and the caps -----------------------------------------------------------------------------------------

    def judged(self) -> None:
        self._fuse.judged(1)

    def failed(self, failure: Failure, key: str) -> Failure:
        """Raises FuseTripped."""
        if self._fuse.failed(failure.fingerprint, key, self._clock.now()):
            self._tripped = True
            raise FuseTripped(f"{self._role}, {failure.fingerprint}: {failure.error}. {FuseTripped.__doc__}")
        return failure

    @property
    def window(self) -> int:
        """The number of the fuse's last window: what is parked now settles when that one has closed untripped."""
        return self._fuse.window

    def is_over(self, window: int) -> bool:
        """Never once the fuse has tripped: whatever is parked then is not settled by this role any more."""
        return not self._tripped and self._fuse.is_over(window, self._clock.now())

    def counted(self, partition: Partition, held: Mapping[str, int], skipped: int) -> None:
        """``held``: events parked per key; ``skipped``: events that wait for one row of a projection. Raises ParkingFull."""
        self.measured(partition, held, skipped)
        full = sum(parked for _, parked in self._parked.values()) > self.limits.parked
        if full or max(held.values(), default=0) > self.limits.parked_a_key:
            raise ParkingFull(f"{self._role}: {ParkingFull.__doc__}")

    def measured(self, partition: Partition, held: Mapping[str, int], skipped: int) -> None:
        """The same of what only becomes less: it stops nobody, however much there is."""
        self._parked[partition] = (len(held), sum(held.values()) + skipped)
        self._measure()

    def closed(self, partition: Partition) -> None:
        self._parked.pop(partition, None)
        self._measure()

    def _measure(self) -> None:
        self._metrics.gauge("parked_keys", sum(keys for keys, _ in self._parked.values()), role=self._role)
