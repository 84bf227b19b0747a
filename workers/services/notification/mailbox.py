"""A recipient and those of his messages that a command names: what one decision sees."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from contracts.message import CommandData, EventData
from contracts.notification.commands import FinishRecipientErasure, MarkNotificationsRead, RecordNotificationSent, SyncRecipient
from contracts.timestamps import plus, to_seconds
from contracts.types import NotificationId, ProviderId, RecipientId, Timestamp
from workers.engine.aggregate import Aggregate, Items, Read
from workers.engine.decision import Accepted, Claim, Command, Item, ItemRef
from workers.services.notification.notification import Notification
from workers.services.notification.recipient import Recipient

TABLE = "notification-notifications"
ROOT = "RECIPIENT#"
MESSAGE = "MSG#"
MESSAGE_KEPT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Mailbox:
    """``messages``: which notification a provider's message id belongs to, for the ids the command names."""

    recipient_id: RecipientId
    recipient: Recipient | None = None
    notifications: Mapping[NotificationId, Notification] = field(default_factory=dict)
    messages: Mapping[ProviderId, NotificationId] = field(default_factory=dict)

    @property
    def known(self) -> Recipient:
        return self.recipient or Recipient()

    def holding(self, *notifications: Notification, recipient: Recipient | None = None) -> Self:
        changed = {notification.id: notification for notification in notifications}
        return replace(self, recipient=recipient or self.known, notifications={**self.notifications, **changed})

    def accepted(self, notification: Notification, *events: EventData) -> Accepted[Self]:
        return Accepted(self.holding(notification), events)


def recipient_ref(recipient_id: str) -> ItemRef:
    return ItemRef(TABLE, ROOT + recipient_id)


def notification_ref(notification_id: str) -> ItemRef:
    return ItemRef(TABLE, notification_id)


def message_ref(provider_message_id: str) -> ItemRef:
    return ItemRef(TABLE, MESSAGE + provider_message_id)


def message_claim(data: RecordNotificationSent, at: Timestamp) -> Claim:
    ref = message_ref(data.provider_message_id)
    kept_until = to_seconds(plus(at, days=MESSAGE_KEPT_DAYS))
    owner = {"notificationId": data.notification_id, "recipientId": data.recipient_id}
    return Claim(ref, {"id": ref.key, **owner, "expiresAt": kept_until})


def load(key: str, items: Items) -> Mailbox:
    recipient, notifications, messages = None, {}, {}
    for ref, item in items.items():
        if ref.key.startswith(ROOT):
            recipient = Recipient.from_item(item)
        elif ref.key.startswith(MESSAGE):
            messages[ref.key.removeprefix(MESSAGE)] = NotificationId(item["notificationId"])
        elif item.get("recipientId") == key:  # a command may name a message of somebody else: not found here
            notifications[NotificationId(ref.key)] = Notification.from_item(item)
    return Mailbox(RecipientId(key), recipient, notifications, messages)


def save(state: Mailbox) -> Items:
    rows: dict[ItemRef, Item] = {notification_ref(id_): row.to_item() for id_, row in state.notifications.items()}
    if state.recipient is not None:
        root = recipient_ref(state.recipient_id)
        rows[root] = {"id": root.key, **state.recipient.to_item()}
    return rows


MAILBOXES = Aggregate(TABLE, load, save, lambda key: ROOT + key)


def reads_waiting(state: Mailbox, _command: Command[SyncRecipient] | Command[FinishRecipientErasure]) -> Iterable[Read]:
    return [Read(notification_ref(id_)) for id_ in state.known.waiting]


def reads_named(_state: Mailbox, command: Command[CommandData]) -> Iterable[Read]:
    """Of every command with a ``notificationId``; that of a new one too, so that a repeat is seen."""
    notification_id: NotificationId = getattr(command.data, "notification_id")  # noqa: B009  # the field they all share
    return [Read(notification_ref(notification_id))]


def reads_message(state: Mailbox, command: Command[RecordNotificationSent]) -> Iterable[Read]:
    yield Read(notification_ref(command.data.notification_id))
    yield Read(message_ref(command.data.provider_message_id), shared=True)


def reads_listed(_state: Mailbox, command: Command[MarkNotificationsRead]) -> Iterable[Read]:
    return [Read(notification_ref(id_)) for id_ in command.data.ids]
