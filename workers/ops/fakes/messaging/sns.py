"""Topics that behave like those of SNS: subscribed over HTTP, confirmed by a token, every delivery signed once and repeated as it was."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Final
from uuid import UUID

from workers.ops.fakes.courier import Courier
from workers.ops.fakes.messaging.certificates import Signer

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"
HOST: Final = f"sns.{REGION}.amazonaws.com"
NOTIFIED: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMED: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")

Fields = dict[str, str]


def topic_arn(name: str) -> str:
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"


def signed(fields: Mapping[str, str], signer: Signer, version: str = "2") -> Fields:
    """With the signature over what SNS signs of them, and where its certificate is."""
    names = NOTIFIED if fields["Type"] == "Notification" else CONFIRMED
    text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
    return {
        **fields,
        "SignatureVersion": version,
        "Signature": base64.b64encode(signer.sign(text.encode(), version)).decode(),
        "SigningCertURL": f"https://{HOST}/{signer.file}",
    }


@dataclass(frozen=True, slots=True)
class Subscription:
    url: str
    token: str
    confirmed: bool = False


@dataclass
class SnsFake:
    """What is published to a topic whose subscription is not confirmed goes nowhere, as with SNS."""

    courier: Courier = field(default_factory=lambda: Courier(final=range(400, 429)))
    signer: Signer = field(default_factory=Signer.made)
    seed: int = 1
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311  # repeatable ids, no secret

    def subscribe(self, topic: str, url: str) -> None:
        """Asks the endpoint whether it wants it."""
        subscription = Subscription(url, f"{self._random.getrandbits(256):064x}")
        self.subscriptions[topic] = subscription
        self._deliver(url, self._about_subscription("SubscriptionConfirmation", topic, subscription))

    def confirm(self, topic: str, token: str) -> bool:
        """False for a token that was not made out for this topic. Again for the same changes nothing."""
        known = self.subscriptions.get(topic)
        if known is None or known.token != token:
            return False
        self.subscriptions[topic] = replace(known, confirmed=True)
        return True

    def unsubscribe(self, topic: str) -> None:
        """As anybody may who finds the link."""
        subscription = self.subscriptions.pop(topic)
        self._deliver(subscription.url, self._about_subscription("UnsubscribeConfirmation", topic, subscription))

    def publish(self, topic: str, message: str, subject: str | None = None) -> None:
        subscription = self.subscriptions.get(topic)
        if subscription and subscription.confirmed:
            given = {"Subject": subject} if subject is not None else {}
            self._deliver(subscription.url, self._made("Notification", topic, message) | given)

    def _about_subscription(self, kind: str, topic: str, subscription: Subscription) -> Fields:
        link = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={topic}&Token={subscription.token}"
        words = f"You have chosen to change the subscription of {topic}."
        return self._made(kind, topic, words) | {"Token": subscription.token, "SubscribeURL": link}

    def _made(self, kind: str, topic: str, message: str) -> Fields:
        at = self.now().astimezone(UTC)
        return {
            "Type": kind,
            "MessageId": str(UUID(int=self._random.getrandbits(128), version=4)),
            "TopicArn": topic,
            "Message": message,
            "Timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        }

    def _deliver(self, url: str, fields: Fields) -> None:
        delivery = signed(fields, self.signer)
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": fields["Type"]}
        # Signed once: repeats carry the first time and signature.
        self.courier.send(url, json.dumps(delivery).encode(), lambda _body: headers)
