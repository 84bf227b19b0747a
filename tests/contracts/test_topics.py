"""Topics as data: each is owned, and events lie beside their commands, partition by partition."""

import pytest

from contracts.catalogue import BUILT, MAXIMUM_RECORD, SERVICES, command_models, event_models
from contracts.topics import FOR_GOOD, TOPICS, Topic, commands_topic, events_topic, service_of


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS.keys())
def test_every_topic_is_owned_by_a_service(topic: Topic) -> None:
    assert topic.owner in SERVICES
    assert topic.name in (commands_topic(topic.owner), events_topic(topic.owner))
    assert service_of(topic.name) == topic.owner


def test_every_service_has_its_two_topics() -> None:
    assert set(TOPICS) == {name(service) for service in SERVICES for name in (commands_topic, events_topic)}


@pytest.mark.parametrize("service", SERVICES)
def test_events_have_the_partition_count_of_their_commands(service: str) -> None:
    assert TOPICS[commands_topic(service)].partitions == TOPICS[events_topic(service)].partitions


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS.keys())
def test_records_are_kept_for_good_under_their_append_time(topic: Topic) -> None:
    assert topic.retention == FOR_GOOD
    assert topic.settings["message.timestamp.type"] == "LogAppendTime"
    assert topic.settings["cleanup.policy"] == "delete"
    assert int(topic.settings["max.message.bytes"]) >= MAXIMUM_RECORD


@pytest.mark.parametrize("service", BUILT)
def test_kinds_belong_to_a_service_that_has_topics(service: str) -> None:
    models = [*command_models(service), *event_models(service)]
    assert service in SERVICES
    assert {model.service for model in models} <= {service}
