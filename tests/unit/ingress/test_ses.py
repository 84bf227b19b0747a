"""What SES says, as its files have it, in the words of notification."""

import json
from typing import Any

import pytest

from contracts.ids import webhook_command_id
from contracts.message import CommandData
from contracts.notification.commands import (
    RecordNotificationBounced,
    RecordNotificationComplained,
    RecordNotificationDelayed,
    RecordNotificationDelivered,
    RecordNotificationFailed,
    RecordNotificationSent,
)
from contracts.types import NotificationId, RecipientId
from tests.unit.ingress.doubles import KEY, NOW, OTHER, THIRD, Ingress, reason_of
from tests.unit.ingress.feedback import (
    DELIVERY,
    MESSAGE_ID,
    NOTIFICATION,
    RECIPIENT,
    deliver,
    known,
    names,
    notification,
    payload,
    tagged,
    with_feedback,
)
from workers.adapters.blind_index import email_hash

EVENTS = names("ses", "event_*")
FEEDBACK = names("ses", "feedback_*")
IGNORED = {"event_open_record": "Open", "event_click_record": "Click", "event_subscription_record": "Subscription"}
OURS: dict[str, Any] = {"notification_id": NotificationId(NOTIFICATION), "recipient_id": RecipientId(RECIPIENT)}
HASH = email_hash(KEY, "recipient@example.com")
JANE, RICHARD = email_hash(KEY, "jane@example.com"), email_hash(KEY, "richard@example.com")
BOUNCED = {"permanent": True, "sub_type": "General"}


def identity(name: str, **changes: Any) -> dict[str, Any]:
    """A notification of an identity, about the message that we know."""
    said = payload("ses", name)
    said["mail"]["messageId"] = MESSAGE_ID
    return said | changes


async def said_by(event: Any, ingress: Ingress | None = None) -> list[CommandData]:
    """The commands that came of it, each of which bears our key."""
    taking = ingress or known(with_feedback())
    assert reason_of(await deliver(taking, notification(event))) == (200, "accepted")
    assert {command.envelope.subject for command in taking.commands} == {RECIPIENT}
    return [command.data for command in taking.commands if isinstance(command.data, CommandData)]


def test_every_file_is_used() -> None:
    assert {*EVENTS, *FEEDBACK} == set(names("ses"))
    assert (len(EVENTS), len(FEEDBACK)) == (10, 5)
    assert set(EVENTS) == {*ROWS, *IGNORED}
    assert set(FEEDBACK) == set(IDENTITY_ROWS)


# --- rows of section 12 --------------------------------------------------------------------------------------------

ROWS: dict[str, CommandData] = {
    "event_send_record": RecordNotificationSent(**OURS, attempt=2, provider_message_id=MESSAGE_ID),
    "event_delivery_record": RecordNotificationDelivered(**OURS),
    "event_deliverydelay_record": RecordNotificationDelayed(**OURS),
    "event_bounce_record": RecordNotificationBounced(
        **OURS, permanent=True, sub_type="General", address_hash=HASH, diagnostic="smtp; 550 5.1.1 user unknown"
    ),
    "event_complaint_record": RecordNotificationComplained(**OURS, complaint="abuse", address_hash=HASH),
    "event_reject_record": RecordNotificationFailed(**OURS, attempt=2, code="rejected"),
    "event_rendering_failure_record": RecordNotificationFailed(**OURS, attempt=2, code="rendering_failure"),
}


@pytest.mark.parametrize("name", ROWS)
async def test_an_event_by_our_tags(name: str) -> None:
    ingress = with_feedback()
    assert await said_by(tagged(name), ingress) == [ROWS[name]]
    (command,) = ingress.commands
    expected = webhook_command_id("ses", DELIVERY, type(ROWS[name]).__name__)
    assert (command.envelope.id, command.envelope.actor, command.envelope.source) == (expected, "system:ses", "/mindlinks/ingress/ses")
    assert ingress.metrics.counts["webhooks", "ses", tagged(name)["eventType"], "accepted"] == 1


IDENTITY_ROWS: dict[str, list[CommandData]] = {
    "feedback_amazon_sns_delivery_notification_example": [RecordNotificationDelivered(**OURS)],
    "feedback_bounce_notification_with_a_dsn": [
        RecordNotificationBounced(**OURS, **BOUNCED, address_hash=JANE, diagnostic="smtp; 550 5.1.1 <(address)>... User")
    ],
    "feedback_bounce_notification_without_a_dsn": [
        RecordNotificationBounced(**OURS, **BOUNCED, address_hash=JANE),
        RecordNotificationBounced(**OURS, **BOUNCED, address_hash=RICHARD),
    ],
    "feedback_complaint_notification_with_a_feedback_report": [
        RecordNotificationComplained(**OURS, complaint="abuse", address_hash=RICHARD)
    ],
    "feedback_complaint_notification_without_a_feedback_report": [RecordNotificationComplained(**OURS, address_hash=RICHARD)],
}


