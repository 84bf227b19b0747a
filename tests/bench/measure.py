"""What is measured of a contender, and the pieces of the engine that measure it."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.bench.sizes import write_units
from workers.adapters.dynamodb import DynamoStore
from workers.engine.metrics import NoMetrics
from workers.engine.ports import Transacted, Write, Written


@dataclass(frozen=True, slots=True)
class Measured:
    """``units``: write units of the base table a command, ``transaction_units``: those a transaction costs on top (twice the item's),
    ``index_units``: those of indexes."""

    contender: str
    workload: str
    commands: int
    seconds: float
    cpu_seconds: float
    units: float = 0.0
    transaction_units: float = 0.0
    index_units: float = 0.0
    extra: dict[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.commands / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.commands / self.cpu_seconds

    def to_json(self) -> dict[str, Any]:
        rates = {"per_second": round(self.per_second, 1), "per_cpu_second": round(self.per_cpu_second, 1)}
        return asdict(self) | rates | {"cpu_us_per_command": round(1e6 / self.per_cpu_second, 1)}


class Watch:
    """Wall and CPU time (user and system, all threads of this process) since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


class MeteredStore(DynamoStore):
    """Keeps the units of what it wrote. ``sample``: every so manieth request is counted, to cost nothing that shows."""

    sample = 10
    _requests = _counted = _written = 0
    spanning = 0

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        self._requests += 1
        self._written += len(writes)
        if self._requests % self.sample == 1:
            self._counted += len(writes)
            self._units += sum(write_units(write.before, write.after) for write in writes)
        return await super().write(writes)

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        self.spanning += sum(write_units(write.before, write.after) for write in writes)
        return await super().transact(writes, token)

    _units = 0

    @property
    def units(self) -> float:
        return self._units / max(1, self._counted) * self._written

    @property
    def rows_written(self) -> int:
        return self._written


class Latencies(NoMetrics):
    """Seconds from a command's append to its event's acknowledgement; one entry a command of these streams. ``judged``: commands with a
    verdict; over a store that forgets a few have no event, for a payee evicted meanwhile is another afterwards."""

    def __init__(self, *, kept: bool = True) -> None:
        self.seconds: list[float] = []
        self.total, self.judged, self._kept = 0, 0, kept

    def count(self, name: str, value: int = 1, **tags: str) -> None:
        super().count(name, value, **tags)
        self.judged += value if name == "outcomes" else 0

    def observe(self, name: str, value: float, **tags: str) -> None:
        if name == "command_to_event_seconds":
            self.total += 1
            if self._kept:
                self.seconds.append(value)


class RunQueue:
    """How much the threads of this process stood ready and had no processor since it was made, in seconds a second: what a late event
    owes to the machine. Above a few hundredths, read no latency. 0 where the kernel does not tell (only Linux does)."""

    def __init__(self) -> None:
        self._begun, self._waited = time.perf_counter(), _waited()

    def read(self) -> float:
        return (_waited() - self._waited) / (time.perf_counter() - self._begun)


def _waited() -> float:
    """Threads that have ended are not in it; a worker's live as long as it does."""
    return sum(int(each.read_text().split()[1]) for each in Path("/proc/self/task").glob("*/schedstat")) / 1e9


def resident_megabytes() -> float:
    """Of this process, now."""
    return psutil.Process().memory_info().rss / 1e6
