"""What sending has in common, whatever the channel: whether the message may go out, to where, and what the provider's answer means."""

from collections.abc import Awaitable, Callable

from contracts.clear import Clear
from contracts.notification.events import NotificationPlanned
from workers.engine.service import Call, Done, Result, Retryable, Unknown
from workers.services.notification.answers import failed, suppressed, taken
from workers.services.notification.ports import (
    CannotShowError,
    MessageAccepted,
    MessageAnswer,
    MessageNotTaken,
    MessageRejected,
    RenderPort,
)
from workers.services.notification.template import Template
from workers.services.notification.work import Rows, Work, work_of

Compose = Callable[[Work, Template, Clear], Awaitable[Result]]
"""Writes the message to an open address and hands it over. May raise CannotShowError."""


async def send_to_reader(call: Call[NotificationPlanned], rows: Rows, port: RenderPort, compose: Compose) -> Result:
    """Nothing goes to one who is suppressed, erased or without an address."""
    data, work = call.event.data, work_of(call.event, rows)
    if work is None:
        return Done()
    if work.suppression.reason is not None:
        return suppressed(data, work.suppression.reason)
    if work.recipient.erased:
        return suppressed(data, "erased")
    if work.address is None:
        return failed(data, "no_address")
    try:
        address = await port.open(work.address)
        if not isinstance(address, Clear):
            return suppressed(data, "erased")
        return await compose(work, work.template, address) if work.template else failed(data, "template_missing")
    except CannotShowError as error:
        return failed(data, error.code)


def answered(data: NotificationPlanned, template: Template, answer: MessageAnswer) -> Result:
    match answer:
        case MessageAccepted(message_id):
            return taken(data, template, message_id)
        case MessageRejected(code):
            return failed(data, code)
        case MessageNotTaken(reason, after):
            return Retryable(reason, after)
    return Unknown(answer.reason)
