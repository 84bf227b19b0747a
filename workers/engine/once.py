"""Which events of a partition were published before (docs/architecture.md). Pure.

A crash between publish and commit, or a stale owner that wakes late, publishes again: same ids, same partition. An event whose command
lies below a settled watermark seen before was published before; of the others, the ids are remembered. What must survive a restart
travels in the offset commit's metadata: the settled watermarks, and where the oldest id still remembered stands; a restart reads back
from there. Counting by the last few ids, or after reading back a few records, is not exact.
"""

from collections import deque
from enum import StrEnum

import orjson

from contracts.envelope import Envelope
from contracts.position import Origin


class Novelty(StrEnum):
    NEW = "new"
    KNOWN = "known"
    LATE = "late"
    """Its command had been parked: no window can tell; who counts keeps the ids of late events durably."""


class Window:
    """One per consumed events partition. ``settled`` and ids are kept as of the committed place: forgetting earlier than the commit
    would let a restart count twice, remembering a later watermark would make it skip."""

    def __init__(self, metadata: str = "") -> None:
        stored = orjson.loads(metadata) if metadata else {}
        self._settled: dict[Origin, int] = dict(stored.get("settled", {}))
        self._durable = dict(self._settled)
        self._steps: deque[tuple[int, Origin, int]] = deque()
        self._recent: dict[str, tuple[Origin, int, int]] = {}
        # Offsets without metadata were set by people: what came before them must be known to tell a second publication.
        self.read_from: int = stored.get("from", 0)

    def judge(self, envelope: Envelope, place: int) -> Novelty:
        """``place``: the event's own offset. To be called once per record, in order, recalled ones included."""
        position = envelope.position
        if position is None:
            return Novelty.NEW
        known = position.offset < self._settled.get(position.origin, 0) or envelope.id in self._recent
        self._recent.setdefault(envelope.id, (position.origin, position.offset, place))
        settled = envelope.settled or 0
        if settled > self._settled.get(position.origin, 0):
            self._settled[position.origin] = settled
            self._steps.append((place, position.origin, settled))
        if envelope.late:
            return Novelty.LATE
        return Novelty.KNOWN if known else Novelty.NEW

    def metadata(self, watermark: int) -> str:
        """What a restart at ``watermark`` needs to judge as this window does; forgets what no restart can need any more."""
        while self._steps and self._steps[0][0] < watermark:
            _, origin, settled = self._steps.popleft()
            self._durable[origin] = max(settled, self._durable.get(origin, 0))
        self._recent = {
            event: (origin, offset, place)
            for event, (origin, offset, place) in self._recent.items()
            if offset >= self._durable.get(origin, 0) or place >= watermark
        }
        oldest = next((place for _, _, place in self._recent.values()), watermark)
        return orjson.dumps({"settled": self._durable, "from": min(oldest, watermark)}).decode()
