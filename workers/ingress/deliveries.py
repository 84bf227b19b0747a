"""What every genuine delivery of a provider has in common: the envelope of its command, and what becomes of one that makes none."""

from dataclasses import dataclass
from typing import Final

import structlog

from contracts import timestamps
from contracts.envelope import Envelope
from contracts.ids import derived
from contracts.message import CommandData
from contracts.types import CommandId
from workers.ingress.dependencies import Dependencies, QuarantinedDelivery
from workers.ingress.problems import Problem
from workers.ingress.reading import store_answers
from workers.ingress.sealing import keys_answer
from workers.ingress.traceparent import traceparent_of

UNKNOWN_KEY_PATIENCE: Final = 3600
"""Seconds during which a delivery about something unknown may still overtake the row that will name it."""
UNKNOWN_KEY_RETRY: Final = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """``at``: when the provider says that it happened, in milliseconds; None when it does not say."""

    provider: str
    id: str
    type: str
    at: int | None
    body: bytes


def envelope_of(dependencies: Dependencies, provider: str, command: CommandId, data: CommandData, traceparent: str | None) -> Envelope:
    """``command`` follows from the delivery, so that a repeat is recognised."""
    return Envelope(
        id=command,
        kind=data.kind(),
        source=f"/mindlinks/ingress/{provider}",
        subject=data.key,
        time=timestamps.from_milliseconds(dependencies.clock.now()),
        correlation_id=command,
        causation_id=command,
        actor=f"system:{provider}",
        traceparent=traceparent_of(traceparent),
    )


async def unknown_key(dependencies: Dependencies, received: Received, detail: str) -> str:
    """Raises Problem while its row may still come, so that the provider repeats; put aside after that."""
    problem = Problem("unknown_key", detail, retry_after=UNKNOWN_KEY_RETRY)
    if received.at is None or dependencies.clock.now() - received.at < UNKNOWN_KEY_PATIENCE * 1000:
        raise problem
    return await put_aside(dependencies, received, problem)


async def put_aside(dependencies: Dependencies, received: Received, problem: Problem) -> str:
    """Repeating would change nothing: people look at it, and the provider may stop. Raises Problem when it could not be kept."""
    row = derived(f"{received.provider}:{received.id}:quarantine")
    at = timestamps.from_milliseconds(dependencies.clock.now())
    delivery = QuarantinedDelivery(row, received.provider, received.id, received.type, problem.reason, problem.detail, received.body, at)
    async with store_answers(), keys_answer():
        await dependencies.quarantine.put(delivery)
    dependencies.metrics.count("quarantined", role="ingress", code=problem.reason)
    log.error(
        "delivery quarantined", provider=received.provider, delivery=received.id, type=received.type, code=problem.reason, failure=row
    )
    return "quarantined"
