"""What the sending effects answer, whatever the channel."""

from contracts.message import CommandData
from contracts.notification.commands import (
    RecordNotificationFailed,
    RecordNotificationSent,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
)
from contracts.notification.events import NotificationPlanned
from contracts.types import Code
from workers.engine.service import Call, Done
from workers.services.notification.template import Template


def suppressed(data: NotificationPlanned, reason: str) -> Done:
    ids = {"recipient_id": data.recipient_id, "notification_id": data.notification_id}
    return Done((RecordNotificationSuppressed(**ids, reason=reason),))


def failed(data: NotificationPlanned, code: Code) -> Done:
    ids = {"recipient_id": data.recipient_id, "notification_id": data.notification_id}
    return Done((RecordNotificationFailed(**ids, attempt=data.attempt, code=code),))


def taken(data: NotificationPlanned, template: Template, message_id: str) -> Done:
    sent = RecordNotificationSent(
        recipient_id=data.recipient_id,
        notification_id=data.notification_id,
        attempt=data.attempt,
        provider_message_id=message_id,
        template_id=template.id,
    )
    return Done((sent,), reference=message_id)


def outcome_unknown(call: Call[NotificationPlanned]) -> tuple[CommandData, ...]:
    data = call.event.data
    unknown = RecordNotificationUnknown(recipient_id=data.recipient_id, notification_id=data.notification_id, attempt=data.attempt)
    return (unknown,)