@pytest.mark.parametrize("name", FEEDBACK)
async def test_an_identitys_notification_by_its_message_id(name: str) -> None:
    assert await said_by(identity(name)) == IDENTITY_ROWS[name]


@pytest.mark.parametrize("name", IGNORED)
async def test_what_is_not_tracked_is_counted(name: str) -> None:
    ingress = with_feedback()
    assert reason_of(await deliver(ingress, notification(tagged(name)))) == (200, "ignored")
    assert ingress.commands == []
    assert ingress.metrics.counts["webhooks", "ses", IGNORED[name], "ignored"] == 1


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"eventType": "Levitation", "mail": {"messageId": MESSAGE_ID}}, "other"),
        (
            {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully subscribed"},
            "AmazonSnsSubscriptionSucceeded",
        ),
        ("Successfully validated SNS topic for Amazon SES event publishing.", "other"),
        ({"eventType": 5}, "other"),
        ({}, "other"),
        ([], "other"),
        ("5", "other"),
    ],
)
async def test_what_nobody_knows_is_counted_too(event: Any, kind: str) -> None:
    ingress = known(with_feedback())
    assert reason_of(await deliver(ingress, notification(event))) == (200, "ignored")
    assert (ingress.commands, ingress.quarantine.rows) == ([], {})
    assert ingress.metrics.counts["webhooks", "ses", kind, "ignored"] == 1


async def test_the_whole_delivery_of_the_file() -> None:
    """Signed anew, at a time at which it is fresh; its event has no tags of ours."""
    sent = payload("sns", "notification_ses_bounce")
    fresh = notification(sent["Message"], sent["TopicArn"], MessageId=sent["MessageId"], Subject=sent["Subject"])
    ingress = known(with_feedback(), json.loads(sent["Message"])["mail"]["messageId"])
    assert reason_of(await deliver(ingress, fresh)) == (200, "accepted")
    assert [command.data for command in ingress.commands] == [ROWS["event_bounce_record"]]


# --- bounces and complaints ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "sub_type", "permanent"),
    [
        *(("Permanent", sub_type, True) for sub_type in ("General", "NoEmail", "Suppressed", "OnAccountSuppressionList")),
        *(
            ("Transient", sub_type, False)
            for sub_type in ("General", "MailboxFull", "MessageTooLarge", "ContentRejected", "AttachmentRejected")
        ),
        ("Undetermined", "Undetermined", False),
        ("SomethingNew", "General", False),
    ],
)
async def test_only_a_permanent_bounce_is_permanent(kind: str, sub_type: str, permanent: bool) -> None:
    event = tagged("event_bounce_record")
    event["bounce"] |= {"bounceType": kind, "bounceSubType": sub_type}
    (bounced,) = await said_by(event)
    assert isinstance(bounced, RecordNotificationBounced)
    assert (bounced.permanent, bounced.sub_type) == (permanent, sub_type)


def recipients(*addresses: str) -> list[dict[str, str]]:
    return [{"emailAddress": address} for address in addresses]


async def test_several_recipients_are_a_command_each_with_an_id_each() -> None:
    event, ingress = tagged("event_bounce_record"), with_feedback()
    event["bounce"]["bouncedRecipients"] = recipients("jane@example.com", "Richard <RICHARD@example.com>", "jane@EXAMPLE.com")
    first, second = await said_by(event, ingress)
    assert isinstance(first, RecordNotificationBounced)
    assert isinstance(second, RecordNotificationBounced)
    assert (first.address_hash, second.address_hash) == (JANE, RICHARD)
    ids = [command.envelope.id for command in ingress.commands]
    name = "RecordNotificationBounced"
    assert ids == [webhook_command_id("ses", DELIVERY, name), webhook_command_id("ses", f"{DELIVERY}#2", name)]
    await deliver(ingress, notification(event))
    assert [command.envelope.id for command in ingress.commands] == ids * 2


async def test_several_complaints_too() -> None:
    event = tagged("event_complaint_record")
    event["complaint"]["complainedRecipients"] = recipients("jane@example.com", "richard@example.com")
    assert [getattr(command, "address_hash") for command in await said_by(event)] == [JANE, RICHARD]  # noqa: B009  # theirs alone


async def test_no_address_gets_onto_the_log() -> None:
    ingress = known(with_feedback())
    for name in (*FEEDBACK, *ROWS):
        event = identity(name) if name in FEEDBACK else tagged(name)
        await deliver(ingress, notification(event, MessageId=f"{name}"))
    assert len(ingress.commands) == len(ROWS) + sum(map(len, IDENTITY_ROWS.values()))
    for address in (b"recipient@", b"jane@", b"richard@", b"mary@", b"john@", b"example.com"):
        assert address not in ingress.raw


