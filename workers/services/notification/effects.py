"""Sends what was planned. Every effect looks first whether the message is still wanted as it was planned."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.clear import Clear, Redacted
from contracts.message import CommandData
from contracts.notification.commands import (
    RecordNotificationFailed,
    RecordNotificationRendered,
    RecordNotificationSent,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
)
from contracts.notification.events import NotificationPlanned
from contracts.notification.values import CalendarDay, Category, Moment, Money, PageLink, Phrase, TokenLink, Variable
from contracts.types import SEALED_PATTERN, Channel, Code, Locale, Purpose
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Effect, Event, Result, Retryable, Unknown
from workers.services.notification.mailbox import notification_ref, recipient_ref
from workers.services.notification.matrix import SEALED_VARIABLES
from workers.services.notification.notification import Notification, Status
from workers.services.notification.ports import (
    CannotShowError,
    Email,
    EmailAccepted,
    EmailAnswer,
    EmailNotTaken,
    EmailPort,
    EmailRejected,
    EmailText,
    InAppText,
    NotRendered,
    RenderedInApp,
    RenderPort,
)
from workers.services.notification.recipient import Recipient
from workers.services.notification.suppression import Suppression, suppression_ref
from workers.services.notification.template import Family, Template, family_ref, row_ref
from workers.services.notification.wording import GREETED, UNREADABLE, amount_text, day_text, moment_text, number_text, phrase_text

Rows = Mapping[ItemRef, Item]
PERSONS = frozenset({Purpose.SUBJECT, Purpose.LEGAL})
"""Messages name both parties of a contract, by their legal names."""


@dataclass(frozen=True, slots=True)
class Work:
    """A message that is still planned at this attempt, with what it takes to send it."""

    notification: Notification
    recipient: Recipient
    suppression: Suppression
    template: Template | None

    @property
    def locale(self) -> Locale:
        return self.template.locale if self.template else Locale.EN

    @property
    def address(self) -> str | None:
        return self.notification.address or self.recipient.address(self.notification.type)


# --- what the effects read -----------------------------------------------------------------------------------------


def reads(event: Event[NotificationPlanned], rows: Rows) -> Sequence[ItemRef]:
    """Message, recipient and template family first; they lead to the address's suppression and the template in use."""
    data = event.data
    refs = [notification_ref(data.notification_id), recipient_ref(data.recipient_id), family_ref(data.template)]
    hashed = _address_hash(data, rows)
    chosen = Family.from_item(rows.get(family_ref(data.template), {})).chosen(data.channel, data.locale)
    return [*refs, *([suppression_ref(hashed)] if hashed else []), *([row_ref(chosen)] if chosen else [])]


def _address_hash(data: NotificationPlanned, rows: Rows) -> str | None:
    message: str | None = rows.get(notification_ref(data.notification_id), {}).get("addressHash")
    own: str | None = rows.get(recipient_ref(data.recipient_id), {}).get("emailHash")
    return message or own


def _work(event: Event[NotificationPlanned], rows: Rows) -> Work | None:
    data = event.data
    item = rows.get(notification_ref(data.notification_id))
    notification = Notification.from_item(item) if item else None
    if notification is None or notification.status is not Status.PLANNED or notification.attempt != data.attempt:
        return None
    hashed = _address_hash(data, rows)
    suppressed = rows.get(suppression_ref(hashed), {}) if hashed else {}
    chosen = Family.from_item(rows.get(family_ref(data.template), {})).chosen(data.channel, data.locale)
    row = rows.get(row_ref(chosen)) if chosen else None
    return Work(
        notification,
        Recipient.from_item(rows.get(recipient_ref(data.recipient_id), {})),
        Suppression.from_item(suppressed),
        Template.from_item(row) if row else None,
    )


# --- filling in ----------------------------------------------------------------------------------------------------


async def _texts(work: Work, port: RenderPort) -> dict[str, str]:
    """Every variable as the reader sees it. Raises CannotShowError."""
    locale, timezone = work.locale, work.recipient.timezone
    texts = {name: await _text(name, value, locale, timezone, port) for name, value in work.notification.variables.items()}
    first_name = await port.open(work.recipient.first_name) if work.recipient.first_name else Redacted.ERASED
    return texts | {"firstName": _shown(first_name, GREETED[locale]), "appUrl": port.app_url, "locale": locale}


def _shown(opened: Clear | Redacted, instead: str) -> str:
    return opened.reveal() if isinstance(opened, Clear) else instead


