"""Totals of what people were told: every message of section 13 once, sent, and delivered where it leaves the system."""

from collections import Counter
from collections.abc import Iterator

from contracts.notification.events import NotificationDelivered, NotificationPlanned, NotificationSent, NotificationStored
from workers.ops.demo import expected
from workers.ops.demo.evidence import Check, Evidence
from workers.ops.demo.observer import Observer

MESSAGE_TABLES = ("notification-notifications",)


def messages(evidence: Evidence) -> Iterator[Check]:
    yield from _planned(evidence)
    yield from _ended(evidence)
    yield from _provider(evidence)


def _planned(evidence: Evidence) -> Iterator[Check]:
    wanted, planned = expected.messages(evidence.cast, evidence.invited), Counter(_plans(evidence.log))
    yield Check("messages planned", wanted.total(), planned.total())
    yield Check("messages planned beyond the matrix, or twice", [], sorted((planned - wanted).elements()))
    yield Check("messages not planned", [], sorted((wanted - planned).elements()))


def _plans(log: Observer) -> Iterator[expected.Message]:
    """Every plan, with the event that it was made for."""
    for seen in log.events.values():
        if isinstance(seen.data, NotificationPlanned):
            command = log.commands.get(seen.envelope.causation_id)
            source = log.events.get(command.envelope.causation_id) if command else None
            yield source.name if source else "?", seen.data.recipient_id, seen.data.channel.value, seen.data.template


def _ended(evidence: Evidence) -> Iterator[Check]:
    left, total = expected.sent("email") + expected.sent("sms"), expected.messages(evidence.cast, evidence.invited).total()
    ended = [data.notification_id for data in evidence.log.all(NotificationSent)]
    ended += [data.notification_id for data in evidence.log.all(NotificationStored)]
    yield Check("messages sent or stored, once each", total, len(ended) if len(set(ended)) == len(ended) else sorted(ended))
    yield Check("messages delivered", left, len({data.notification_id for data in evidence.log.all(NotificationDelivered)}))
    statuses = Counter(row["status"] for row in evidence.rows["notification-notifications"] if "sourceEventId" in row)
    yield Check("rows of messages", {"delivered": left, "stored": total - left}, dict(sorted(statuses.items())))


def _provider(evidence: Evidence) -> Iterator[Check]:
    mails, told = expected.sent("email"), evidence.messaging
    yield Check("mails the provider took", mails, evidence.mails)
    yield Check("mails and sms it says something of", (mails, expected.sent("sms")), (len(told["mails"]), len(told["sms"])))
    yield Check("topics of feedback that nobody confirmed", [], [topic for topic, confirmed in told["topics"].items() if not confirmed])
    yield Check("feedback still owed", 0, told["owed"])
