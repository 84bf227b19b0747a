"""Putting commands on the log. Nothing is answered with 2xx before the log acknowledged it."""

from collections.abc import Sequence
from typing import Final

from contracts.topics import commands_topic
from workers.engine.ports import LogUnavailable
from workers.engine.record import Outgoing
from workers.ingress.dependencies import Dependencies
from workers.ingress.problems import Problem

RETRY_AFTER: Final = 5
"""Seconds until a caller should repeat what we could not take."""


async def publish(dependencies: Dependencies, service: str, records: Sequence[Outgoing]) -> None:
    """Returns when all are acknowledged, in this order per key. Raises Problem ``log_unavailable``: the records may still arrive, and
    the caller repeats them under the same ids."""
    topic = commands_topic(service)
    try:
        await dependencies.log.append_keyed(topic, records)
    except LogUnavailable as error:
        raise Problem("log_unavailable", "The log did not acknowledge in time.", retry_after=RETRY_AFTER) from error
    dependencies.metrics.count("published", len(records), topic=topic)
