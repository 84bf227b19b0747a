"""What SES and SNS say of a message, in the forms they say it in. Pure.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

Json = dict[str, Any]

SIMULATOR: Final = "simulator.amazonses.com"
UNREACHABLE_NUMBER: Final = "+14254147167"
"""One of the numbers with which AWS lets people try a failure."""


class Happening(StrEnum):
    """What may become of a mail. HARD_BOUNCE is permanent, SOFT_BOUNCE transient, SUPPRESSED a permanent one without any try."""

    SEND = "send"
    DELIVERY = "delivery"
    DELAY = "delay"
    HARD_BOUNCE = "bounce"
    SOFT_BOUNCE = "softbounce"
    SUPPRESSED = "suppressionlist"
    COMPLAINT = "complaint"
    REJECT = "reject"
    RENDERING_FAILURE = "rendering"
    OPEN = "open"


_FATES: Final[Mapping[str, tuple[Happening, ...]]] = {
    "bounce": (Happening.SEND, Happening.HARD_BOUNCE),
    "softbounce": (Happening.SEND, Happening.SOFT_BOUNCE),
    "suppressionlist": (Happening.SEND, Happening.SUPPRESSED),
    "complaint": (Happening.SEND, Happening.DELIVERY, Happening.COMPLAINT),
    "latebounce": (Happening.SEND, Happening.DELIVERY, Happening.HARD_BOUNCE),
    "delay": (Happening.SEND, Happening.DELAY, Happening.DELIVERY),
    "reject": (Happening.SEND, Happening.REJECT),
    "rendering": (Happening.RENDERING_FAILURE,),
}
"""By the name before ``@simulator.amazonses.com``, which may have a ``+label``; bounce, complaint and suppressionlist are Amazon's own."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One that was taken. ``at``: when, as SES writes it."""

    message_id: str
    source: str
    to: Sequence[str] = field(repr=False)
    subject: str = field(repr=False)
    tags: Mapping[str, str]
    at: str
    configuration_set: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """An SMS that was taken."""

    message_id: str
    to: str = field(repr=False)
    at: str


def fate(address: str) -> Sequence[Happening]:
    """What becomes of a mail to it by itself, in order."""
    name, _, domain = address.lower().rpartition("@")
    found = _FATES.get(name.partition("+")[0]) if domain == SIMULATOR else None
    return found or (Happening.SEND, Happening.DELIVERY)


def event(mail: Mail, happening: Happening, at: str) -> Json:
    """Of a configuration set: our tags come back."""
    kind, part, details = _told(mail, happening, at)
    tags = {name: [value] for name, value in mail.tags.items()} | {"ses:configuration-set": [mail.configuration_set or "none"]}
    return {"eventType": kind, "mail": _mail(mail) | {"tags": tags}, part: details}


def notification(mail: Mail, happening: Happening, at: str) -> Json | None:
    """Of an identity: no tags, and of three kinds only."""
    kind, part, details = _told(mail, happening, at)
    return {"notificationType": kind, "mail": _mail(mail), part: details} if kind in ("Bounce", "Complaint", "Delivery") else None


def log_record(text: Text, *, delivered: bool) -> Json:
    """Of SNS's delivery log; ``at`` of the text is how that writes it."""
    words = "Message has been accepted by phone carrier" if delivered else "Phone is currently unreachable/unavailable"
    report = {"destination": text.to, "smsType": "Transactional", "numberOfMessageParts": 1, "priceInUSD": 0.00645, "dwellTimeMs": 599}
    return {
        "notification": {"messageId": text.message_id, "timestamp": text.at},
        "delivery": report | {"providerResponse": words},
        "status": "SUCCESS" if delivered else "FAILURE",
    }


def _told(mail: Mail, happening: Happening, at: str) -> tuple[str, str, Json]:
    """The kind, the name of its own part, and that part."""
    everybody, timed = [{"emailAddress": address} for address in mail.to], {"timestamp": at}
    match happening:
        case Happening.SEND:
            return "Send", "send", {}
        case Happening.DELIVERY:
            return "Delivery", "delivery", {**timed, "recipients": list(mail.to), "smtpResponse": "250 2.6.0 Message received"}
        case Happening.DELAY:
            return "DeliveryDelay", "deliveryDelay", {**timed, "delayType": "MailboxFull", "delayedRecipients": everybody}
        case Happening.COMPLAINT:
            return "Complaint", "complaint", {**timed, "complainedRecipients": everybody, "complaintFeedbackType": "abuse"}
        case Happening.REJECT:
            return "Reject", "reject", {"reason": "Bad content"}
        case Happening.RENDERING_FAILURE:
            return "Rendering Failure", "failure", {"errorMessage": "Attribute 'x' is not present.", "templateName": "x"}
        case Happening.OPEN:
            return "Open", "open", {**timed, "ipAddress": "192.0.2.1", "userAgent": "Mozilla/5.0"}
    return "Bounce", "bounce", _bounce(mail, happening) | timed


def _bounce(mail: Mail, happening: Happening) -> Json:
    kind, sub_type, code, words = {
        Happening.HARD_BOUNCE: ("Permanent", "General", "5.1.1", "user unknown"),
        Happening.SOFT_BOUNCE: ("Transient", "MailboxFull", "4.2.2", "mailbox full"),
        Happening.SUPPRESSED: ("Permanent", "OnAccountSuppressionList", "5.1.1", "on the suppression list"),
    }[happening]
    failed = [
        {"emailAddress": address, "action": "failed", "status": code, "diagnosticCode": f"smtp; 550 {code} <{address}>... {words}"}
        for address in mail.to
    ]
    return {"bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": failed, "feedbackId": f"{mail.message_id}-feedback"}


def _mail(mail: Mail) -> Json:
    return {
        "timestamp": mail.at,
        "messageId": mail.message_id,
        "source": mail.source,
        "destination": list(mail.to),
        "headersTruncated": False,
        "commonHeaders": {"from": [mail.source], "to": list(mail.to), "subject": mail.subject},
    }
