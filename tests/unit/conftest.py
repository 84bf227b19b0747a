"""What unit tests of adapters to AWS share."""

from collections.abc import Iterator

import pytest

from tests.support.moto import running_moto
from tests.support.servers import dummy_credentials


@pytest.fixture
def aws_credentials() -> Iterator[None]:
    """Nobody checks them, but a request needs some."""
    with dummy_credentials():
        yield


@pytest.fixture
def moto() -> Iterator[str]:
    with running_moto() as url:
        yield url
