"""What became of a message: answers of the sending effects and feedback of providers, which come in any order."""

from contracts.message import EventData
from contracts.notification.commands import (
    MarkNotificationsRead,
    RecordNotificationBounced,
    RecordNotificationComplained,
    RecordNotificationDelayed,
    RecordNotificationDelivered,
    RecordNotificationFailed,
    RecordNotificationRendered,
    RecordNotificationSent,
    RecordNotificationSuppressed,
    RecordNotificationUnknown,
    ResolveUnknownNotification,
)
from contracts.notification.events import (
    NotificationBounced,
    NotificationComplained,
    NotificationDelivered,
    NotificationSent,
    NotificationsRead,
    NotificationStored,
    NotificationSuppressed,
    NotificationUnknown,
)
from contracts.timestamps import plus
from contracts.types import NotificationId, Timestamp, UserId
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused, ScheduleTimer
from workers.services.notification.mailbox import Mailbox, message_claim
from workers.services.notification.notification import RANK, Notification, Status
from workers.services.notification.recipient import ADMINS

CHECK_HOURS = 2
"""A provider's own event about a sent message takes seconds; this long without one means it was not sent."""


def record_notification_rendered(state: Mailbox, command: Command[RecordNotificationRendered], at: Timestamp) -> Decision[Mailbox]:
    data, notification = command.data, state.notifications.get(command.data.notification_id)
    if notification is None:
        return Refused("not_found")
    if notification.status is not Status.PLANNED or notification.user_id is None:
        return UNCHANGED
    stored = notification.at(Status.STORED, template_id=data.template_id, title=data.title, message=data.message, read=False)
    event = NotificationStored(notification_id=stored.id, user_id=notification.user_id, template=stored.template)
    return state.accepted(stored, event)


def record_notification_sent(state: Mailbox, command: Command[RecordNotificationSent], at: Timestamp) -> Decision[Mailbox]:
    """Also when feedback or a failure came first: the message id is noted then, the status stays."""
    data, notification = command.data, state.notifications.get(command.data.notification_id)
    if notification is None:
        return Refused("not_found")
    never_sent = notification.status in (Status.WAITING, Status.SUPPRESSED, Status.STORED)
    if never_sent or notification.provider_message_id is not None or data.attempt != notification.attempt:
        return UNCHANGED
    sent = notification.at(
        Status.SENT if _rises(notification, Status.SENT) else notification.status,
        provider_message_id=data.provider_message_id,
        template_id=data.template_id or notification.template_id,
    )
    return _claimed(state, sent, data, at)


def _claimed(state: Mailbox, sent: Notification, data: RecordNotificationSent, at: Timestamp) -> Decision[Mailbox]:
    event = NotificationSent(
        notification_id=sent.id,
        channel=sent.type,
        recipient_id=sent.recipient_id,
        template=sent.template,
        provider_message_id=data.provider_message_id,
        attempt=sent.attempt,
    )
    owner = state.messages.get(data.provider_message_id)
    if owner is None:
        return Accepted(state.holding(sent), (event,), claims=(message_claim(data, at),))
    # Facts are never refused: somebody else's message id is shown, not taken.
    return state.accepted(sent if owner == sent.id else sent.model_copy(update={"failure_code": "message_id_taken"}), event)


def record_notification_unknown(state: Mailbox, command: Command[RecordNotificationUnknown], at: Timestamp) -> Decision[Mailbox]:
    data, notification = command.data, state.notifications.get(command.data.notification_id)
    if notification is None:
        return Refused("not_found")
    if notification.status is not Status.PLANNED or notification.attempt != data.attempt:
        return UNCHANGED
    check = ResolveUnknownNotification(recipient_id=data.recipient_id, notification_id=data.notification_id, attempt=data.attempt)
    timer = ScheduleTimer("notification-check", notification.id, plus(at, hours=CHECK_HOURS), check)
    event = NotificationUnknown(notification_id=notification.id, channel=notification.type, attempt=data.attempt)
    return Accepted(state.holding(notification.at(Status.UNKNOWN)), (event,), timers=(timer,))


