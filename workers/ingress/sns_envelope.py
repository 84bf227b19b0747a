"""Deliveries of SNS over HTTP: JSON, though they call themselves text/plain. Pure.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from workers.adapters.sns_signing import Topic
from workers.ingress.problems import Problem

_CERTIFICATE: Final = re.compile(r"[A-Za-z0-9_-]{1,200}\.pem")
_NOTIFIED: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMED: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class SnsType(StrEnum):
    NOTIFICATION = "Notification"
    SUBSCRIPTION = "SubscriptionConfirmation"
    UNSUBSCRIPTION = "UnsubscribeConfirmation"


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """``fields``: what was sent, as text. Nothing in it is genuine before its signature was checked.

    ``at``: milliseconds, when SNS first tried; repeats keep it, and ``id`` too.
    """

    type: SnsType
    topic: Topic
    at: int
    fields: Mapping[str, str] = field(repr=False)

    @property
    def id(self) -> str:
        return self.fields["MessageId"]

    @property
    def message(self) -> str:
        return self.fields["Message"]

    def signed_text(self) -> bytes:
        """What the signature covers: names and values, a line each."""
        names = _NOTIFIED if self.type is SnsType.NOTIFICATION else _CONFIRMED
        return "".join(f"{name}\n{self.fields[name]}\n" for name in names if name in self.fields).encode()


def parse_sns(value: Any) -> SnsMessage:
    """Raises Problem ``not_an_event`` or ``event_incomplete``. The header that repeats the type is not signed and not looked at."""
    fields = {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
    if fields.get("Type") not in set(SnsType):
        raise Problem("not_an_event", "The body is no delivery of SNS.", field="Type")
    kind = SnsType(fields["Type"])
    required = (*(_NOTIFIED if kind is SnsType.NOTIFICATION else _CONFIRMED), "SigningCertURL", "SignatureVersion", "Signature")
    for name in required:
        if not fields.get(name) and name != "Subject":
            raise Problem("event_incomplete", f"The delivery has no {name}.", field=name)
    topic, at = Topic.parse(fields["TopicArn"]), _milliseconds(fields["Timestamp"])
    if topic is None or at is None:
        raise Problem("event_incomplete", "The delivery names no topic or no time.", field="Timestamp" if topic else "TopicArn")
    return SnsMessage(kind, topic, at, fields)


def certificate_name(message: SnsMessage) -> str:
    """The file of the signing certificate at SNS in the topic's own region. Raises Problem ``certificate_refused``.

    A pattern of hosts would not do: ``sns.s3.amazonaws.com`` is somebody's bucket. Compared as text: what nobody takes apart, nobody takes
    apart in another way.
    """
    name = message.fields["SigningCertURL"].removeprefix(f"https://{message.topic.host}/")
    if not _CERTIFICATE.fullmatch(name):
        raise Problem("certificate_refused", "The signing certificate is not one of SNS in the topic's region.", field="SigningCertURL")
    return name


def require_own_link(message: SnsMessage) -> None:
    """The link of a confirmation leads to SNS. Raises Problem ``link_refused``; nobody follows it either way."""
    if not message.fields["SubscribeURL"].startswith(f"https://{message.topic.host}/?"):
        raise Problem("link_refused", "The link of the confirmation does not lead to SNS.", field="SubscribeURL")


def _milliseconds(text: str) -> int | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    # One without a zone is none that SNS writes.
    return int(found.astimezone(UTC).timestamp() * 1000) if found.tzinfo else None
