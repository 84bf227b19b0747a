"""``POST /webhooks/stripe`` and ``/webhooks/stripe-connect``: verify, translate, publish, answer.

2xx only after the log acknowledged, or after the delivery is known to become no command; anything else makes Stripe deliver again, for
up to three days. Command ids follow from the event's id, so doubled deliveries are recognised.
"""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workers.ingress.bodies import MAXIMUM_WEBHOOK, limited_body
from workers.ingress.cloudevents import parse_json
from workers.ingress.dependencies import Dependencies
from workers.ingress.documentation import WEBHOOK
from workers.ingress.problems import Problem
from workers.ingress.stripe_intake import PROVIDER, take
from workers.ingress.stripe_signature import verify
from workers.ingress.stripe_translation import TRANSLATORS, parse_event


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
        result = await take(dependencies, event, body, request.headers.get("traceparent"))
    except Problem as problem:
        _count(dependencies, event.type, problem.reason)
        raise
    _count(dependencies, event.type, result)
    return JSONResponse({"received": True, "result": result})


def _count(dependencies: Dependencies, event_type: str, result: str) -> None:
    # Stripe has hundreds of types and adds more; only those we act on get a series of their own.
    known = event_type in TRANSLATORS or event_type == "unverified"
    dependencies.metrics.count("webhooks", provider=PROVIDER, type=event_type if known else "other", result=result)
