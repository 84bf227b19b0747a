"""How much of a role is parked: for the metric that alarms, and for the caps that stop it."""

from collections.abc import Collection, Mapping

from workers.engine.parking import ParkedRow, ParkingFull
from workers.engine.ports import Metrics
from workers.engine.record import Partition


class ParkedKeys:
    """Rows by partition and key, as far as this process knows them. ``most``, ``most_a_key``: rows that may wait before the role stops."""

    def __init__(self, role: str, metrics: Metrics, most: int, most_a_key: int) -> None:
        self._role, self._metrics, self._most, self._most_a_key = role, metrics, most, most_a_key
        self._rows: dict[Partition, dict[str, set[str]]] = {}

    def found(self, partition: Partition, places: Mapping[str, Collection[str]]) -> None:
        """What another process left. Never too much: the lines must be drained by somebody."""
        rows = self._rows.setdefault(partition, {})
        for key, of_key in places.items():
            rows.setdefault(key, set()).update(of_key)
        self._measure()

    def parked(self, rows: Collection[ParkedRow]) -> None:
        """They are durable. Raises ParkingFull; rows known already do not count anew."""
        for row in rows:
            self._rows.setdefault(row.record.partition, {}).setdefault(row.key, set()).add(row.ref.range or "")
        self._measure()
        counts = [len(places) for of_partition in self._rows.values() for places in of_partition.values()]
        if max(counts, default=0) > self._most_a_key or sum(counts) > self._most:
            raise ParkingFull(f"{self._role}: {ParkingFull.__doc__}")

    def drained(self, partition: Partition, key: str) -> None:
        self._rows.get(partition, {}).pop(key, None)
        self._measure()

    def closed(self, partition: Partition) -> None:
        self._rows.pop(partition, None)
        self._measure()

    def _measure(self) -> None:
        self._metrics.gauge("parked_keys", sum(len(of_partition) for of_partition in self._rows.values()), role=self._role)
