"""A client that outlives its broker: what it asks is answered again soon after the broker is back."""

import asyncio
import os
from pathlib import Path

import pytest

from contracts.topics import commands_topic
from tests.support.servers import apply_topics
from tests.support.waiting import eventually_async
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.ports import LogUnavailable
from workers.engine.record import Partition
from workers.ops.stack.local import LocalStack


@pytest.fixture
def stack_of_its_own(tmp_path: Path) -> LocalStack:
    stack = LocalStack(keep=tmp_path / "stack")
    obstacle = stack.why_not()
    if obstacle and not os.environ.get("CI"):
        pytest.skip(f"the real servers do not start here: {obstacle}")
    return stack


async def test_the_ends_of_partitions_are_known_after_a_crash_of_the_broker(stack_of_its_own: LocalStack) -> None:
    stack = stack_of_its_own
    partitions = [Partition(commands_topic("notification"), number) for number in range(8)]
    endpoints = await asyncio.to_thread(stack.start_sync)
    try:
        await asyncio.to_thread(apply_topics, endpoints.kafka)
        admin = KafkaAdmin(endpoints.kafka)
        before = await admin.ends(partitions)
        await asyncio.to_thread(stack.kafka.kill)
        await asyncio.to_thread(stack.kafka.start)
        said: list[str] = []

        async def answered() -> bool:
            try:
                return await admin.ends(partitions) == before
            except LogUnavailable as error:
                said[:] = [str(error)]
                return False

        await eventually_async(answered, 60.0, lambda: said)
    finally:
        await asyncio.to_thread(stack.stop_sync)
