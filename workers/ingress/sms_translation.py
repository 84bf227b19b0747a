"""Delivery reports of SMS in the words of notification (domain.md 12). Pure.

SNS writes them to CloudWatch Logs and nowhere else; each record is forwarded as the message of a notification on a topic of ours.
https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html
"""

from datetime import UTC, datetime
from typing import Any, Final

import orjson

from workers.ingress.message_feedback import OTHER, Feedback, MessageKey, Provider, Said, Translation, mapping, nothing, text, words
from workers.ingress.sns_envelope import SnsMessage

KNOWN: Final = frozenset({"SUCCESS", "FAILURE"})


def parse_sms_log(delivery: SnsMessage) -> Feedback:
    """Never raises: what is no record of a known status becomes no command."""
    try:
        record = mapping(orjson.loads(delivery.message))
    except orjson.JSONDecodeError:
        record = {}
    notification, report = mapping(record.get("notification")), mapping(record.get("delivery"))
    status, message = text(record.get("status")), text(notification.get("messageId"))
    if status not in KNOWN or message is None:
        return nothing(Provider.SMS, delivery.id, delivery.at, status if status in KNOWN else OTHER)

    def said() -> Said:
        if status == "SUCCESS":
            return (Translation("RecordNotificationDelivered", {}),)
        return (Translation("RecordNotificationFailed", {"code": words(report.get("providerResponse"), 80) or "failed"}),)

    at = _milliseconds(notification.get("timestamp")) or delivery.at
    return Feedback(Provider.SMS, delivery.id, str(status), at, MessageKey(None, None, message), said)


def _milliseconds(value: Any) -> int | None:
    """Of ``2016-06-28 00:40:34.558``, which is UTC."""
    try:
        return int(datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None
