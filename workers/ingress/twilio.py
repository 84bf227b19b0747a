"""Status callbacks of Twilio, for SMS that went out by it: a form, signed over the address it was posted to. Pure.

https://www.twilio.com/docs/usage/security#validating-requests
"""

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha1
from typing import Final
from urllib.parse import parse_qsl

from workers.ingress.message_feedback import OTHER, Feedback, Json, MessageKey, Provider, Said, Translation, nothing, words
from workers.ingress.problems import Problem

CONTENT_TYPE: Final = "application/x-www-form-urlencoded"
SIGNATURE: Final = "X-Twilio-Signature"
MAXIMUM_FIELDS: Final = 100
FAILED: Final = frozenset({"undelivered", "failed"})
NOT_FINAL: Final = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "receiving", "received", "read", "canceled"})


def parse_form(body: bytes) -> Sequence[tuple[str, str]]:
    """Raises Problem ``not_an_event``."""
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=MAXIMUM_FIELDS, errors="strict")
    except ValueError:
        raise Problem("not_an_event", "The body is no form of Twilio's.") from None


def verify_twilio(form: Sequence[tuple[str, str]], header: str | None, tokens: Sequence[str], address: str) -> None:
    """``address``: the whole one that Twilio posts to, which a proxy hides. Nothing tells the delivery's age. Raises Problem."""
    if not header:
        raise Problem("signature_missing", f"The {SIGNATURE} header is missing.")
    signed = address + "".join(name + value for name, value in sorted(set(form)))
    # Every token is tried, so the time taken does not tell which one is in use.
    matches = [hmac.compare_digest(_digest(signed, token), header.encode(errors="replace")) for token in tokens if token]
    if not any(matches):
        raise Problem("signature_mismatch", f"The {SIGNATURE} header was not made with a token of this endpoint.")


def parse_twilio(form: Sequence[tuple[str, str]]) -> Feedback:
    """Raises Problem ``event_incomplete``."""
    fields = dict(form)
    message, status = fields.get("MessageSid") or fields.get("SmsSid"), fields.get("MessageStatus") or fields.get("SmsStatus")
    if not message or not status:
        raise Problem("event_incomplete", "The callback names no message or no status.", field="MessageStatus" if message else "MessageSid")
    delivery = f"{message}:{status}"
    if status != "delivered" and status not in FAILED:
        return nothing(Provider.TWILIO, delivery, None, status if status in NOT_FINAL else OTHER)
    return Feedback(Provider.TWILIO, delivery, status, None, MessageKey(None, None, message), lambda: _said(status, fields))


def _said(status: str, fields: Json) -> Said:
    if status == "delivered":
        return (Translation("RecordNotificationDelivered", {}),)
    return (Translation("RecordNotificationFailed", {"code": words(fields.get("ErrorCode"), 80) or status}),)


def _digest(signed: str, token: str) -> bytes:
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), sha1).digest())
