"""The records of visits as the erasure of a visitor needs them: found by index, events deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from contracts.analytics import VisitId
from contracts.types import UserId

MOST_VISITS: Final = 500
"""Of one pass: each is emptied by a command of its own, and all of them stand on one row of the ledger until they are published."""


class VisitRecordsUnavailableError(Exception):
    """The store did not answer, or not for certain. Some events may be deleted; the same may be asked again."""


@dataclass(frozen=True, slots=True)
class Purged:
    """``visits``: at most ``MOST_VISITS`` of the person's that are not empty yet. ``events``: how many of theirs were deleted."""

    visits: Sequence[VisitId] = ()
    events: int = 0


class VisitRecords(Protocol):
    async def purge(self, user: UserId) -> Purged:
        """Deletes the events of the person's visits and looks again until there is none; the visits stay. Indexes lag, so what was written
        within the last second or so may stay too: it is sealed under the person's key, and its TTL removes it.

        Raises VisitRecordsUnavailableError.
        """
        ...
