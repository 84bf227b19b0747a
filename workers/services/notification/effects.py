"""Sends e-mail and shows messages in the app. Every effect looks first whether the message is still wanted as it was planned."""

from contracts.clear import Clear
from contracts.notification.commands import RecordNotificationRendered
from contracts.notification.events import NotificationPlanned
from contracts.notification.values import Category
from contracts.types import Channel, Purpose
from workers.engine.service import Call, Done, Effect, Result
from workers.services.notification.answers import failed, outcome_unknown
from workers.services.notification.filling import PERSONS, texts_of
from workers.services.notification.ports import (
    CannotShowError,
    Email,
    EmailPort,
    EmailText,
    InAppText,
    NotRendered,
    RenderedInApp,
    RenderPort,
)
from workers.services.notification.sending import answered, send_to_reader
from workers.services.notification.template import Template
from workers.services.notification.work import Rows, Work, reads, work_of

# --- e-mail --------------------------------------------------------------------------------------------------------


async def send_email(call: Call[NotificationPlanned], rows: Rows, port: EmailPort) -> Result:
    async def compose(work: Work, template: Template, to: Clear) -> Result:
        data, variables = call.event.data, await texts_of(work, port)
        content = port.render_email(EmailText(template.subject or "", template.body, template.locale, template.dir), variables)
        if isinstance(content, NotRendered):
            return failed(data, content.code)
        unsubscribe = variables.get("unsubscribeLink") if data.category is Category.MARKETING else None
        # Whoever cannot leave with one click calls the next mail spam.
        if data.category is Category.MARKETING and unsubscribe is None:
            return failed(data, "missing_variable")
        return answered(data, template, await port.send(Email(to, content, _tags(call), unsubscribe)))

    return await send_to_reader(call, rows, port, compose)


def _tags(call: Call[NotificationPlanned]) -> dict[str, str]:
    data = call.event.data
    return {
        "notificationId": data.notification_id,
        "recipientId": data.recipient_id,
        "attempt": str(data.attempt),
        "environment": call.environment,
    }


# --- in-app --------------------------------------------------------------------------------------------------------


async def render_in_app(call: Call[NotificationPlanned], rows: Rows, port: RenderPort) -> Result:
    data, work = call.event.data, work_of(call.event, rows)
    if work is None:
        return Done()
    if work.template is None:
        return failed(data, "template_missing")
    try:
        variables = await texts_of(work, port)
        rendered = port.render_in_app(InAppText(work.template.subject or "", work.template.body), variables)
        return failed(data, rendered.code) if isinstance(rendered, NotRendered) else await _stored(data, work.template, rendered, port)
    except CannotShowError as error:
        return failed(data, error.code)


async def _stored(data: NotificationPlanned, template: Template, rendered: RenderedInApp, port: RenderPort) -> Done:
    """Sealed for its reader. Raises CannotShowError for one who was erased."""
    stored = RecordNotificationRendered(
        recipient_id=data.recipient_id,
        notification_id=data.notification_id,
        template_id=template.id,
        title=await port.seal(data.recipient_id, rendered.title),
        message=await port.seal(data.recipient_id, rendered.message),
    )
    return Done((stored,))


SEND_EMAIL = Effect(
    name="notification.send-email",
    event=NotificationPlanned,
    provider="ses",
    run=send_email,
    reads=reads,
    repeatable=False,
    unknown=outcome_unknown,
    when=lambda event: event.data.channel is Channel.EMAIL,
    attempt=lambda event: event.data.attempt,
    opens=PERSONS,
)
RENDER_IN_APP = Effect(
    name="notification.render-inapp",
    event=NotificationPlanned,
    provider="render",
    run=render_in_app,
    reads=reads,
    when=lambda event: event.data.channel is Channel.IN_APP,
    attempt=lambda event: event.data.attempt,
    opens=PERSONS,
    seals=frozenset({Purpose.SUBJECT}),
)
