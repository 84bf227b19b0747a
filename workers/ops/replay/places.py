"""Where the records of failures stand, for a selection by fingerprint."""

from workers.engine.decision import ItemRef
from workers.engine.ports import Store
from workers.engine.quarantine import FAILURES
from workers.ops.quarantined import Failures, Index
from workers.ops.replay.selection import MOST_NAMED, SelectionError

ROWS_A_READ = 25
"""Bodies come along, and one may have 256 KiB."""


async def places_of(store: Store, failures: Failures, fingerprint: str) -> dict[str, frozenset[str]]:
    """Topic -> positions. Deliveries of providers stand in no topic and are left out. Raises SelectionError, StoreUnavailable."""
    lines = await failures.listed(Index.FINGERPRINT, fingerprint, MOST_NAMED + 1)
    if len(lines) > MOST_NAMED:
        raise SelectionError(f"more than {MOST_NAMED:,} failures of this fingerprint: select by service and time instead")
    found: dict[str, set[str]] = {}
    for start in range(0, len(lines), ROWS_A_READ):
        refs = [ItemRef(FAILURES, line.id) for line in lines[start : start + ROWS_A_READ]]
        for row in (await store.get(refs)).values():
            if "topic" in row and "position" in row:
                found.setdefault(row["topic"], set()).add(row["position"])
    if not found:
        raise SelectionError(f"no record is in quarantine as {fingerprint}; mindlinks failures list shows the fingerprints there are")
    return {topic: frozenset(places) for topic, places in found.items()}
