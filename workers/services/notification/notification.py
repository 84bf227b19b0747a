"""One message to one recipient through one channel, and how far it has come."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from contracts.ids import address_recipient_id
from contracts.message import Value
from contracts.notification.commands import PlanNotification
from contracts.notification.events import NotificationFailed, NotificationPlanned
from contracts.notification.values import Attempt, Category, TemplateName, Variables
from contracts.timestamps import to_seconds
from contracts.types import (
    Address,
    Channel,
    CleanText,
    Code,
    CommandId,
    EventId,
    Hash,
    Locale,
    NotificationId,
    Pii,
    ProviderId,
    RecipientId,
    TemplateId,
    Text200,
    Timestamp,
    UserId,
)
from workers.services.notification.recipient import Recipient

KEPT = 180 * 24 * 60 * 60
"""Seconds until a message's TTL."""
MAXIMUM_ATTEMPTS = 3


class Status(StrEnum):
    WAITING = "waiting"
    PLANNED = "planned"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    FAILED = "failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    STORED = "stored"


RANK: Mapping[Status, int] = MappingProxyType(
    {
        Status.WAITING: 0,
        Status.PLANNED: 1,
        Status.UNKNOWN: 2,
        Status.SENT: 3,
        Status.DELAYED: 4,
        Status.DELIVERED: 5,
        Status.FAILED: 6,
        Status.BOUNCED: 6,
        Status.COMPLAINED: 7,
        Status.SUPPRESSED: 8,
        Status.STORED: 8,
    }
)
"""Providers report in any order: a fact that does not rank higher than what is known changes nothing."""


class Notification(Value):
    """``address`` and its hash only where the message does not go to the recipient's own."""

    id: NotificationId
    type: Channel
    recipient_id: RecipientId
    user_id: UserId | None = None
    template: TemplateName
    template_id: TemplateId | None = None
    category: Category
    variables: Variables
    address: Pii[Address] | None = None
    address_hash: Hash | None = None
    locale: Locale | None = None
    title: Pii[Text200] | None = None
    message: Pii[CleanText] | None = None
    read: bool | None = None
    status: Status
    attempt: Attempt
    provider_message_id: ProviderId | None = None
    failure_code: Code | None = None
    source_event_id: EventId
    retried_by: tuple[CommandId, ...] = ()
    expires_at: int
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    def to_item(self) -> dict[str, Any]:
        item = super().to_item()
        if not self.retried_by:
            del item["retriedBy"]
        # The index of unread messages holds exactly the rows that carry this attribute.
        if self.type is Channel.IN_APP and self.status is Status.STORED and not self.read:
            item["unreadUserId"] = self.user_id
        return item

    @property
    def never_resent(self) -> bool:
        """A security mail or an sms that arrives twice does more harm than one that does not arrive."""
        return self.type is Channel.SMS or self.category is Category.SECURITY

    def at(self, status: Status, **changes: object) -> "Notification":
        return self.model_copy(update={"status": status, **changes})

    def again(self, **changes: object) -> "Notification":
        """Planned for its next attempt; what the former one left behind is dropped."""
        fresh: dict[str, object] = {"attempt": self.attempt + 1, "provider_message_id": None, "failure_code": None}
        return self.at(Status.PLANNED, **(fresh | changes))

    def failed(self, code: Code) -> tuple["Notification", NotificationFailed]:
        event = NotificationFailed(notification_id=self.id, channel=self.type, template=self.template, code=code)
        return self.at(Status.FAILED, failure_code=code), event


def drafted(data: PlanNotification, at: Timestamp) -> Notification:
    # An address without account has no user whose list would show the message.
    without_account = data.address_hash is not None and data.recipient_id == address_recipient_id(data.address_hash)
    return Notification(
        id=data.notification_id,
        type=data.channel,
        recipient_id=data.recipient_id,
        user_id=None if without_account else UserId(data.recipient_id),
        template=data.template,
        category=data.category,
        variables=data.variables,
        address=data.address,
        address_hash=data.address_hash,
        locale=data.locale,
        status=Status.PLANNED,
        attempt=1,
        source_event_id=data.source_event_id,
        expires_at=to_seconds(at) + KEPT,
    )


def planned_event(notification: Notification, recipient: Recipient) -> NotificationPlanned:
    return NotificationPlanned(
        notification_id=notification.id,
        channel=notification.type,
        recipient_id=notification.recipient_id,
        template=notification.template,
        category=notification.category,
        locale=recipient.locale or notification.locale or Locale.EN,
        attempt=notification.attempt,
        variables=notification.variables,
        address=notification.address or recipient.address(notification.type),
    )
