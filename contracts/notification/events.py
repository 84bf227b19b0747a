"""Events of notification."""

from pydantic import Field

from contracts.message import EventData
from contracts.notification.values import Attempt, Category, SuppressionReason, TemplateName, Variables, Version
from contracts.types import (
    Address,
    Channel,
    Code,
    Hash,
    Locale,
    NotificationId,
    Pii,
    ProviderId,
    RecipientId,
    TemplateId,
    Text500,
    UserId,
)


class _NotificationEvent(EventData):
    notification_id: NotificationId
    channel: Channel


class NotificationPlanned(_NotificationEvent):
    """``address``: where an e-mail or sms is to go; absent for in_app."""

    recipient_id: RecipientId
    template: TemplateName
    category: Category
    locale: Locale
    attempt: Attempt
    variables: Variables
    address: Pii[Address] | None = None


class NotificationStored(EventData):
    notification_id: NotificationId
    user_id: UserId
    template: TemplateName


class NotificationSent(_NotificationEvent):
    recipient_id: RecipientId
    template: TemplateName
    provider_message_id: ProviderId
    attempt: Attempt


class NotificationUnknown(_NotificationEvent):
    attempt: Attempt


class NotificationFailed(_NotificationEvent):
    template: TemplateName
    code: Code


class NotificationSuppressed(_NotificationEvent):
    reason: Text500


class NotificationDelivered(_NotificationEvent):
    pass


class NotificationBounced(EventData):
    notification_id: NotificationId
    recipient_id: RecipientId
    address_hash: Hash
    permanent: bool
    sub_type: Code


class NotificationComplained(EventData):
    notification_id: NotificationId
    recipient_id: RecipientId
    address_hash: Hash


class NotificationsRead(EventData):
    user_id: UserId
    ids: tuple[NotificationId, ...]


class AddressSuppressed(EventData):
    address_hash: Hash
    recipient_id: RecipientId | None = None
    reason: SuppressionReason


class AddressSuppressionLifted(EventData):
    address_hash: Hash


class _TemplateEvent(EventData):
    name: TemplateName
    template_id: TemplateId
    channel: Channel = Field(alias="type")
    locale: Locale
    template_version: Version = Field(alias="version")


class NotificationTemplatePublished(_TemplateEvent):
    pass


class NotificationTemplateActivated(_TemplateEvent):
    pass


class RecipientErased(EventData):
    """A recipient's addresses and name are gone."""

    user_id: UserId
