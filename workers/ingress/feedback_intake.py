"""A genuine delivery of a message provider becomes commands: find the notification, publish."""

from typing import Final

import structlog

from contracts.ids import webhook_command_id
from workers.engine.record import Outgoing
from workers.ingress.deliveries import Received, envelope_of, put_aside, unknown_key
from workers.ingress.dependencies import Dependencies
from workers.ingress.message_feedback import OTHER, Feedback, Translation, Untranslated
from workers.ingress.messages import command_data, command_model, outgoing
from workers.ingress.problems import Problem
from workers.ingress.publishing import publish
from workers.ingress.reading import MessageRow, find_message

SERVICE: Final = "notification"

log = structlog.get_logger(__name__)


async def take(dependencies: Dependencies, feedback: Feedback, body: bytes, traceparent: str | None) -> str:
    """What became of it: one word, for the metric and the answer. Raises Problem for what the provider is to repeat."""
    received = Received(feedback.provider.value, feedback.id, feedback.type, feedback.at, body)
    try:
        said = feedback.said()
    except Problem as problem:
        return await put_aside(dependencies, received, problem)
    if isinstance(said, Untranslated):
        if feedback.type == OTHER:
            log.warning("feedback of an unknown kind", provider=feedback.provider.value, delivery=feedback.id)
        return said.why
    message = await find_message(dependencies.store, feedback.key, dependencies.clock.now())
    if message is None:
        return await unknown_key(dependencies, received, "No notification is known for this message yet.")
    try:
        records = [_record(dependencies, feedback, each, message, traceparent) for each in said]
    except Problem as problem:
        return await put_aside(dependencies, received, problem)
    await publish(dependencies, SERVICE, records)
    return "accepted"


def _record(dependencies: Dependencies, feedback: Feedback, said: Translation, message: MessageRow, traceparent: str | None) -> Outgoing:
    """Raises Problem ``invalid_payload``."""
    whose = {"notificationId": message.notification_id, "recipientId": message.recipient_id}
    data = command_data(command_model(f"mindlinks.{SERVICE}.{said.command}.v1"), {**said.data, **whose})
    # One delivery may be about several recipients, whose commands are several too.
    delivery = feedback.id if said.repeat == 1 else f"{feedback.id}#{said.repeat}"
    command = webhook_command_id(feedback.provider, delivery, said.command)
    return outgoing(envelope_of(dependencies, feedback.provider, command, data, traceparent), data)
