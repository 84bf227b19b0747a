"""What becomes of SMS: records of SNS's log, forwarded, and Twilio's callbacks."""

import base64
import hmac
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from contracts.ids import webhook_command_id
from contracts.message import CommandData
from contracts.notification.commands import RecordNotificationDelivered, RecordNotificationFailed
from contracts.types import NotificationId, RecipientId
from tests.unit.ingress.doubles import NOW, Ingress, reason_of
from tests.unit.ingress.feedback import (
    CALLBACK,
    DELIVERY,
    NOTIFICATION,
    RECIPIENT,
    SMS_TOPIC,
    TWILIO_TOKENS,
    deliver,
    known,
    names,
    notification,
    payload,
    with_feedback,
)
from workers.ingress.dependencies import TwilioEndpoint

SUCCESS, FAILURE = "sms_example_log_for_successful_sms_delivery", "sms_example_log_for_failed_sms_delivery"
OURS: dict[str, Any] = {"notification_id": NotificationId(NOTIFICATION), "recipient_id": RecipientId(RECIPIENT)}
FORM: dict[str, str] = payload("twilio_sendgrid", "twilio_status_callback")["form"]
SID = FORM["MessageSid"]


def test_every_file_is_used() -> None:
    assert set(names("sns")) == {SUCCESS, FAILURE, "notification_ses_bounce", "subscription_confirmation"}


# --- SNS's log -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (SUCCESS, RecordNotificationDelivered(**OURS)),
        (FAILURE, RecordNotificationFailed(**OURS, code="Unknown error attempting to reach phone")),
    ],
)
async def test_a_record_becomes_a_command(name: str, expected: CommandData) -> None:
    record = payload("sns", name)
    ingress = known(with_feedback(), record["notification"]["messageId"])
    assert reason_of(await deliver(ingress, notification(record, SMS_TOPIC), "sms")) == (200, "accepted")
    (command,) = ingress.commands
    assert (command.data, command.envelope.actor) == (expected, "system:sms")
    assert command.envelope.id == webhook_command_id("sms", DELIVERY, type(expected).__name__)
    assert b"5550100" not in ingress.raw


async def test_a_failure_without_words() -> None:
    record = payload("sns", FAILURE) | {"delivery": {}}
    ingress = known(with_feedback(), record["notification"]["messageId"])
    await deliver(ingress, notification(record, SMS_TOPIC), "sms")
    assert [command.data for command in ingress.commands] == [RecordNotificationFailed(**OURS, code="failed")]


@pytest.mark.parametrize("record", ["no record", {}, {"status": "SUCCESS"}, {"status": "PENDING", "notification": {"messageId": "m"}}, []])
async def test_what_is_no_record_is_counted(record: Any) -> None:
    ingress = with_feedback()
    assert reason_of(await deliver(ingress, notification(record, SMS_TOPIC), "sms")) == (200, "ignored")
    assert sum(count for (name, *_), count in ingress.metrics.counts.items() if name == "webhooks") == 1


async def test_a_records_own_time_says_how_long_it_may_be_unknown() -> None:
    ingress, record = with_feedback(), payload("sns", SUCCESS)
    assert reason_of(await deliver(ingress, notification(record, SMS_TOPIC), "sms")) == (200, "quarantined")
    young = record | {"notification": {"messageId": "m", "timestamp": "yesterday"}}
    assert reason_of(await deliver(ingress, notification(young, SMS_TOPIC), "sms")) == (503, "unknown_key")


async def test_the_topics_of_mail_are_strangers_here() -> None:
    assert reason_of(await deliver(with_feedback(), notification(payload("sns", SUCCESS)), "sms")) == (400, "topic_unknown")


# --- Twilio's callbacks --------------------------------------------------------------------------------------------


def digest(form: dict[str, str], token: str = TWILIO_TOKENS[0], address: str = CALLBACK) -> str:
    text = address + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), "sha1").digest()).decode()


