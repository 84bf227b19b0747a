"""A genuine delivery of a message provider becomes commands: find the notification, publish."""

from typing import Final

import structlog

from contracts import timestamps
from contracts.envelope import Envelope
from contracts.ids import derived, webhook_command_id
from contracts.message import CommandData
from workers.engine.record import Outgoing
from workers.ingress.dependencies import Dependencies, QuarantinedDelivery
from workers.ingress.message_feedback import OTHER, Feedback, Translation, Untranslated
from workers.ingress.messages import command_data, command_model, outgoing
from workers.ingress.problems import Problem
from workers.ingress.publishing import publish
from workers.ingress.reading import MessageRow, find_message, store_answers
from workers.ingress.sealing import keys_answer
from workers.ingress.traceparent import traceparent_of

SERVICE: Final = "notification"
UNKNOWN_KEY_PATIENCE: Final = 3600
"""Seconds during which feedback may still overtake the claim of its message's id."""
UNKNOWN_KEY_RETRY: Final = 60

log = structlog.get_logger(__name__)


async def take(dependencies: Dependencies, feedback: Feedback, body: bytes, traceparent: str | None) -> str:
    """What became of it: one word, for the metric and the answer. Raises Problem for what the provider is to repeat."""
    try:
        said = feedback.said()
    except Problem as problem:
        return await _quarantined(dependencies, feedback, body, problem)
    if isinstance(said, Untranslated):
        if feedback.type == OTHER:
            log.warning("feedback of an unknown kind", provider=feedback.provider.value, delivery=feedback.id)
        return said.why
    message = await find_message(dependencies.store, feedback.key, dependencies.clock.now())
    if message is None:
        return await _unknown_key(dependencies, feedback, body)
    try:
        records = [_record(dependencies, feedback, each, message, traceparent) for each in said]
    except Problem as problem:
        return await _quarantined(dependencies, feedback, body, problem)
    await publish(dependencies, SERVICE, records)
    return "accepted"


def _record(dependencies: Dependencies, feedback: Feedback, said: Translation, message: MessageRow, traceparent: str | None) -> Outgoing:
    """Raises Problem ``invalid_payload``."""
    whose = {"notificationId": message.notification_id, "recipientId": message.recipient_id}
    data = command_data(command_model(f"mindlinks.{SERVICE}.{said.command}.v1"), {**said.data, **whose})
    return outgoing(_envelope(dependencies, feedback, said, data, traceparent), data)


def _envelope(dependencies: Dependencies, feedback: Feedback, said: Translation, data: CommandData, traceparent: str | None) -> Envelope:
    # One delivery may be about several recipients, whose commands are several too.
    delivery = feedback.id if said.repeat == 1 else f"{feedback.id}#{said.repeat}"
    command = webhook_command_id(feedback.provider, delivery, said.command)
    return Envelope(
        id=command,
        kind=data.kind(),
        source=f"/mindlinks/ingress/{feedback.provider}",
        subject=data.key,
        time=timestamps.from_milliseconds(dependencies.clock.now()),
        correlation_id=command,
        causation_id=command,
        actor=f"system:{feedback.provider}",
        traceparent=traceparent_of(traceparent),
    )


async def _unknown_key(dependencies: Dependencies, feedback: Feedback, body: bytes) -> str:
    problem = Problem("unknown_key", "No notification is known for this message yet.", retry_after=UNKNOWN_KEY_RETRY)
    if feedback.at is None or dependencies.clock.now() - feedback.at < UNKNOWN_KEY_PATIENCE * 1000:
        raise problem
    return await _quarantined(dependencies, feedback, body, problem)


async def _quarantined(dependencies: Dependencies, feedback: Feedback, body: bytes, problem: Problem) -> str:
    """Repeating would change nothing: people look at it, and the provider may stop."""
    provider, at = feedback.provider.value, timestamps.from_milliseconds(dependencies.clock.now())
    row = derived(f"{provider}:{feedback.id}:quarantine")
    put_aside = QuarantinedDelivery(row, provider, feedback.id, feedback.type, problem.reason, problem.detail, body, at)
    async with store_answers(), keys_answer():
        await dependencies.quarantine.put(put_aside)
    dependencies.metrics.count("quarantined", role="ingress", code=problem.reason)
    log.error("delivery quarantined", provider=provider, delivery=feedback.id, type=feedback.type, code=problem.reason, failure=row)
    return "quarantined"
