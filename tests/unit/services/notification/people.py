"""A recipient, messages to him, and the oracle that judges them."""

from contracts.ids import address_recipient_id, notification_id
from contracts.notification.commands import PlanNotification, SyncRecipient
from contracts.notification.values import Category, Moment, PageLink
from contracts.types import Channel, Email, EventId, Hash, Locale, NotificationId, Phone, Pii, RecipientId, Text80, Timestamp, UserId
from contracts.user import NotificationChannels
from tests.support.oracle import START, Oracle
from workers.services.notification.mailbox import notification_ref, recipient_ref
from workers.services.notification.notification import Notification, Status
from workers.services.notification.recipient import Recipient
from workers.services.notification.service import SERVICE

USER = UserId("11111111-1111-4111-8111-111111111111")
SANA = RecipientId(USER)
ADMIN = "admin:99999999-9999-4999-8999-999999999999"
EMAIL: Pii[Email] = f"s1.subject.{USER}.1.c2FuYUBleGFtcGxlLmNvbQ"
PHONE: Pii[Phone] = f"s1.subject.{USER}.1.KzIwMTAwMDAwMDAwMA"
NAME: Pii[Text80] = f"s1.subject.{USER}.1.U2FuYQ"
EMAIL_HASH: Hash = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"
LEAD: Pii[Email] = "s1.subject.lead:ab.1.bGVhZEBleGFtcGxlLmNvbQ"
LEAD_HASH: Hash = "ab" * 32
LEAD_ID = address_recipient_id(LEAD_HASH)
SOURCE = EventId("e5563fcd-989f-50d4-8c79-faad13b6641e")
TEMPLATE = "contract-to-sign"


def synced(
    at: Timestamp = START, *, email: Pii[Email] | None = EMAIL, phone: Pii[Phone] | None = None, sms: bool = False, mail: bool = True
) -> SyncRecipient:
    return SyncRecipient(
        recipient_id=SANA,
        user_id=USER,
        email=email,
        email_hash=EMAIL_HASH if email else None,
        phone=phone,
        first_name=NAME,
        locale=Locale.AR,
        channels=NotificationChannels(email=mail, sms=sms),
        source_at=at,
    )


def planned(
    channel: Channel = Channel.EMAIL,
    *,
    template: str = TEMPLATE,
    category: Category = Category.TRANSACTIONAL,
    source: EventId = SOURCE,
    source_at: Timestamp = START,
) -> PlanNotification:
    return PlanNotification(
        recipient_id=SANA,
        notification_id=notification_id(source, SANA, channel, template),
        channel=channel,
        template=template,
        category=category,
        variables={"title": "Online shop", "signBy": Moment(at=START), "link": PageLink(page="contracts")},
        source_event_id=source,
        source_at=source_at,
    )


def planned_to_lead() -> PlanNotification:
    return PlanNotification(
        recipient_id=LEAD_ID,
        notification_id=notification_id(SOURCE, LEAD_ID, Channel.EMAIL, "contact-received"),
        channel=Channel.EMAIL,
        template="contact-received",
        category=Category.TRANSACTIONAL,
        variables={"name": "Lena"},
        source_event_id=SOURCE,
        source_at=START,
        address=LEAD,
        address_hash=LEAD_HASH,
        locale=Locale.EN,
    )


def oracle(*, known: bool = True) -> Oracle:
    run = Oracle(SERVICE)
    if known:
        run.send(synced())
    return run


def row(run: Oracle, id_: NotificationId) -> Notification:
    return Notification.from_item(run.items[notification_ref(id_)])


def status(run: Oracle, id_: NotificationId) -> Status:
    return row(run, id_).status


def recipient(run: Oracle, id_: RecipientId = SANA) -> Recipient:
    return Recipient.from_item(run.items[recipient_ref(id_)])
