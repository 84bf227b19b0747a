"""How much of a role is parked: for the metric that alarms, and for the caps that stop it."""

from collections.abc import Collection, Mapping

from workers.engine.parking import ParkedRow, ParkingFull
from workers.engine.ports import Metrics
from workers.engine.record import Partition


class ParkedKeys:
    """Rows by partition and key, as far as this process knows them. ``most``, ``most_a_key``: rows that one process may park before its
    role stops. What it found does not count for them: a line at its cap could never be drained by a process that stops at it."""

    def __init__(self, role: str, metrics: Metrics, most: int, most_a_key: int) -> None:
        self._role, self._metrics, self._most, self._most_a_key = role, metrics, most, most_a_key
        self._rows: dict[Partition, dict[str, set[str]]] = {}
        self._found: dict[Partition, dict[str, set[str]]] = {}

    def found(self, partition: Partition, places: Mapping[str, Collection[str]]) -> None:
        """What another process left."""
        self._found[partition] = {key: set(of_key) for key, of_key in places.items()}
        self._measure()

    def parked(self, rows: Collection[ParkedRow]) -> None:
        """They are durable. Raises ParkingFull; rows known already do not count anew."""
        for row in rows:
            partition, place = row.record.partition, row.ref.range or ""
            if place not in self._found.get(partition, {}).get(row.key, ()):
                self._rows.setdefault(partition, {}).setdefault(row.key, set()).add(place)
        self._measure()
        counts = [len(places) for of_partition in self._rows.values() for places in of_partition.values()]
        if max(counts, default=0) > self._most_a_key or sum(counts) > self._most:
            raise ParkingFull(f"{self._role}: {ParkingFull.__doc__}")

    def drained(self, partition: Partition, key: str) -> None:
        for known in (self._rows, self._found):
            known.get(partition, {}).pop(key, None)
        self._measure()

    def closed(self, partition: Partition) -> None:
        for known in (self._rows, self._found):
            known.pop(partition, None)
        self._measure()

    def _measure(self) -> None:
        keys = {(partition, key) for known in (self._rows, self._found) for partition, of in known.items() for key in of}
        self._metrics.gauge("parked_keys", len(keys), role=self._role)