async def _text(name: str, value: Variable, locale: Locale, timezone: str | None, port: RenderPort) -> str:
    match value:
        case Money():
            return amount_text(value, locale)
        case Moment():
            return moment_text(value.at, locale, timezone)
        case CalendarDay():
            return day_text(value.day, locale)
        case Phrase():
            return phrase_text(value.code, locale)
        case int():
            return number_text(value, locale)
        case PageLink():
            return port.page_link(value)
        case TokenLink():
            return port.token_link(value)
        case str():
            sealed = name in SEALED_VARIABLES and re.fullmatch(SEALED_PATTERN, value)
            return _shown(await port.open(value), UNREADABLE) if sealed else value


# --- e-mail --------------------------------------------------------------------------------------------------------


async def send_email(call: Call[NotificationPlanned], rows: Rows, port: EmailPort) -> Result:
    data, work = call.event.data, _work(call.event, rows)
    if work is None:
        return Done()
    if work.suppression.reason is not None:
        return _suppressed(data, work.suppression.reason)
    if work.recipient.erased:
        return _suppressed(data, "erased")
    if work.address is None:
        return _failed(data, "no_address")
    try:
        address = await port.open(work.address)
        return await _send(call, work, address, port) if isinstance(address, Clear) else _suppressed(data, "erased")
    except CannotShowError as error:
        return _failed(data, error.code)


async def _send(call: Call[NotificationPlanned], work: Work, to: Clear, port: EmailPort) -> Result:
    """Raises CannotShowError."""
    data, template = call.event.data, work.template
    if template is None:
        return _failed(data, "template_missing")
    variables = await _texts(work, port)
    content = port.render_email(EmailText(template.subject or "", template.body, template.locale, template.dir), variables)
    if isinstance(content, NotRendered):
        return _failed(data, content.code)
    unsubscribe = variables.get("unsubscribeLink") if data.category is Category.MARKETING else None
    return _answered(data, template, await port.send(Email(to, content, _tags(call), unsubscribe)))


def _tags(call: Call[NotificationPlanned]) -> dict[str, str]:
    data = call.event.data
    return {
        "notificationId": data.notification_id,
        "recipientId": data.recipient_id,
        "attempt": str(data.attempt),
        "environment": call.environment,
    }


def _answered(data: NotificationPlanned, template: Template, answer: EmailAnswer) -> Result:
    match answer:
        case EmailAccepted(message_id):
            sent = RecordNotificationSent(
                recipient_id=data.recipient_id,
                notification_id=data.notification_id,
                attempt=data.attempt,
                provider_message_id=message_id,
                template_id=template.id,
            )
            return Done((sent,), reference=message_id)
        case EmailRejected(code):
            return _failed(data, code)
        case EmailNotTaken(reason, after):
            return Retryable(reason, after)
    return Unknown(answer.reason)


def _email_unknown(call: Call[NotificationPlanned]) -> tuple[CommandData, ...]:
    data = call.event.data
    unknown = RecordNotificationUnknown(recipient_id=data.recipient_id, notification_id=data.notification_id, attempt=data.attempt)
    return (unknown,)


# --- in-app --------------------------------------------------------------------------------------------------------


async def render_in_app(call: Call[NotificationPlanned], rows: Rows, port: RenderPort) -> Result:
    data, work = call.event.data, _work(call.event, rows)
    if work is None:
        return Done()
    if work.template is None:
        return _failed(data, "template_missing")
    try:
        variables = await _texts(work, port)
        rendered = port.render_in_app(InAppText(work.template.subject or "", work.template.body), variables)
        return _failed(data, rendered.code) if isinstance(rendered, NotRendered) else await _stored(data, work.template, rendered, port)
    except CannotShowError as error:
        return _failed(data, error.code)


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


def _suppressed(data: NotificationPlanned, reason: str) -> Done:
    ids = {"recipient_id": data.recipient_id, "notification_id": data.notification_id}
    return Done((RecordNotificationSuppressed(**ids, reason=reason),))


def _failed(data: NotificationPlanned, code: Code) -> Done:
    failed = RecordNotificationFailed(recipient_id=data.recipient_id, notification_id=data.notification_id, attempt=data.attempt, code=code)
    return Done((failed,))


SEND_EMAIL = Effect(
    name="notification.send-email",
    event=NotificationPlanned,
    provider="ses",
    run=send_email,
    reads=reads,
    repeatable=False,
    unknown=_email_unknown,
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
