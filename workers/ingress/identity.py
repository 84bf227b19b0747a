"""``POST /webhooks/veriff/event``, ``/webhooks/veriff/decision`` and ``/webhooks/onfido``: verify, translate, keep, publish, answer.

2xx only after the log acknowledged, or after the delivery is known to become no command; anything else makes the provider deliver again
(Veriff hourly for up to 7 days). Command ids follow from what was said, so doubled deliveries are recognised.
"""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.kyc import KycProvider
from workers.ingress.bodies import MAXIMUM_WEBHOOK, limited_body
from workers.ingress.cloudevents import parse_json
from workers.ingress.dependencies import Dependencies
from workers.ingress.documentation import webhook
from workers.ingress.hmac_signature import verify_client, verify_hmac
from workers.ingress.kyc_delivery import Delivery
from workers.ingress.kyc_intake import take
from workers.ingress.onfido_translation import parse_onfido
from workers.ingress.problems import Problem
from workers.ingress.veriff_translation import parse_veriff

VERIFF_SIGNATURE, VERIFF_SIGNATURE_TWIN = "X-HMAC-SIGNATURE", "VRF-HMAC-SIGNATURE"
VERIFF_CLIENT, VERIFF_CLIENT_TWIN = "X-AUTH-CLIENT", "VRF-AUTH-CLIENT"
ONFIDO_SIGNATURE = "X-SHA2-Signature"


def router(dependencies: Dependencies) -> APIRouter:
    routes = APIRouter(tags=["webhooks"])
    described = webhook(VERIFF_SIGNATURE, "Veriff's event or decision.", VERIFF_CLIENT)

    @routes.post("/webhooks/veriff/event", openapi_extra=described, summary="Veriff: a person started or submitted")
    async def veriff_event(request: Request) -> Response:
        return await _veriff(dependencies, request)

    @routes.post("/webhooks/veriff/decision", openapi_extra=described, summary="Veriff: a session was decided")
    async def veriff_decision(request: Request) -> Response:
        return await _veriff(dependencies, request)

    @routes.post("/webhooks/onfido", openapi_extra=webhook(ONFIDO_SIGNATURE, "Onfido's event."), summary="Onfido's events")
    async def onfido(request: Request) -> Response:
        return await _onfido(dependencies, request)

    return routes


async def _veriff(dependencies: Dependencies, request: Request) -> Response:
    endpoint = dependencies.veriff

    def verify(body: bytes) -> None:
        # The legacy X-SIGNATURE is a plain hash that anybody can lengthen; it is not looked at.
        header = request.headers.get(VERIFF_SIGNATURE) or request.headers.get(VERIFF_SIGNATURE_TWIN)
        verify_hmac(body, header, endpoint.secrets, VERIFF_SIGNATURE)
        verify_client(request.headers.get(VERIFF_CLIENT) or request.headers.get(VERIFF_CLIENT_TWIN), endpoint.client)

    return await _deliver(dependencies, request, KycProvider.VERIFF, endpoint.secrets, verify, parse_veriff)


async def _onfido(dependencies: Dependencies, request: Request) -> Response:
    secrets = dependencies.onfido.secrets

    def verify(body: bytes) -> None:
        verify_hmac(body, request.headers.get(ONFIDO_SIGNATURE), secrets, ONFIDO_SIGNATURE)

    def parse(value: Any) -> Delivery:
        return parse_onfido(value, dependencies.environment)

    return await _deliver(dependencies, request, KycProvider.ONFIDO, secrets, verify, parse)


async def _deliver(
    dependencies: Dependencies,
    request: Request,
    provider: KycProvider,
    secrets: Sequence[str],
    verify: Callable[[bytes], None],
    parse: Callable[[Any], Delivery],
) -> Response:
    body = await limited_body(request, MAXIMUM_WEBHOOK)
    try:
        if not any(secrets):
            raise Problem("not_configured", "This endpoint has no signing secret.")
        verify(body)
        delivery = parse(parse_json(body))
    except Problem as problem:
        _count(dependencies, provider, "unverified", problem.reason)
        raise
    try:
        result = await take(dependencies, delivery, body, request.headers.get("traceparent"))
    except Problem as problem:
        _count(dependencies, provider, delivery.type, problem.reason)
        raise
    _count(dependencies, provider, delivery.type, result)
    return JSONResponse({"received": True, "result": result})


def _count(dependencies: Dependencies, provider: KycProvider, kind: str, result: str) -> None:
    dependencies.metrics.count("webhooks", provider=provider.value, type=kind, result=result)
