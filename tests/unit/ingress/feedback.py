"""Deliveries of SNS as the payload files have them, signed by a certificate of the tests, and the notification that they are about."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from contracts.timestamps import from_milliseconds
from tests.unit.ingress.doubles import NOW, Ingress
from workers.adapters.sns_signing import NoCertificate, SnsUnavailable, Topic
from workers.ingress.dependencies import SnsEndpoints, TwilioEndpoint
from workers.ops.fakes.messaging.certificates import Signer
from workers.ops.fakes.messaging.sns import signed

PAYLOADS = Path(__file__).parents[2] / "payloads"
NEAR = datetime.fromtimestamp(NOW / 1000, UTC)
SIGNER = Signer.made(begins=NEAR - timedelta(days=1))
TOPIC = "arn:aws:sns:us-east-1:123456789012:mindlinks-ses-events"
SMS_TOPIC = "arn:aws:sns:us-east-1:123456789012:mindlinks-sms-log"
NOTIFICATION = "77777777-7777-4777-8777-777777777777"
RECIPIENT = "11111111-1111-4111-8111-111111111111"
MESSAGE_ID = "0100018c-1111-2222-3333-444444444444-000000"
DELIVERY = "165545c9-2a5c-472c-8df2-7ff2be2b3b1b"
TAGS = {"notificationId": [NOTIFICATION], "recipientId": [RECIPIENT], "attempt": ["2"], "environment": ["test"]}
TWILIO_TOKENS, CALLBACK = ("twilio-current", "twilio-previous"), "https://hooks.example/webhooks/sms"

Fields = dict[str, str]


@dataclass
class KnownSns:
    """SNS with the certificates of ``signers``. ``away``: it does not answer."""

    signers: tuple[Signer, ...] = (SIGNER,)
    away: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    confirmed: list[tuple[str, str]] = field(default_factory=list)

    async def certificate(self, topic: Topic, name: str) -> bytes:
        self.asked.append((topic.host, name))
        if self.away:
            raise SnsUnavailable
        found = [signer.pem for signer in self.signers if signer.file == name]
        if not found:
            raise NoCertificate(name)
        return found[0]

    async def confirm(self, topic: Topic, token: str) -> None:
        if self.away:
            raise SnsUnavailable
        self.confirmed.append((topic.arn, token))


def with_feedback(sns: KnownSns | None = None) -> Ingress:
    """An ingress that takes feedback."""
    endpoints = SnsEndpoints(sns or KnownSns(), frozenset({TOPIC}), frozenset({SMS_TOPIC}))
    return Ingress(changes={"sns": endpoints, "twilio": TwilioEndpoint(TWILIO_TOKENS, CALLBACK)})


def payload(folder: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PAYLOADS / folder / f"{name}.json").read_bytes())
    return found


def names(folder: str, pattern: str = "*") -> list[str]:
    return sorted(path.stem for path in (PAYLOADS / folder).glob(f"{pattern}.json"))


def tagged(name: str, **tags: list[str]) -> dict[str, Any]:
    """A file of SES, with our tags on it and the message id that we know."""
    event = payload("ses", name)
    event["mail"] |= {"messageId": MESSAGE_ID, "tags": event["mail"].get("tags", {}) | TAGS | tags}
    return event


def notification(message: Any, topic: str = TOPIC, *, at: int = NOW, **changes: str) -> Fields:
    """``message``: text, or what is to be written as JSON."""
    words = message if isinstance(message, str) else json.dumps(message)
    given = {"Type": "Notification", "MessageId": DELIVERY, "TopicArn": topic, "Message": words, "Timestamp": from_milliseconds(at)}
    return given | {"Subject": "Amazon SES Email Event Notification"} | changes


def confirmation(name: str = "SubscriptionConfirmation", topic: str = TOPIC) -> Fields:
    sent: Fields = payload("sns", "subscription_confirmation")
    return sent | {"Type": name, "TopicArn": topic, "Timestamp": from_milliseconds(NOW)}


async def deliver(ingress: Ingress, delivery: Fields, path: str = "ses", *, signer: Signer | None = SIGNER) -> httpx.Response:
    """``signer`` None: as it is."""
    body = json.dumps(signed(delivery, signer) if signer else delivery).encode()
    headers = {"content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": delivery["Type"]}
    return await ingress.http.post(f"/webhooks/{path}", content=body, headers=headers)


def known(ingress: Ingress, message_id: str = MESSAGE_ID) -> Ingress:
    """There is a claim of that message id, as notification keeps one."""
    owner = {"notificationId": NOTIFICATION, "recipientId": RECIPIENT, "expiresAt": NOW // 1000 + 60}
    ingress.put("notification-notifications", f"MSG#{message_id}", {"id": f"MSG#{message_id}"} | owner)
    return ingress
