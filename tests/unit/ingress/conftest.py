from collections.abc import AsyncIterator

import pytest

from tests.unit.ingress.doubles import Ingress


@pytest.fixture
async def ingress() -> AsyncIterator[Ingress]:
    made = Ingress()
    async with made.http:
        yield made
