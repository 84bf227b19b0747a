"""Topics as data: who writes, who reads, how long records are kept. An events topic has its commands topic's partition count."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from contracts.catalogue import MAXIMUM_RECORD, SERVICES

FOR_GOOD = -1


@dataclass(frozen=True, slots=True)
class Topic:
    """``retention`` in milliseconds; commands and events are kept for good: they are the audit trail and what a rebuild runs on."""

    name: str
    owner: str
    partitions: int = 8
    retention: int = FOR_GOOD
    maximum_message: int = MAXIMUM_RECORD

    @property
    def settings(self) -> Mapping[str, str]:
        return MappingProxyType(
            {
                "message.timestamp.type": "LogAppendTime",
                "retention.ms": str(self.retention),
                "max.message.bytes": str(self.maximum_message),
                "cleanup.policy": "delete",
            }
        )


def commands_topic(service: str) -> str:
    return f"mindlinks.{service}.commands"


def events_topic(service: str) -> str:
    return f"mindlinks.{service}.events"


def _declared() -> Mapping[str, Topic]:
    topics = [Topic(name(service), service) for service in SERVICES for name in (commands_topic, events_topic)]
    return MappingProxyType({topic.name: topic for topic in topics})


TOPICS: Mapping[str, Topic] = _declared()


def service_of(topic: str) -> str:
    return TOPICS[topic].owner