def record_notification_suppressed(state: Mailbox, command: Command[RecordNotificationSuppressed], at: Timestamp) -> Decision[Mailbox]:
    data, notification = command.data, state.notifications.get(command.data.notification_id)
    if notification is None:
        return Refused("not_found")
    if notification.status is not Status.PLANNED:
        return UNCHANGED
    event = NotificationSuppressed(notification_id=notification.id, channel=notification.type, reason=data.reason)
    return state.accepted(notification.at(Status.SUPPRESSED), event)


def record_notification_failed(state: Mailbox, command: Command[RecordNotificationFailed], at: Timestamp) -> Decision[Mailbox]:
    data, notification = command.data, state.notifications.get(command.data.notification_id)
    if notification is None:
        return Refused("not_found")
    if data.attempt not in (None, notification.attempt) or not _news(notification, Status.FAILED, data.attempt):
        return UNCHANGED
    return state.accepted(*notification.failed(data.code))


def record_notification_delivered(state: Mailbox, command: Command[RecordNotificationDelivered], at: Timestamp) -> Decision[Mailbox]:
    notification = state.notifications.get(command.data.notification_id)
    event = notification and NotificationDelivered(notification_id=notification.id, channel=notification.type)
    return _fed_back(state, notification, Status.DELIVERED, *([event] if event else []))


def record_notification_delayed(state: Mailbox, command: Command[RecordNotificationDelayed], at: Timestamp) -> Decision[Mailbox]:
    return _fed_back(state, state.notifications.get(command.data.notification_id), Status.DELAYED)


def record_notification_bounced(state: Mailbox, command: Command[RecordNotificationBounced], at: Timestamp) -> Decision[Mailbox]:
    data = command.data
    event = NotificationBounced(
        notification_id=data.notification_id,
        recipient_id=data.recipient_id,
        address_hash=data.address_hash,
        permanent=data.permanent,
        sub_type=data.sub_type,
    )
    return _fed_back(state, state.notifications.get(data.notification_id), Status.BOUNCED, event, failure_code=data.sub_type)


def record_notification_complained(state: Mailbox, command: Command[RecordNotificationComplained], at: Timestamp) -> Decision[Mailbox]:
    data = command.data
    event = NotificationComplained(notification_id=data.notification_id, recipient_id=data.recipient_id, address_hash=data.address_hash)
    return _fed_back(state, state.notifications.get(data.notification_id), Status.COMPLAINED, event)


def mark_notifications_read(state: Mailbox, command: Command[MarkNotificationsRead], at: Timestamp) -> Decision[Mailbox]:
    data = command.data
    role, _, user = command.actor.partition(":")
    if user != data.recipient_id and (role, data.recipient_id) != ("admin", ADMINS):
        return Refused("forbidden")
    found = [state.notifications[id_] for id_ in dict.fromkeys(data.ids) if id_ in state.notifications]
    if not found:
        return Refused("not_found")
    unread = [notification for notification in found if notification.status is Status.STORED and not notification.read]
    if not unread:
        return UNCHANGED
    ids: tuple[NotificationId, ...] = tuple(notification.id for notification in unread)
    event = NotificationsRead(user_id=UserId(data.recipient_id), ids=ids)
    return Accepted(state.holding(*(row.model_copy(update={"read": True}) for row in unread)), (event,))


def _rises(notification: Notification, to: Status) -> bool:
    return RANK[to] > RANK[notification.status]


def _news(notification: Notification, to: Status, attempt: int | None = None) -> bool:
    """Feedback names no attempt. While a later attempt is only planned it can but be about a former one: old news."""
    former = attempt is None and notification.status is Status.PLANNED and notification.attempt > 1
    return _rises(notification, to) and notification.status is not Status.WAITING and not former


def _fed_back(state: Mailbox, notification: Notification | None, to: Status, *events: EventData, **changes: object) -> Decision[Mailbox]:
    if notification is None:
        return Refused("not_found")
    return state.accepted(notification.at(to, **changes), *events) if _news(notification, to) else UNCHANGED
