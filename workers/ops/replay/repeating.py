"""What of the selected records is sent, and what cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts.catalogue import MAXIMUM_RECORD, InvalidRecord, decode
from workers.engine.reading import Span
from workers.engine.record import Outgoing, Partition, Record
from workers.ops.replay.ensure import copy_of
from workers.ops.replay.plan import Mode, ReplayPlan
from workers.ops.replay.redo import repetition_of

OVERHEAD = 256
"""Bytes that a broker and its batch add to a record, generously."""


class Passed(StrEnum):
    """Why a selected record is not sent."""

    UNREADABLE = "unreadable"
    """Nobody can decode it; it is in quarantine under its position."""
    TOO_LARGE = "too_large"
    """With the headers of a replay it would be larger than its topic takes."""


@dataclass(frozen=True, slots=True)
class Repeater:
    plan: ReplayPlan
    spans: Mapping[Partition, Span]

    def outgoing(self, record: Record, now: int) -> Outgoing | Passed:
        origin = self.spans[record.partition].origin
        try:
            if self.plan.mode is Mode.REDO:
                made = repetition_of(self.plan, origin, record, now)
            else:
                decode(record.key, record.value, record.headers, record.timestamp)
                made = copy_of(self.plan, origin, record)
        except InvalidRecord:
            return Passed.UNREADABLE
        size = len(made.key) + len(made.value) + sum(len(name) + len(value) for name, value in made.headers)
        return Passed.TOO_LARGE if size + OVERHEAD > MAXIMUM_RECORD else made
