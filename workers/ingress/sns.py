"""``POST /webhooks/ses`` and ``/webhooks/sms``: feedback about messages, by SNS. Verify, translate, publish, answer.

2xx only after the log acknowledged, or after the delivery is known to become no command. SNS repeats what was answered with 5xx, by its
topic's delivery policy for up to an hour; of what was answered with 4xx it makes nothing more. Command ids follow from the delivery's, so
doubled ones are recognised.
"""

from collections.abc import Callable, Collection
from typing import Final

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workers.adapters.sns_signing import NoCertificate, SnsUnavailable
from workers.ingress.bodies import MAXIMUM_WEBHOOK, limited_body
from workers.ingress.cloudevents import parse_json
from workers.ingress.dependencies import Dependencies
from workers.ingress.documentation import sns_webhook
from workers.ingress.feedback_intake import take
from workers.ingress.message_feedback import Feedback, Provider
from workers.ingress.problems import Problem
from workers.ingress.publishing import RETRY_AFTER
from workers.ingress.ses_translation import parse_ses
from workers.ingress.sms_translation import parse_sms_log
from workers.ingress.sns_envelope import SnsMessage, SnsType, certificate_name, parse_sns, require_own_link
from workers.ingress.sns_signature import require_version, verify_sns
from workers.ingress.twilio import CONTENT_TYPE, SIGNATURE, parse_form, parse_twilio, verify_twilio

_BY_TWILIO: Final = {"x-www-form-urlencoded": "Twilio's status callback, signed in X-Twilio-Signature."}

log = structlog.get_logger(__name__)


def router(dependencies: Dependencies) -> APIRouter:
    routes = APIRouter(tags=["webhooks"])
    topics = dependencies.sns

    @routes.post("/webhooks/ses", openapi_extra=sns_webhook("SES's events, by SNS."), summary="SES's events and feedback")
    async def ses(request: Request) -> Response:
        def parse(message: SnsMessage) -> Feedback:
            return parse_ses(message, dependencies.environment, dependencies.email_hash)

        return await _deliver(dependencies, request, Provider.SES, topics.ses_topics, parse)

    @routes.post("/webhooks/sms", openapi_extra=sns_webhook("A record of SNS's delivery log, by SNS.", **_BY_TWILIO), summary="Fate of SMS")
    async def sms(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == CONTENT_TYPE:
            return await _twilio(dependencies, request)
        return await _deliver(dependencies, request, Provider.SMS, topics.sms_topics, parse_sms_log)

    return routes


async def _deliver(
    dependencies: Dependencies, request: Request, provider: Provider, topics: Collection[str], parse: Callable[[SnsMessage], Feedback]
) -> Response:
    body = await limited_body(request, MAXIMUM_WEBHOOK)
    try:
        message = await _genuine(dependencies, body, topics)
    except Problem as problem:
        _count(dependencies, provider, "unverified", problem.reason)
        raise
    if message.type is not SnsType.NOTIFICATION:
        return await _about_subscription(dependencies, message, provider)
    return await _taken(dependencies, request, parse(message), body)


async def _twilio(dependencies: Dependencies, request: Request) -> Response:
    body = await limited_body(request, MAXIMUM_WEBHOOK)
    endpoint = dependencies.twilio
    try:
        if not any(endpoint.tokens):
            raise Problem("not_configured", "This endpoint has no token of Twilio's.")
        form = parse_form(body)
        verify_twilio(form, request.headers.get(SIGNATURE), endpoint.tokens, endpoint.address)
        feedback = parse_twilio(form)
    except Problem as problem:
        _count(dependencies, Provider.TWILIO, "unverified", problem.reason)
        raise
    return await _taken(dependencies, request, feedback, body)


async def _taken(dependencies: Dependencies, request: Request, feedback: Feedback, body: bytes) -> Response:
    try:
        result = await take(dependencies, feedback, body, request.headers.get("traceparent"))
    except Problem as problem:
        _count(dependencies, feedback.provider, feedback.type, problem.reason)
        raise
    return _answered(dependencies, feedback.provider, feedback.type, result)


async def _genuine(dependencies: Dependencies, body: bytes, topics: Collection[str]) -> SnsMessage:
    """Raises Problem. What is fetched is fetched only from SNS in the region of a topic of ours."""
    if not topics:
        raise Problem("not_configured", "This endpoint has no topic.")
    message = parse_sns(parse_json(body))
    if message.topic.arn not in topics:
        raise Problem("topic_unknown", "The delivery is of a topic that is not ours.", field="TopicArn")
    require_version(message)
    name = certificate_name(message)
    try:
        certificate = await dependencies.sns.signing.certificate(message.topic, name)
    except NoCertificate:
        raise Problem("certificate_refused", "SNS has no such signing certificate.", field="SigningCertURL") from None
    except SnsUnavailable as error:
        raise Problem("sns_unavailable", "The signing certificate could not be fetched.", retry_after=RETRY_AFTER) from error
    verify_sns(message, certificate, dependencies.clock.now())
    return message


async def _about_subscription(dependencies: Dependencies, message: SnsMessage, provider: Provider) -> Response:
    """Both become no command. That a subscription ended is nobody's wish: people have to see to it."""
    if message.type is SnsType.UNSUBSCRIPTION:
        log.error("a topic's subscription has ended: feedback comes no more until it is subscribed again", topic=message.topic.arn)
        return _answered(dependencies, provider, message.type, "unsubscribed")
    try:
        require_own_link(message)
        await dependencies.sns.signing.confirm(message.topic, message.fields["Token"])
    except Problem as problem:
        _count(dependencies, provider, message.type, problem.reason)
        raise
    except SnsUnavailable as error:
        _count(dependencies, provider, message.type, "sns_unavailable")
        raise Problem("sns_unavailable", "The subscription could not be confirmed.", retry_after=RETRY_AFTER) from error
    log.info("a topic's subscription was confirmed", topic=message.topic.arn)
    return _answered(dependencies, provider, message.type, "confirmed")


def _answered(dependencies: Dependencies, provider: Provider, kind: str, result: str) -> Response:
    _count(dependencies, provider, kind, result)
    return JSONResponse({"received": True, "result": result})


def _count(dependencies: Dependencies, provider: Provider, kind: str, result: str) -> None:
    dependencies.metrics.count("webhooks", provider=provider.value, type=kind, result=result)