async def test_long_and_broken_words_are_cut_and_joined() -> None:
    event = tagged("event_bounce_record")
    event["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = "smtp; 550\r\n\tno such user " + "x" * 400
    (bounced,) = await said_by(event)
    assert isinstance(bounced, RecordNotificationBounced)
    assert bounced.diagnostic is not None
    assert (bounced.diagnostic[:24], len(bounced.diagnostic)) == ("smtp; 550 no such user x", 300)


@pytest.mark.parametrize("recipients", [[], None, [{}], [{"emailAddress": "not an address"}], ["jane@example.com"], [{"emailAddress": 5}]])
@pytest.mark.parametrize(
    ("name", "part", "field"), [("bounce", "bounce", "bouncedRecipients"), ("complaint", "complaint", "complainedRecipients")]
)
async def test_whose_address_cannot_be_read_is_put_aside(recipients: Any, name: str, part: str, field: str) -> None:
    event, ingress = tagged(f"event_{name}_record"), with_feedback()
    event[part][field] = recipients
    assert reason_of(await deliver(ingress, notification(event))) == (200, "quarantined")
    assert ingress.commands == []
    (row,) = ingress.quarantine.rows.values()
    assert (row.provider, row.delivery, row.code) == ("ses", DELIVERY, "invalid_payload")
    assert json.loads(json.loads(row.body)["Message"]) == event
    assert "@" not in row.detail


# --- whose it is ---------------------------------------------------------------------------------------------------


async def test_our_tags_come_before_the_message_id() -> None:
    ingress = known(with_feedback())
    event = tagged("event_delivery_record", notificationId=[THIRD], recipientId=[OTHER])
    await deliver(ingress, notification(event))
    (command,) = ingress.commands
    assert (command.envelope.subject, command.data) == (OTHER, RecordNotificationDelivered(notification_id=THIRD, recipient_id=OTHER))


@pytest.mark.parametrize("tags", [{"notificationId": ["x"]}, {"recipientId": []}, {"notificationId": NOTIFICATION}, {"recipientId": [5]}])
async def test_tags_that_are_not_ours_leave_the_message_id(tags: dict[str, Any]) -> None:
    assert await said_by(tagged("event_delivery_record", **tags)) == [ROWS["event_delivery_record"]]


async def test_an_identity_cannot_bring_tags() -> None:
    event = tagged("event_delivery_record", notificationId=[OTHER])
    event["notificationType"] = event.pop("eventType")
    assert await said_by(event) == [ROWS["event_delivery_record"]]


async def test_another_environments_is_dropped() -> None:
    ingress = known(with_feedback())
    assert reason_of(await deliver(ingress, notification(tagged("event_bounce_record", environment=["prod"])))) == (200, "dropped")
    assert ingress.commands == []


async def test_an_unknown_message_comes_again_for_an_hour_and_is_put_aside_then() -> None:
    ingress, event = with_feedback(), identity("feedback_bounce_notification_with_a_dsn")
    response = await deliver(ingress, notification(event, at=NOW - 3_599_000))
    assert (*reason_of(response), response.headers["retry-after"]) == (503, "unknown_key", "60")
    assert ingress.quarantine.rows == {}
    assert reason_of(await deliver(ingress, notification(event, at=NOW - 3_601_000))) == (200, "quarantined")
    assert [row.code for row in ingress.quarantine.rows.values()] == ["unknown_key"]
    assert ingress.metrics.counts["quarantined", "ingress", "unknown_key"] == 1


async def test_a_claim_past_its_time_is_nobodys() -> None:
    ingress = known(with_feedback())
    ingress.clock.at = NOW + 61_000
    response = await deliver(ingress, notification(identity("feedback_bounce_notification_with_a_dsn"), at=ingress.clock.at))
    assert reason_of(response) == (503, "unknown_key")


async def test_a_sending_of_an_attempt_that_nobody_names_is_put_aside() -> None:
    ingress = with_feedback()
    assert reason_of(await deliver(ingress, notification(tagged("event_send_record", attempt=["many"])))) == (200, "quarantined")


@pytest.mark.parametrize("away", ["log", "store"])
async def test_while_log_or_store_is_away_it_comes_again(away: str) -> None:
    ingress = known(with_feedback())
    getattr(ingress, away).away = True
    event = notification(identity("feedback_bounce_notification_with_a_dsn"))
    assert reason_of(await deliver(ingress, event)) == (503, f"{away}_unavailable")
    getattr(ingress, away).away = False
    assert reason_of(await deliver(ingress, event)) == (200, "accepted")


async def test_a_doubled_delivery_has_the_same_id() -> None:
    ingress = with_feedback()
    for _ in range(2):
        await deliver(ingress, notification(tagged("event_delivery_record")))
    first, second = ingress.commands
    assert first.envelope.id == second.envelope.id
