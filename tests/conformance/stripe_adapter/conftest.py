"""The fake on a clock that stands still, and the adapter that talks to it."""

from collections.abc import AsyncIterator

import pytest

from tests.conformance.stripe_adapter.steps import (
    SEALER,
    START,
)
from workers.adapters.stripe import StripePayments
from workers.ops.fakes.stripe import ManualClock, StripeFake


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def fake(clock: ManualClock) -> AsyncIterator[StripeFake]:
    async with StripeFake(clock=clock) as running:
        yield running


@pytest.fixture
async def port(fake: StripeFake) -> AsyncIterator[StripePayments]:
    async with StripePayments("sk_test_1", SEALER, api_base=fake.url) as ready:
        yield ready