async def call_back(ingress: Ingress, form: dict[str, str], signature: str | None = None) -> httpx.Response:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    given = digest(form) if signature is None else signature
    signed = {"x-twilio-signature": given} if given else {}
    return await ingress.http.post("/webhooks/sms", content=urlencode(form).encode(), headers=headers | signed)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, RecordNotificationFailed(**OURS, code="30003")),
        ({"ErrorCode": ""}, RecordNotificationFailed(**OURS, code="undelivered")),
        ({"MessageStatus": "failed", "ErrorCode": "30005"}, RecordNotificationFailed(**OURS, code="30005")),
        ({"MessageStatus": "delivered", "ErrorCode": ""}, RecordNotificationDelivered(**OURS)),
    ],
)
async def test_a_final_status_becomes_a_command(changes: dict[str, str], expected: CommandData) -> None:
    ingress = known(with_feedback(), SID)
    form = FORM | changes
    assert reason_of(await call_back(ingress, form)) == (200, "accepted")
    (command,) = ingress.commands
    assert (command.data, command.envelope.actor) == (expected, "system:twilio")
    assert command.envelope.id == webhook_command_id("twilio", f"{SID}:{form['MessageStatus']}", type(expected).__name__)


@pytest.mark.parametrize(("status", "kind"), [("queued", "queued"), ("sent", "sent"), ("levitating", "other")])
async def test_what_is_not_final_is_counted(status: str, kind: str) -> None:
    ingress = known(with_feedback(), SID)
    assert reason_of(await call_back(ingress, FORM | {"MessageStatus": status})) == (200, "ignored")
    assert ingress.commands == []
    assert ingress.metrics.counts["webhooks", "twilio", kind, "ignored"] == 1


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "signature_missing"),
        ("none", "signature_mismatch"),
        (digest(FORM, "another token"), "signature_mismatch"),
        (digest(FORM, ""), "signature_mismatch"),
        (digest(FORM, address="https://elsewhere.example/webhooks/sms"), "signature_mismatch"),
        (digest(FORM | {"MessageStatus": "delivered"}), "signature_mismatch"),
        (digest(FORM | {"More": "of it"}), "signature_mismatch"),
    ],
)
async def test_a_forged_callback(signature: str, reason: str) -> None:
    ingress = known(with_feedback(), SID)
    assert reason_of(await call_back(ingress, FORM, signature)) == (400, reason)
    assert ingress.commands == []
    assert ingress.metrics.counts["webhooks", "twilio", "unverified", reason] == 1


async def test_a_signature_in_no_known_letters() -> None:
    headers = {b"content-type": b"application/x-www-form-urlencoded", b"x-twilio-signature": "ü".encode()}
    response = await with_feedback().http.post("/webhooks/sms", content=urlencode(FORM).encode(), headers=headers)
    assert reason_of(response) == (400, "signature_mismatch")


@pytest.mark.parametrize("token", TWILIO_TOKENS)
async def test_either_token_of_a_roll_is_taken(token: str) -> None:
    assert reason_of(await call_back(known(with_feedback(), SID), FORM, digest(FORM, token))) == (200, "accepted")


@pytest.mark.parametrize("tokens", [(), ("",)])
async def test_without_a_token_every_callback_is_refused(tokens: tuple[str, ...]) -> None:
    bare = Ingress(changes={"twilio": TwilioEndpoint(tokens, CALLBACK)})
    assert reason_of(await call_back(bare, FORM, digest(FORM, ""))) == (503, "not_configured")


@pytest.mark.parametrize("missing", ["MessageSid", "MessageStatus"])
async def test_a_callback_about_nothing(missing: str) -> None:
    form = {name: value for name, value in FORM.items() if name not in (missing, "SmsSid")}
    response = await call_back(with_feedback(), form)
    assert (*reason_of(response), response.json()["field"]) == (400, "event_incomplete", missing)


@pytest.mark.parametrize("body", [b"\xff=1", b"no form", b"&".join(b"a%d=1" % number for number in range(101))])
async def test_what_is_no_form(body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": "x"}
    response = await with_feedback().http.post("/webhooks/sms", content=body, headers=headers)
    assert reason_of(response) == (400, "not_an_event")


async def test_an_unknown_message_comes_again_however_old_it_is() -> None:
    """A callback tells no time."""
    ingress = with_feedback()
    ingress.clock.at = NOW + 10**9
    assert reason_of(await call_back(ingress, FORM)) == (503, "unknown_key")
