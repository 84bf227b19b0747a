"""The servers of compose.yaml through testcontainers, where a Docker engine answers: the same clients against the images."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from testcontainers.compose import DockerCompose

from contracts.topics import commands_topic
from tests.support import toy
from tests.support.servers import REGION, apply_tables, apply_topics, dummy_credentials
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.kafka import KafkaLog
from workers.ops.stack.docker import DockerStack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def composed() -> Iterator[DockerCompose]:
    if obstacle := DockerStack().why_not():
        pytest.skip(f"no Docker engine to run the images on: {obstacle.happened}")
    with DockerCompose(ROOT, compose_file_name="compose.yaml", services=["kafka", "dynamodb", "moto"]) as compose:
        yield compose


def test_a_record_and_a_row_on_the_images(composed: DockerCompose) -> None:
    kafka = f"127.0.0.1:{composed.get_service_port('kafka', 9092)}"
    dynamodb = f"http://127.0.0.1:{composed.get_service_port('dynamodb', 8000)}"
    with dummy_credentials():
        environment = apply_tables(dynamodb)
        apply_topics(kafka)
        asyncio.run(_both_answer(kafka, dynamodb, environment))


async def _both_answer(kafka: str, dynamodb: str, environment: str) -> None:
    log, store = KafkaLog(kafka), DynamoStore(environment, endpoint=dynamodb, region=REGION)
    await log.append_keyed(commands_topic("notification"), [toy.command_record(toy.tally_of("a key"))])
    assert await store.get([toy.root_ref("a key")]) == {}
    await log.close()
    await store.close()
