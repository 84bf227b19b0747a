"""A genuine delivery of a provider of identity checks becomes a command: find its session, keep its body, publish."""

from collections.abc import Mapping
from typing import Any

import structlog

from contracts.ids import webhook_command_id
from contracts.kyc import raw_body_key
from contracts.message import CommandData
from contracts.sealed import SubjectErased
from contracts.types import KycSessionId
from workers.adapters.objects import ObjectsRefused, ObjectsUnavailable
from workers.ingress.deliveries import Received, envelope_of, put_aside, unknown_key
from workers.ingress.dependencies import Dependencies
from workers.ingress.kyc_delivery import Delivery, Translation, Untranslated
from workers.ingress.messages import command_data, command_model, outgoing
from workers.ingress.problems import Problem
from workers.ingress.publishing import RETRY_AFTER, publish
from workers.ingress.reading import SessionRow, find_session
from workers.ingress.sealing import keys_answer

log = structlog.get_logger(__name__)


async def take(dependencies: Dependencies, delivery: Delivery, body: bytes, traceparent: str | None) -> str:
    """What became of it: one word, for the metric and the answer. Raises Problem for what the provider is to repeat."""
    if isinstance(delivery.said, Untranslated):
        return delivery.said.why
    received = Received(delivery.provider.value, delivery.id, delivery.type, delivery.at, body)
    session = await find_session(dependencies.store, delivery.key)
    if session is None:
        return await unknown_key(dependencies, received, "No session is known for this delivery yet.")
    try:
        data = _command(delivery, delivery.said, session)
        command = webhook_command_id(delivery.provider, delivery.id, type(data).__name__)
        record = outgoing(envelope_of(dependencies, delivery.provider, command, data, traceparent), data)
    except Problem as problem:
        return await put_aside(dependencies, received, problem)
    if delivery.said.keeps_body and not await _kept(dependencies, delivery, session, body):
        return "erased"
    await publish(dependencies, data.service, [record])
    return "accepted"


def _command(delivery: Delivery, said: Translation, session: SessionRow) -> CommandData:
    """Read as a worker will, before anything is kept."""
    raw: Mapping[str, Any] = {"rawKey": raw_body_key(KycSessionId(session.id), delivery.id)} if said.keeps_body else {}
    return command_data(command_model(f"mindlinks.kyc.{said.command}.v1"), {**said.data, **raw, "kycSessionId": session.id})


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
