"""``POST /webhooks/stripe`` and ``/webhooks/stripe-connect``: verify, translate, publish, answer.

2xx only after the log acknowledged, or after the delivery is known to become no command; anything else makes Stripe deliver again, for
up to three days. Command ids follow from the event's id, so doubled deliveries are recognised.
"""

from collections.abc import Sequence
from typing import Final

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts import timestamps
from contracts.envelope import Envelope
from contracts.ids import derived, webhook_command_id
from contracts.message import CommandData
from workers.ingress.bodies import MAXIMUM_WEBHOOK, limited_body
from workers.ingress.cloudevents import parse_json
from workers.ingress.dependencies import Dependencies, QuarantinedDelivery
from workers.ingress.documentation import WEBHOOK
from workers.ingress.messages import command_data, command_model, outgoing
from workers.ingress.problems import Problem
from workers.ingress.publishing import publish
from workers.ingress.reading import resolve, store_answers
from workers.ingress.sealing import keys_answer
from workers.ingress.stripe_signature import verify
from workers.ingress.stripe_translation import TRANSLATORS, StripeEvent, Translation, Untranslated, parse_event, translate
from workers.ingress.traceparent import traceparent_of

PROVIDER: Final = "stripe"
SOURCE: Final = "/mindlinks/ingress/stripe"
ACTOR: Final = "system:stripe"
UNKNOWN_KEY_PATIENCE: Final = 3600
"""Seconds during which an event of an unknown object may still overtake the row that will name it."""
UNKNOWN_KEY_RETRY: Final = 60

log = structlog.get_logger(__name__)


def router(dependencies: Dependencies) -> APIRouter:
    routes = APIRouter(tags=["webhooks"])
    endpoints = dependencies.stripe

    @routes.post("/webhooks/stripe", openapi_extra=WEBHOOK, summary="Stripe's events of the platform account")
    async def stripe(request: Request) -> Response:
        return await _deliver(dependencies, request, endpoints.secrets)

    @routes.post("/webhooks/stripe-connect", openapi_extra=WEBHOOK, summary="Stripe's events of connected accounts")
    async def stripe_connect(request: Request) -> Response:
        return await _deliver(dependencies, request, endpoints.connect_secrets)

    return routes


async def _deliver(dependencies: Dependencies, request: Request, secrets: Sequence[str]) -> Response:
    body = await limited_body(request, MAXIMUM_WEBHOOK)
    now = dependencies.clock.now()
    try:
        if not secrets:
            raise Problem("not_configured", "This endpoint has no signing secret.")
        verify(body, request.headers.get("stripe-signature"), secrets, now // 1000)
        event = parse_event(parse_json(body))
    except Problem as problem:
        _count(dependencies, "unverified", problem.reason)
        raise
    try:
        result = await _take(dependencies, event, body, request.headers.get("traceparent"))
    except Problem as problem:
        _count(dependencies, event.type, problem.reason)
        raise
    _count(dependencies, event.type, result)
    return JSONResponse({"received": True, "result": result})


async def _take(dependencies: Dependencies, event: StripeEvent, body: bytes, traceparent: str | None) -> str:
    """What became of a genuine event: one word, for the metric and the answer."""
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
    await _publish(dependencies, event, translation, data, traceparent)
    return "accepted"


def _is_foreign(dependencies: Dependencies, event: StripeEvent) -> bool:
    """Another environment may share the Stripe account; its objects say so."""
    environment = event.metadata.get("environment")
    return event.livemode != dependencies.stripe.livemode or environment not in (None, dependencies.environment)


async def _publish(
    dependencies: Dependencies, event: StripeEvent, translation: Translation, data: CommandData, traceparent: str | None
) -> None:
    command = webhook_command_id(PROVIDER, event.id, translation.command)
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


def _count(dependencies: Dependencies, event_type: str, result: str) -> None:
    # Stripe has hundreds of types and adds more; only those we act on get a series of their own.
    known = event_type in TRANSLATORS or event_type == "unverified"
    dependencies.metrics.count("webhooks", provider=PROVIDER, type=event_type if known else "other", result=result)
