"""A message right before it is sent: what the sending effects read, and whether it is still wanted as it was planned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.notification.events import NotificationPlanned
from contracts.types import Channel, Locale
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Event
from workers.services.notification.mailbox import notification_ref, recipient_ref
from workers.services.notification.notification import Notification, Status
from workers.services.notification.recipient import Recipient
from workers.services.notification.suppression import Suppression, suppression_ref
from workers.services.notification.template import Family, Template, family_ref, row_ref

Rows = Mapping[ItemRef, Item]


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


def reads(event: Event[NotificationPlanned], rows: Rows) -> Sequence[ItemRef]:
    """Message, recipient and template family first; they lead to the address's suppression and the template in use."""
    data = event.data
    refs = [notification_ref(data.notification_id), recipient_ref(data.recipient_id), family_ref(data.template)]
    hashed = _address_hash(data, rows)
    chosen = Family.from_item(rows.get(family_ref(data.template), {})).chosen(data.channel, data.locale)
    return [*refs, *([suppression_ref(hashed)] if hashed else []), *([row_ref(chosen)] if chosen else [])]


def _address_hash(data: NotificationPlanned, rows: Rows) -> str | None:
    """Of the address the message goes to. Nobody keeps that of a recipient's own phone: providers know who opted out."""
    message: str | None = rows.get(notification_ref(data.notification_id), {}).get("addressHash")
    own: str | None = rows.get(recipient_ref(data.recipient_id), {}).get("emailHash") if data.channel is Channel.EMAIL else None
    return message or own


def work_of(event: Event[NotificationPlanned], rows: Rows) -> Work | None:
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
