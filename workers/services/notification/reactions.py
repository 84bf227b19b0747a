"""Which commands follow from what happened elsewhere: recipients are kept up to date, messages planned, addresses suppressed."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from contracts.auth import EmailChanged, ErasureRequested, UserRegistered
from contracts.ids import notification_id
from contracts.message import EventData
from contracts.notification.commands import EraseRecipient, PlanNotification, SuppressAddress, SyncRecipient
from contracts.notification.events import NotificationBounced, NotificationComplained
from contracts.notification.values import RecipientField, SuppressionReason
from contracts.types import Channel, RecipientId
from contracts.user import PreferencesUpdated, ProfileUpdated
from workers.engine.decision import Item
from workers.engine.service import Event, Reaction, Send
from workers.services.notification.columns import Addressee, Row
from workers.services.notification.matrix import ROWS_OF

React: TypeAlias = Callable[[Event[Any]], list[Send]]


# --- recipients ----------------------------------------------------------------------------------------------------


def sync_registered(event: Event[UserRegistered]) -> list[Send]:
    data = event.data
    sync = SyncRecipient(
        recipient_id=RecipientId(data.user_id),
        user_id=data.user_id,
        email=data.email,
        email_hash=data.email_hash,
        locale=data.locale,
        source_at=event.at,
    )
    return [Send(sync)]


def sync_email(event: Event[EmailChanged]) -> list[Send]:
    data = event.data
    recipient_id = RecipientId(data.user_id)
    return [Send(SyncRecipient(recipient_id=recipient_id, email=data.email, email_hash=data.email_hash, source_at=event.at))]


def sync_profile(event: Event[ProfileUpdated]) -> list[Send]:
    data = event.data
    known = {RecipientField.FIRST_NAME: data.first_name, RecipientField.PHONE: data.phone}
    sync = SyncRecipient(
        recipient_id=RecipientId(data.user_id),
        user_id=data.user_id,
        first_name=data.first_name,
        phone=data.phone,
        cleared=tuple(field for field, value in known.items() if value is None and field.value in data.changed),
        source_at=event.at,
    )
    return [Send(sync)]


def sync_preferences(event: Event[PreferencesUpdated]) -> list[Send]:
    data = event.data
    sync = SyncRecipient(
        recipient_id=RecipientId(data.user_id),
        user_id=data.user_id,
        locale=data.language,
        timezone=data.timezone,
        channels=data.notifications,
        source_at=event.at,
    )
    return [Send(sync)]


def erase(event: Event[ErasureRequested]) -> list[Send]:
    return [Send(EraseRecipient(recipient_id=RecipientId(event.data.user_id)))]


# --- messages ------------------------------------------------------------------------------------------------------


def plan(event: Event[EventData]) -> list[Send]:
    """One command per row of the matrix, addressee and channel."""
    return [
        _planned(event, row, addressee, channel)
        for row in ROWS_OF.get(type(event.data), ())
        for addressee in row.addressees(event.data)
        for channel in row.channels
    ]


def _planned(event: Event[EventData], row: Row[Any], addressee: Addressee, channel: Channel) -> Send:
    id_ = notification_id(event.id, addressee.recipient_id, channel, row.template)
    command = PlanNotification(
        recipient_id=addressee.recipient_id,
        notification_id=id_,
        channel=channel,
        template=row.template,
        category=row.category,
        variables={name: build(event) for name, build in row.variables.items()},
        source_event_id=event.id,
        source_at=event.at,
        address=addressee.address,
        address_hash=addressee.address_hash,
        locale=addressee.locale,
    )
    return Send(command, target=id_)


# --- addresses -----------------------------------------------------------------------------------------------------


def suppress_bounced(event: Event[NotificationBounced]) -> list[Send]:
    data = event.data
    reason = SuppressionReason.HARD_BOUNCE
    command = SuppressAddress(address_hash=data.address_hash, reason=reason, recipient_id=data.recipient_id)
    return [Send(command)] if data.permanent else []


def suppress_complained(event: Event[NotificationComplained]) -> list[Send]:
    data = event.data
    reason = SuppressionReason.COMPLAINT
    return [Send(SuppressAddress(address_hash=data.address_hash, reason=reason, recipient_id=data.recipient_id))]


FIRST: dict[type[EventData], React] = {
    UserRegistered: sync_registered,
    EmailChanged: sync_email,
    ProfileUpdated: sync_profile,
    PreferencesUpdated: sync_preferences,
    ErasureRequested: erase,
    NotificationBounced: suppress_bounced,
    NotificationComplained: suppress_complained,
}
"""What goes out before the messages about the same event, so that they find their recipient."""


def _reaction(event: type[EventData]) -> Reaction[Any]:
    first = FIRST.get(event)

    def react(happened: Event[EventData], _rows: Sequence[Item]) -> Sequence[Send]:
        return [*(first(happened) if first else ()), *plan(happened)]

    return Reaction(event, react)


REACTIONS: tuple[Reaction[Any], ...] = tuple(_reaction(event) for event in dict.fromkeys([*FIRST, *ROWS_OF]))
