"""Commands of notification about messages that leave by sms and by mail, to few people who have phones, or had; then with the accounts
whose events make such messages."""

from collections.abc import Sequence
from random import Random

from contracts import auth
from contracts.ids import derived, notification_id, template_id
from contracts.message import CommandData
from contracts.notification import commands as notification
from contracts.notification.values import Category, RecipientField, SuppressionReason
from contracts.timestamps import from_milliseconds
from contracts.types import Channel, Direction, EventId, Locale, NotificationId, RecipientId
from contracts.user import NotificationChannels
from tests.simulation.draws import ADMIN, HASHES, SYSTEM
from tests.simulation.draws_auth import LINKS, PUBLIC, USERS, before_auth, sealed
from tests.simulation.log import EPOCH
from workers.services.notification.template import content_sha256

PEOPLE = [RecipientId(user) for user in USERS[:2]]
SOURCES = [EventId(derived(f"sim:happened-{n}")) for n in range(3)]
CHANNELS = (Channel.SMS, Channel.SMS, Channel.EMAIL)
SESSION_REVOKED = "session-revoked"
SUPPRESSIONS = ((SuppressionReason.HARD_BOUNCE, SYSTEM), (SuppressionReason.MANUAL, ADMIN), (SuppressionReason.MANUAL, SYSTEM))


def draw_messages(random: Random) -> tuple[CommandData, str]:
    recipient, source, channel = random.choice((PEOPLE[0], *PEOPLE)), random.choice(SOURCES), random.choice(CHANNELS)
    message = notification_id(source, recipient, channel, SESSION_REVOKED)
    match random.choice("ssspppppppppfffrrxle"):
        case "s":
            return _synced(recipient, random), SYSTEM
        case "p":
            return _planned(recipient, message, source, channel, random), SYSTEM
        case "r":
            mail = notification_id(random.choice(SOURCES), PEOPLE[0], Channel.EMAIL, SESSION_REVOKED)
            return notification.RetryNotification(recipient_id=PEOPLE[0], notification_id=mail), ADMIN
        case "x":
            reason, by = random.choice(SUPPRESSIONS)
            return notification.SuppressAddress(address_hash=random.choice(HASHES[:2]), reason=reason), by
        case "l":
            return notification.LiftSuppression(address_hash=random.choice(HASHES[:2])), ADMIN
        case "e":
            return _erasing(recipient, random), SYSTEM
    return _fate(recipient, message, random)


def _synced(recipient: RecipientId, random: Random) -> CommandData:
    """Mostly with a phone and the wish to be told by it; either may be taken back."""
    number = random.randrange(2)
    phone = random.random() < 0.8
    return notification.SyncRecipient(
        recipient_id=recipient,
        email=sealed(recipient, HASHES[number]) if random.random() < 0.5 else None,
        email_hash=HASHES[number],
        phone=sealed(recipient, f"phone {number}") if phone else None,
        cleared=() if phone else (RecipientField.PHONE,),
        channels=NotificationChannels(sms=random.random() < 0.85),
        source_at=from_milliseconds(EPOCH - random.randrange(5000)),
    )


def _planned(recipient: RecipientId, message: NotificationId, source: EventId, channel: Channel, random: Random) -> CommandData:
    return notification.PlanNotification(
        recipient_id=recipient,
        notification_id=message,
        channel=channel,
        template=SESSION_REVOKED,
        category=random.choice((Category.SECURITY, Category.TRANSACTIONAL)),
        variables={},
        source_event_id=source,
        source_at=from_milliseconds(EPOCH),
    )


def _fate(recipient: RecipientId, message: NotificationId, random: Random) -> tuple[CommandData, str]:
    """What people and providers say of a message, whatever came before."""
    ids = {"recipient_id": recipient, "notification_id": message}
    match random.choice("rudfffbn"):
        case "r":
            return notification.RetryNotification(**ids), ADMIN
        case "u":
            return notification.ResolveUnknownNotification(**ids, attempt=1), SYSTEM
        case "d":
            return notification.RecordNotificationDelivered(**ids), SYSTEM
        case "f":
            return notification.RecordNotificationFailed(**ids, attempt=random.choice((None, 1)), code="unreachable"), SYSTEM
        case "b":
            bounced = notification.RecordNotificationBounced(**ids, permanent=True, sub_type="general", address_hash=HASHES[0])
            return bounced, SYSTEM
    return notification.RecordNotificationUnknown(**ids, attempt=1), SYSTEM


def _erasing(recipient: RecipientId, random: Random) -> CommandData:
    if random.random() < 0.25:
        return notification.EraseRecipient(recipient_id=recipient)
    return notification.FinishRecipientErasure(recipient_id=recipient)


def template(name: str, channel: Channel) -> notification.PublishNotificationTemplate:
    subject = None if channel is Channel.SMS else "A session was ended"
    return notification.PublishNotificationTemplate(
        name=name,
        template_id=template_id("notification-templates", name, channel, Locale.EN, 1),
        channel=channel,
        locale=Locale.EN,
        dir=Direction.LTR,
        template_version=1,
        subject=subject,
        body="Was that you?",
        variables=(),
        content_sha256=content_sha256(subject, "Was that you?"),
    )


def before_messages() -> Sequence[CommandData]:
    """The templates are in use, and one of the two has mail and a phone."""
    published = [template(SESSION_REVOKED, channel) for channel in Channel]
    activated = [
        notification.ActivateNotificationTemplate(name=each.name, template_id=each.template_id, channel=each.channel, locale=each.locale)
        for each in published
    ]
    known = notification.SyncRecipient(
        recipient_id=PEOPLE[0],
        email=sealed(PEOPLE[0], HASHES[0]),
        email_hash=HASHES[0],
        phone=sealed(PEOPLE[0], "phone"),
        channels=NotificationChannels(sms=True),
        source_at=from_milliseconds(EPOCH - 60_000),
    )
    return [*published, *activated, known]


# --- with accounts -------------------------------------------------------------------------------------------------


def draw_alarms(random: Random) -> tuple[CommandData, str]:
    """One person's sessions, some of whose refresh tokens are presented a second time."""
    user = USERS[0]
    match random.choice("mmmoooottttttew"):
        case "m":
            return draw_messages(random)
        case "o":
            return _opening(random.choice((1, 1, 2, 3))), PUBLIC
        case "e":
            return auth.RequestEmailVerification(user_id=user, verification=random.choice(LINKS)), f"user:{user}"
        case "w":
            return auth.RequestPasswordReset(user_id=user, reset=random.choice(LINKS)), PUBLIC
    session = _session(random.choice((1, 1, 2, 3)))
    presented, new = random.choice(HASHES), random.choice(HASHES)
    return auth.RotateSession(user_id=user, session_id=session, presented_hash=presented, new_hash=new), f"user:{user}"


def _session(number: int) -> auth.SessionId:
    return auth.SessionId(derived(f"sim:session-{USERS[0]}-{number}"))


def _opening(number: int) -> auth.OpenSession:
    return auth.OpenSession(
        user_id=USERS[0],
        session_id=_session(number),
        refresh_token_hash=HASHES[0],
        ip_hash=HASHES[1],
        user_agent=sealed(USERS[0], "browser"),
        verified_epoch=1,
        new_device=number % 2 == 0,
    )


def before_alarms() -> Sequence[CommandData]:
    return [*before_auth(), *before_messages()]
