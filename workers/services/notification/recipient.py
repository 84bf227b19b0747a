"""Who receives messages: addresses, language and wishes, gathered from several services in any order."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field

from contracts.ids import group_recipient_id
from contracts.message import Value
from contracts.notification.commands import SyncRecipient
from contracts.notification.values import Category, RecipientField
from contracts.types import (
    Address,
    Channel,
    CommandId,
    Email,
    Hash,
    Locale,
    NotificationId,
    Phone,
    Pii,
    Text80,
    Text200,
    Timestamp,
    UserId,
)
from contracts.user import NotificationChannels

MAXIMUM_WAITING = 50
ADMINS = group_recipient_id("admins")

ATTRIBUTES: Mapping[RecipientField, tuple[str, ...]] = MappingProxyType(
    {
        RecipientField.EMAIL: ("email", "email_hash"),
        RecipientField.PHONE: ("phone",),
        RecipientField.FIRST_NAME: ("first_name",),
        RecipientField.LOCALE: ("locale",),
        RecipientField.TIMEZONE: ("timezone",),
        RecipientField.CHANNELS: ("channels",),
    }
)


class Recipient(Value):
    """``waiting``: notifications planned before any address was known. ``field_at``: per field the time of its newest source.
    ``erase_at``: his erasure was asked for and is due then."""

    user_id: UserId | None = None
    email: Pii[Email] | None = None
    email_hash: Hash | None = None
    phone: Pii[Phone] | None = None
    first_name: Pii[Text80] | None = None
    locale: Locale | None = None
    timezone: Text200 | None = None
    channels: NotificationChannels | None = None
    field_at: dict[RecipientField, Timestamp] = Field(default_factory=dict)
    waiting: tuple[NotificationId, ...] = ()
    erase_at: Timestamp | None = None
    erased: bool = False
    created_by: CommandId | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    def to_item(self) -> dict[str, Any]:
        item = super().to_item()
        return {name: value for name, value in item.items() if value not in ([], {}, False)}

    def wants(self, channel: Channel, category: Category) -> bool:
        """Whether a message may take this channel (domain.md 8); one without stated wishes gets the defaults."""
        channels = self.channels or NotificationChannels()
        match channel:
            case Channel.EMAIL:
                return channels.email or category in (Category.SECURITY, Category.TRANSACTIONAL)
            case Channel.SMS:
                return channels.sms and self.phone is not None
            case Channel.IN_APP:
                return True

    def address(self, channel: Channel) -> Pii[Address] | None:
        return {Channel.EMAIL: self.email, Channel.SMS: self.phone, Channel.IN_APP: None}[channel]


def merged(recipient: Recipient, data: SyncRecipient) -> Recipient:
    """Per field the newer source wins, so any order of arrival ends at the same recipient."""
    changes: dict[str, object] = {}
    field_at = dict(recipient.field_at)
    for field, names in ATTRIBUTES.items():
        cleared = field in data.cleared
        if not (cleared or getattr(data, names[0]) is not None) or field_at.get(field, "") >= data.source_at:
            continue
        field_at[field] = data.source_at
        changes |= {name: None if cleared else getattr(data, name) for name in names}
    return recipient.model_copy(update={**changes, "field_at": field_at, "user_id": recipient.user_id or data.user_id})
