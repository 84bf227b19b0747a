"""A genuine delivery of a provider of identity checks becomes a command: find its session, keep its body, publish."""

from collections.abc import Mapping
from typing import Any, Final

import structlog

from contracts import timestamps
from contracts.envelope import Envelope
from contracts.ids import derived, webhook_command_id
from contracts.kyc import raw_body_key
from contracts.message import CommandData
from contracts.sealed import SubjectErased
from contracts.types import KycSessionId
from workers.adapters.objects import ObjectsRefused, ObjectsUnavailable
from workers.ingress.dependencies import Dependencies, QuarantinedDelivery
from workers.ingress.kyc_delivery import Delivery, Translation, Untranslated
from workers.ingress.messages import command_data, command_model, outgoing
from workers.ingress.problems import Problem
from workers.ingress.publishing import RETRY_AFTER, publish
from workers.ingress.reading import SessionRow, find_session, store_answers
from workers.ingress.sealing import keys_answer
from workers.ingress.traceparent import traceparent_of

UNKNOWN_KEY_PATIENCE: Final = 3600
"""Seconds during which a delivery of an unknown session may still overtake the row that will name it."""
UNKNOWN_KEY_RETRY: Final = 60

log = structlog.get_logger(__name__)


async def take(dependencies: Dependencies, delivery: Delivery, body: bytes, traceparent: str | None) -> str:
    """What became of it: one word, for the metric and the answer. Raises Problem for what the provider is to repeat."""
    if isinstance(delivery.said, Untranslated):
        return delivery.said.why
    session = await find_session(dependencies.store, delivery.key)
    if session is None:
        return await _unknown_key(dependencies, delivery, body)
    try:
        data = _command(delivery, delivery.said, session)
        envelope = _envelope(dependencies, delivery, data, traceparent)
        record = outgoing(envelope, data)
    except Problem as problem:
        return await _quarantined(dependencies, delivery, body, problem)
    if delivery.said.keeps_body and not await _kept(dependencies, delivery, session, body):
        return "erased"
    await publish(dependencies, data.service, [record])
    return "accepted"


def _command(delivery: Delivery, said: Translation, session: SessionRow) -> CommandData:
    """Read as a worker will, before anything is kept."""
    raw: Mapping[str, Any] = {"rawKey": raw_body_key(KycSessionId(session.id), delivery.id)} if said.keeps_body else {}
    return command_data(command_model(f"mindlinks.kyc.{said.command}.v1"), {**said.data, **raw, "kycSessionId": session.id})


def _envelope(dependencies: Dependencies, delivery: Delivery, data: CommandData, traceparent: str | None) -> Envelope:
    command = webhook_command_id(delivery.provider, delivery.id, type(data).__name__)
    return Envelope(
        id=command,
        kind=data.kind(),
        source=f"/mindlinks/ingress/{delivery.provider}",
        subject=data.key,
        time=timestamps.from_milliseconds(dependencies.clock.now()),
        correlation_id=command,
        causation_id=command,
        actor=f"system:{delivery.provider}",
        traceparent=traceparent_of(traceparent),
    )


async def _kept(dependencies: Dependencies, delivery: Delivery, session: SessionRow, body: bytes) -> bool:
    """False for somebody of whom nothing may be kept any more. The key follows from the delivery, so a repeat replaces its like."""
    key = raw_body_key(KycSessionId(session.id), delivery.id)
    try:
        async with keys_answer():
            await dependencies.bodies.keep(key, session.user_id, body)
    except SubjectErased:
        return False
    except (ObjectsUnavailable, ObjectsRefused) as error:
        if isinstance(error, ObjectsRefused):
            log.error("the body of a decision can't be kept", provider=delivery.provider, error=str(error))
        raise Problem("objects_unavailable", "The body could not be kept.", retry_after=RETRY_AFTER) from error
    return True


async def _unknown_key(dependencies: Dependencies, delivery: Delivery, body: bytes) -> str:
    problem = Problem("unknown_key", "No session is known for this delivery yet.", retry_after=UNKNOWN_KEY_RETRY)
    if delivery.at is None or dependencies.clock.now() - delivery.at < UNKNOWN_KEY_PATIENCE * 1000:
        raise problem
    return await _quarantined(dependencies, delivery, body, problem)


async def _quarantined(dependencies: Dependencies, delivery: Delivery, body: bytes, problem: Problem) -> str:
    """Repeating would change nothing: people look at it, and the provider may stop."""
    provider, at = delivery.provider.value, timestamps.from_milliseconds(dependencies.clock.now())
    row = derived(f"{provider}:{delivery.id}:quarantine")
    put_aside = QuarantinedDelivery(row, provider, delivery.id, delivery.type, problem.reason, problem.detail, body, at)
    async with store_answers(), keys_answer():
        await dependencies.quarantine.put(put_aside)
    dependencies.metrics.count("quarantined", role="ingress", code=problem.reason)
    log.error("delivery quarantined", provider=provider, delivery=delivery.id, type=delivery.type, code=problem.reason, failure=row)
    return "quarantined"
