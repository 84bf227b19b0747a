"""How long what somebody wrote to us is kept."""

from contracts.timestamps import plus, to_seconds
from contracts.types import Timestamp

KEPT_DAYS = 731
"""24 months, a leap day included."""


def kept_until(at: Timestamp) -> int:
    """Epoch seconds, as a TTL attribute wants them. ``at``: the last change."""
    return to_seconds(plus(at, days=KEPT_DAYS))
