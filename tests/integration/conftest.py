"""The real servers, one set for the whole session."""

from collections.abc import Iterator

import pytest

from tests.support.servers import apply_tables, apply_topics, dummy_credentials, shared_endpoints
from workers.ops.stack import Endpoints


@pytest.fixture(scope="session")
def stack() -> Iterator[Endpoints]:
    with shared_endpoints() as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def dynamodb_endpoint(stack: Endpoints) -> str:
    assert stack.dynamodb is not None
    return stack.dynamodb


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Endpoints) -> str:
    return stack.kafka


@pytest.fixture(scope="session")
def credentials() -> Iterator[None]:
    with dummy_credentials():
        yield


@pytest.fixture(scope="session")
def tables(dynamodb_endpoint: str, credentials: None) -> str:
    """The environment's name under which every declared table exists."""
    return apply_tables(dynamodb_endpoint)


@pytest.fixture(scope="session")
def topics(kafka_bootstrap: str) -> str:
    """The bootstrap address of a broker that has every topic of the catalogue."""
    apply_topics(kafka_bootstrap)
    return kafka_bootstrap
