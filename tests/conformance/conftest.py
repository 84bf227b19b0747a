"""What the exams of Log and Store run on: the versions in memory, a Kafka broker, DynamoDB Local."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.log_exam import KafkaBench, LogBench, MemoryBench
from tests.support.servers import REGION, apply_tables, dummy_credentials, shared_endpoints
from workers.adapters.dynamodb import DynamoStore
from workers.engine.memory import MemoryStore
from workers.engine.ports import Store
from workers.ops.stack import Endpoints


@pytest.fixture(scope="session")
def stack() -> Iterator[Endpoints]:
    with shared_endpoints() as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def tables(stack: Endpoints) -> Iterator[str]:
    """The environment's name under which every declared table exists."""
    assert stack.dynamodb is not None
    with dummy_credentials():
        yield apply_tables(stack.dynamodb)


@pytest.fixture(params=["memory", "kafka"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[LogBench]:
    made: LogBench = MemoryBench() if request.param == "memory" else KafkaBench(request.getfixturevalue("stack").kafka)
    yield made
    await made.close()


@pytest.fixture(params=["memory", "dynamodb"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else _dynamodb(request)
    yield made
    await made.close()


def _dynamodb(request: pytest.FixtureRequest) -> DynamoStore:
    environment: str = request.getfixturevalue("tables")
    endpoints: Endpoints = request.getfixturevalue("stack")
    return DynamoStore(environment, endpoint=endpoints.dynamodb, region=REGION)
