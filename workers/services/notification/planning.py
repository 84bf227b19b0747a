"""Whether, when and again: recipients become known, messages are planned, wait, are tried once more."""

from collections.abc import Sequence

from contracts.ids import notification_id
from contracts.message import EventData
from contracts.notification.commands import PlanNotification, ResolveUnknownNotification, RetryNotification, SyncRecipient
from contracts.notification.events import NotificationSuppressed
from contracts.timestamps import plus
from contracts.types import Channel, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.notification.mailbox import Mailbox
from workers.services.notification.notification import MAXIMUM_ATTEMPTS, Notification, Status, drafted, planned_event
from workers.services.notification.recipient import MAXIMUM_WAITING, Recipient, merged

SOURCE_DAYS = 7
"""Nobody wants to hear of something older than this."""
WAITING_HOURS = 24


def sync_recipient(state: Mailbox, command: Command[SyncRecipient], at: Timestamp) -> Decision[Mailbox]:
    data = command.data
    if data.user_id is not None and str(data.user_id) != data.recipient_id:
        return Refused("id_mismatch")
    if state.known.erased:
        return Refused("erased")
    recipient = merged(state.known, data)
    if recipient == state.recipient:
        return UNCHANGED
    if recipient.email is None:
        return Accepted(state.holding(recipient=recipient))
    return _wake(state, recipient.model_copy(update={"waiting": ()}), at)


def _wake(state: Mailbox, recipient: Recipient, at: Timestamp) -> Decision[Mailbox]:
    waiting = [state.notifications[id_] for id_ in state.known.waiting if id_ in state.notifications]
    woken = [_woken(notification, recipient, at) for notification in waiting if notification.status is Status.WAITING]
    events = tuple(event for _, event in woken)
    return Accepted(state.holding(*(notification for notification, _ in woken), recipient=recipient), events)


def _woken(notification: Notification, recipient: Recipient, at: Timestamp) -> tuple[Notification, EventData]:
    if at > plus(notification.created_at or at, hours=WAITING_HOURS):
        return notification.failed("no_address")
    # Wishes may have come in while the message waited.
    if not recipient.wants(notification.type, notification.category):
        reason = "channel_off"
        event = NotificationSuppressed(notification_id=notification.id, channel=notification.type, reason=reason)
        return notification.at(Status.SUPPRESSED, failure_code=reason), event
    planned = notification.at(Status.PLANNED)
    return planned, planned_event(planned, recipient)


def plan_notification(state: Mailbox, command: Command[PlanNotification], at: Timestamp) -> Decision[Mailbox]:
    data, recipient = command.data, state.known
    if data.notification_id != notification_id(data.source_event_id, data.recipient_id, data.channel, data.template):
        return Refused("id_mismatch")
    existing = state.notifications.get(data.notification_id)
    if existing is not None:
        return UNCHANGED if existing.created_by == command.id else Refused("id_conflict")
    if recipient.erased or at > plus(data.source_at, days=SOURCE_DAYS) or not recipient.wants(data.channel, data.category):
        return UNCHANGED
    notification = drafted(data, at)
    if notification.type is Channel.EMAIL and notification.address is None and recipient.email is None:
        return _wait(state, notification)
    return state.accepted(notification, planned_event(notification, recipient))


def _wait(state: Mailbox, notification: Notification) -> Decision[Mailbox]:
    waiting: Sequence[str] = state.known.waiting
    if len(waiting) >= MAXIMUM_WAITING:
        return state.accepted(*notification.failed("no_address"))
    recipient = state.known.model_copy(update={"waiting": (*waiting, notification.id)})
    return Accepted(state.holding(notification.at(Status.WAITING), recipient=recipient))


def resolve_unknown_notification(state: Mailbox, command: Command[ResolveUnknownNotification], at: Timestamp) -> Decision[Mailbox]:
    notification = state.notifications.get(command.data.notification_id)
    if notification is None:
        return Refused("not_found")
    if notification.status is not Status.UNKNOWN or notification.attempt != command.data.attempt:
        return UNCHANGED
    if notification.never_resent or notification.attempt >= MAXIMUM_ATTEMPTS:
        return state.accepted(*notification.failed("unknown_outcome"))
    again = notification.again()
    return state.accepted(again, planned_event(again, state.known))


def retry_notification(state: Mailbox, command: Command[RetryNotification], at: Timestamp) -> Decision[Mailbox]:
    notification = state.notifications.get(command.data.notification_id)
    if notification is None:
        return Refused("not_found")
    if not command.actor.startswith("admin:"):
        return Refused("forbidden")
    if command.id in notification.retried_by:
        return UNCHANGED
    if state.known.erased:
        return Refused("erased")
    if notification.status is not Status.FAILED or notification.never_resent:
        return Refused("invalid_state")
    if notification.attempt >= MAXIMUM_ATTEMPTS:
        return Refused("attempts_exhausted")
    again = notification.again(retried_by=(*notification.retried_by, command.id))
    return state.accepted(again, planned_event(again, state.known))
