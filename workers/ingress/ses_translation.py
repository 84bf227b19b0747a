"""SES's events in the words of notification (domain.md 12). Pure. Only the fields named here are looked at.

Two formats: events of a configuration set (``eventType``) bring our tags back, notifications of an identity (``notificationType``) do not.
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import orjson

from workers.ingress.message_feedback import (
    OTHER,
    Feedback,
    Json,
    MessageKey,
    Provider,
    Said,
    Translation,
    Untranslated,
    mapping,
    nothing,
    own_id,
    text,
    words,
)
from workers.ingress.problems import Problem
from workers.ingress.sns_envelope import SnsMessage

AddressHash: TypeAlias = Callable[[str], str]
"""Raises ValueError for what is none."""
Translator: TypeAlias = Callable[[Json, Json, AddressHash], tuple[Translation, ...]]

_ADDRESS: Final = re.compile(r"[^\s@<>\"'(),;:=\[\]{}]+@[\w.-]+")
_LONGEST_WORDS: Final = 300


def parse_ses(delivery: SnsMessage, environment: str, address_hash: AddressHash) -> Feedback:
    """Never raises: what is no event of a known kind becomes no command. SES says hello in plain text when a topic is named to it."""
    try:
        event = mapping(orjson.loads(delivery.message))
    except orjson.JSONDecodeError:
        event = {}
    kind = text(event.get("eventType")) or text(event.get("notificationType"))
    if kind is None or kind not in TRANSLATORS:
        return nothing(Provider.SES, delivery.id, delivery.at, kind if kind in IGNORED else OTHER)
    mail = mapping(event.get("mail"))
    # An identity's notification never had tags; what stands under that name there is not ours to believe.
    tags = _tags(mail.get("tags")) if "eventType" in event else {}
    key = MessageKey(own_id(tags.get("notificationId")), own_id(tags.get("recipientId")), text(mail.get("messageId")) or "")

    def said() -> Said:
        if tags.get("environment") not in (None, environment):
            return Untranslated("dropped")
        return TRANSLATORS[kind](event, {**mail, "tags": tags}, address_hash)

    return Feedback(Provider.SES, delivery.id, kind, delivery.at, key, said)


def _tags(value: Any) -> dict[str, str]:
    """Each has a list of values; of ours it holds one."""
    given = mapping(value).items()
    return {name: values[0] for name, values in given if isinstance(values, list) and values and isinstance(values[0], str)}


# --- one for each kind ---------------------------------------------------------------------------------------------


def _sent(_event: Json, mail: Json, _hash: AddressHash) -> tuple[Translation, ...]:
    return (Translation("RecordNotificationSent", {"attempt": _attempt(mail), "providerMessageId": text(mail.get("messageId"))}),)


def _delivered(_event: Json, _mail: Json, _hash: AddressHash) -> tuple[Translation, ...]:
    return (Translation("RecordNotificationDelivered", {}),)


def _delayed(_event: Json, _mail: Json, _hash: AddressHash) -> tuple[Translation, ...]:
    return (Translation("RecordNotificationDelayed", {}),)


def _bounced(event: Json, _mail: Json, address_hash: AddressHash) -> tuple[Translation, ...]:
    bounce = mapping(event.get("bounce"))
    kind = {"permanent": bounce.get("bounceType") == "Permanent", "subType": words(bounce.get("bounceSubType"), 80) or "Undetermined"}
    affected = _affected(bounce.get("bouncedRecipients"), address_hash)
    return tuple(
        Translation("RecordNotificationBounced", {**kind, "addressHash": hashed, **_diagnostic(recipient)}, repeat)
        for repeat, (hashed, recipient) in enumerate(affected.items(), start=1)
    )


def _complained(event: Json, _mail: Json, address_hash: AddressHash) -> tuple[Translation, ...]:
    complaint = mapping(event.get("complaint"))
    kind = words(complaint.get("complaintFeedbackType"), 80) or words(complaint.get("complaintSubType"), 80)
    affected = _affected(complaint.get("complainedRecipients"), address_hash)
    return tuple(
        Translation("RecordNotificationComplained", {"addressHash": hashed} | ({"kind": kind} if kind else {}), repeat)
        for repeat, hashed in enumerate(affected, start=1)
    )


def _failed(code: str) -> Translator:
    def translate(_event: Json, mail: Json, _hash: AddressHash) -> tuple[Translation, ...]:
        attempt = _attempt(mail)
        return (Translation("RecordNotificationFailed", {"code": code} | ({"attempt": attempt} if attempt else {})),)

    return translate


# --- their parts ---------------------------------------------------------------------------------------------------


def _attempt(mail: Json) -> int | None:
    tag = mapping(mail.get("tags")).get("attempt", "")
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 4 else None


def _affected(value: Any, address_hash: AddressHash) -> Mapping[str, Json]:
    """By the hash of the address, in the order given. Raises Problem ``invalid_payload``."""
    found: dict[str, Json] = {}
    for recipient in value if isinstance(value, list) else []:
        try:
            found.setdefault(address_hash(_bare(mapping(recipient).get("emailAddress"))), mapping(recipient))
        except ValueError:
            # Not the cause: its text may quote the address.
            raise Problem("invalid_payload", "emailAddress: is not an address.", field="emailAddress") from None
    if not found:
        raise Problem("invalid_payload", "The event names no recipient.", field="emailAddress")
    return found


def _bare(value: Any) -> str:
    """Without the name before it: ``Jane Doe <jane@example.com>``."""
    given = text(value) or ""
    return given[given.rfind("<") + 1 : -1] if given.endswith(">") and "<" in given else given


def _diagnostic(recipient: Json) -> Json:
    """Without addresses: the log keeps commands for good."""
    said = words(_ADDRESS.sub("(address)", str(recipient.get("diagnosticCode") or "")), _LONGEST_WORDS)
    return {"diagnostic": said} if said else {}


TRANSLATORS: Final[Mapping[str, Translator]] = {
    "Send": _sent,
    "Delivery": _delivered,
    "DeliveryDelay": _delayed,
    "Bounce": _bounced,
    "Complaint": _complained,
    "Reject": _failed("rejected"),
    "Rendering Failure": _failed("rendering_failure"),
}
IGNORED: Final = frozenset({"Open", "Click", "Subscription", "AmazonSnsSubscriptionSucceeded"})
"""No tracking; unsubscribing is a link of our own. The last: an identity's first word to a topic."""
