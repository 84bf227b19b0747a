"""What was handed to SES and SNS, and what they then say of it on our topics."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from workers.ops.fakes.messaging.feedback import UNREACHABLE_NUMBER, Happening, Mail, Text, event, fate, log_record, notification
from workers.ops.fakes.messaging.sns import SnsFake, topic_arn

SES_TOPIC: Final = topic_arn("mindlinks-ses-events")
SMS_TOPIC: Final = topic_arn("mindlinks-sms-log")


@dataclass
class Messages:
    """``automatic``: of whatever is taken, what becomes of it by itself is told at once; else it is told when somebody says so.
    ``identity``: the identity's own notifications are on as well, so everything is told twice, in both forms."""

    sns: SnsFake = field(default_factory=SnsFake)
    automatic: bool = False
    identity: bool = False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    mails: list[Mail] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def listen(self, ingress: str) -> None:
        """``ingress``: its address, without a path. Nothing is told before it has confirmed."""
        hooks = f"{ingress.rstrip('/')}/webhooks"
        self.sns.subscribe(SES_TOPIC, f"{hooks}/ses")
        self.sns.subscribe(SMS_TOPIC, f"{hooks}/sms")

    def mailed(
        self, message_id: str, source: str, to: list[str], subject: str, tags: Mapping[str, str], configuration_set: str | None
    ) -> None:
        mail = Mail(message_id, source, tuple(to), subject, dict(tags), self._instant(), configuration_set)
        self.mails.append(mail)
        if self.automatic:
            for happening in dict.fromkeys(each for address in to for each in fate(address)):
                self.happen(mail, happening)

    def texted(self, message_id: str, to: str) -> None:
        text = Text(message_id, to, f"{self.now().astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3])
        self.texts.append(text)
        if self.automatic:
            self.report(text, delivered=to != UNREACHABLE_NUMBER)

    def mail_to(self, address: str) -> Mail | None:
        """The last one."""
        return next((mail for mail in reversed(self.mails) if address in mail.to), None)

    def text_to(self, number: str) -> Text | None:
        return next((text for text in reversed(self.texts) if text.to == number), None)

    def happen(self, mail: Mail, happening: Happening) -> None:
        at = self._instant()
        by_identity = notification(mail, happening, at) if self.identity else None
        if mail.configuration_set:
            self.sns.publish(SES_TOPIC, json.dumps(event(mail, happening, at)), "Amazon SES Email Event Notification")
        if by_identity:
            self.sns.publish(SES_TOPIC, json.dumps(by_identity))

    def report(self, text: Text, *, delivered: bool) -> None:
        self.sns.publish(SMS_TOPIC, json.dumps(log_record(text, delivered=delivered)))

    def _instant(self) -> str:
        at = self.now().astimezone(UTC)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
