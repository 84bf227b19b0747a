"""A genuine event of Stripe becomes a command: whose is it, what does it say, publish. The command's id follows from the event's, so an
event that comes again, by whatever way, is recognised."""

from typing import Final

import structlog

from contracts import timestamps
from contracts.envelope import Envelope
from contracts.ids import derived, webhook_command_id
from contracts.message import CommandData
from contracts.types import CommandId
from workers.ingress.dependencies import Dependencies, QuarantinedDelivery
from workers.ingress.messages import command_data, command_model, outgoing
from workers.ingress.problems import Problem
from workers.ingress.publishing import publish
from workers.ingress.reading import resolve, store_answers
from workers.ingress.sealing import keys_answer
from workers.ingress.stripe_translation import StripeEvent, Untranslated, translate
from workers.ingress.traceparent import traceparent_of

PROVIDER: Final = "stripe"
SOURCE: Final = "/mindlinks/ingress/stripe"
ACTOR: Final = "system:stripe"
UNKNOWN_KEY_PATIENCE: Final = 3600
"""Seconds during which an event of an unknown object may still overtake the row that will name it."""
UNKNOWN_KEY_RETRY: Final = 60

log = structlog.get_logger(__name__)


async def take(dependencies: Dependencies, event: StripeEvent, body: bytes, traceparent: str | None) -> str:
    """What became of it: one word, for the metric and the answer. Raises Problem for what is to be offered again."""
    if _is_foreign(dependencies, event):
        return "dropped"
    translation = translate(event)
    if isinstance(translation, Untranslated):
        return translation.why
    keyed = await resolve(dependencies.store, translation.key)
    if keyed is None:
        return await _unknown_key(dependencies, event, body)
    try:
        data = command_data(command_model(f"mindlinks.payment.{translation.command}.v1"), {**translation.data, **keyed})
    except Problem as problem:
        return await _quarantined(dependencies, event, body, problem)
    await send(dependencies, webhook_command_id(PROVIDER, event.id, translation.command), data, traceparent)
    return "accepted"


def _is_foreign(dependencies: Dependencies, event: StripeEvent) -> bool:
    """Another environment may share the Stripe account; its objects say so."""
    environment = event.metadata.get("environment")
    return event.livemode != dependencies.stripe.livemode or environment not in (None, dependencies.environment)


async def send(dependencies: Dependencies, command: CommandId, data: CommandData, traceparent: str | None = None) -> None:
    """Returns when it is on the log. Raises Problem ``log_unavailable``."""
    envelope = Envelope(
        id=command,
        kind=data.kind(),
        source=SOURCE,
        subject=data.key,
        time=timestamps.from_milliseconds(dependencies.clock.now()),
        correlation_id=command,
        causation_id=command,
        actor=ACTOR,
        traceparent=traceparent_of(traceparent),
    )
    await publish(dependencies, data.service, [outgoing(envelope, data)])


async def _unknown_key(dependencies: Dependencies, event: StripeEvent, body: bytes) -> str:
    problem = Problem("unknown_key", "No contract or payee is known for this object yet.", retry_after=UNKNOWN_KEY_RETRY)
    if dependencies.clock.now() // 1000 - event.created < UNKNOWN_KEY_PATIENCE:
        raise problem
    return await _quarantined(dependencies, event, body, problem)


async def _quarantined(dependencies: Dependencies, event: StripeEvent, body: bytes, problem: Problem) -> str:
    """Repeating would change nothing: people look at it, and Stripe may stop."""
    at = timestamps.from_milliseconds(dependencies.clock.now())
    row = derived(f"{PROVIDER}:{event.id}:quarantine")
    delivery = QuarantinedDelivery(row, PROVIDER, event.id, event.type, problem.reason, problem.detail, body, at)
    async with store_answers(), keys_answer():
        await dependencies.quarantine.put(delivery)
    dependencies.metrics.count("quarantined", role="ingress", code=problem.reason)
    log.error("delivery quarantined", provider=PROVIDER, delivery=event.id, type=event.type, code=problem.reason, failure=row)
    return "quarantined"
