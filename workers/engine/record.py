"""Records as the log has them, and as it is given them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contracts.envelope import Header


class Partition(NamedTuple):
    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """``timestamp``: the broker's append time, milliseconds since the epoch."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp: int

    @property
    def size(self) -> int:
        return len(self.key or b"") + len(self.value or b"") + 200


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to append."""

    key: bytes
    value: bytes
    headers: Sequence[Header]

    @property
    def size(self) -> int:
        return len(self.key) + len(self.value) + 300
