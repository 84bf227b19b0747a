"""Tables and topics as declared: brought into being, and compared with what is there. Nothing is ever dropped."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aioboto3

from contracts.topics import TOPICS
from schemas.registry import TABLES
from workers.adapters import dynamodb_tables
from workers.adapters.dynamodb_tables import Progress
from workers.adapters.kafka_admin import KafkaAdmin, TopicDifference
from workers.settings import Settings


@asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[Any]:
    async with aioboto3.Session().client("dynamodb", endpoint_url=settings.dynamodb, region_name=settings.region) as client:
        yield client


async def apply_tables(settings: Settings, on_progress: Callable[[Progress], None]) -> None:
    async with _client(settings) as client:
        await dynamodb_tables.apply(client, settings.environment, TABLES.values(), on_progress)


async def diff_tables(settings: Settings) -> list[Any]:
    async with _client(settings) as client:
        return list(await dynamodb_tables.diff(client, settings.environment, TABLES.values()))


async def apply_topics(settings: Settings, replication: int, on_progress: Callable[[str], None]) -> None:
    await KafkaAdmin(settings.kafka).apply(list(TOPICS.values()), replication, on_progress)


async def diff_topics(settings: Settings) -> list[TopicDifference]:
    return await KafkaAdmin(settings.kafka).diff(list(TOPICS.values()))
