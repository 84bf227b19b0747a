"""Commands of notification. Key ``recipientId``, ``addressHash`` for suppressions, ``name`` for templates."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.message import CommandData
from contracts.notification.values import (
    Attempt,
    Category,
    RecipientField,
    SuppressionReason,
    TemplateBody,
    TemplateName,
    VariableName,
    Variables,
    Version,
)
from contracts.types import (
    Address,
    Channel,
    CleanText,
    Code,
    Direction,
    Email,
    EventId,
    Hash,
    Locale,
    NotificationId,
    Phone,
    Pii,
    ProviderId,
    RecipientId,
    TemplateId,
    Text80,
    Text200,
    Text300,
    Text500,
    Timestamp,
    UserId,
)
from contracts.user import NotificationChannels

# --- commands: recipients and planning -----------------------------------------------------------------------------


class _RecipientCommand(CommandData):
    key_field: ClassVar[str] = "recipient_id"
    recipient_id: RecipientId


class _NotificationCommand(_RecipientCommand):
    notification_id: NotificationId


class SyncRecipient(_RecipientCommand):
    """Absent fields stay as they are; those in ``cleared`` are forgotten. Per field the newer ``source_at`` wins."""

    user_id: UserId | None = None
    email: Pii[Email] | None = None
    email_hash: Hash | None = None
    phone: Pii[Phone] | None = None
    first_name: Pii[Text80] | None = None
    locale: Locale | None = None
    timezone: Text200 | None = None
    channels: NotificationChannels | None = None
    cleared: tuple[RecipientField, ...] = ()
    source_at: Timestamp


class PlanNotification(_NotificationCommand):
    """``address``, with its hash, stands in for the recipient's own: people without account, a former or future address."""

    channel: Channel
    template: TemplateName
    category: Category
    variables: Variables
    source_event_id: EventId
    source_at: Timestamp
    address: Pii[Address] | None = None
    address_hash: Hash | None = None
    locale: Locale | None = None


class ResolveUnknownNotification(_NotificationCommand):
    attempt: Attempt


class RetryNotification(_NotificationCommand):
    pass


class MarkNotificationsRead(_RecipientCommand):
    ids: Annotated[tuple[NotificationId, ...], Field(min_length=1, max_length=25)]


class EraseRecipient(_RecipientCommand):
    """Starts the day after which the recipient is forgotten, so that the last message still leaves."""


class FinishRecipientErasure(_RecipientCommand):
    pass


# --- commands: what became of a message ----------------------------------------------------------------------------


class RecordNotificationRendered(_NotificationCommand):
    template_id: TemplateId
    title: Pii[Text200]
    message: Pii[CleanText]


class RecordNotificationSent(_NotificationCommand):
    attempt: Attempt
    provider_message_id: ProviderId
    template_id: TemplateId | None = None


class RecordNotificationUnknown(_NotificationCommand):
    """The call may have reached the provider, and nobody calls again by himself."""

    attempt: Attempt


class RecordNotificationSuppressed(_NotificationCommand):
    reason: Text500


class RecordNotificationFailed(_NotificationCommand):
    """``attempt`` is absent where a provider reports without our tags."""

    attempt: Attempt | None = None
    code: Code


class RecordNotificationDelivered(_NotificationCommand):
    pass


class RecordNotificationDelayed(_NotificationCommand):
    pass


class RecordNotificationBounced(_NotificationCommand):
    permanent: bool
    sub_type: Code
    address_hash: Hash
    diagnostic: Text300 | None = None


class RecordNotificationComplained(_NotificationCommand):
    complaint: Code | None = Field(default=None, alias="kind")
    address_hash: Hash


# --- commands: addresses and templates -----------------------------------------------------------------------------


class _AddressCommand(CommandData):
    key_field: ClassVar[str] = "address_hash"
    address_hash: Hash


class SuppressAddress(_AddressCommand):
    reason: SuppressionReason
    recipient_id: RecipientId | None = None


class LiftSuppression(_AddressCommand):
    reason: Text500 | None = None


class _TemplateCommand(CommandData):
    key_field: ClassVar[str] = "name"
    name: TemplateName
    template_id: TemplateId
    channel: Channel = Field(alias="type")
    locale: Locale


class PublishNotificationTemplate(_TemplateCommand):
    """``subject`` is the title of an in-app message. An e-mail's ``body`` is HTML; its text part follows from it."""

    dir: Direction
    template_version: Version = Field(alias="version")
    subject: Text200 | None = None
    body: TemplateBody
    variables: Annotated[tuple[VariableName, ...], Field(max_length=50)]
    content_sha256: Hash


class ActivateNotificationTemplate(_TemplateCommand):
    pass
