"""Fixtures of the Stripe fake's suite: a fake on a clock that stands still, an SDK client, an inbox for webhooks."""

from collections.abc import AsyncIterator

import pytest
import stripe

from tests.support.stripe_fake import START, Inbox, calling, serving
from workers.ops.fakes.stripe import FakeSettings, ManualClock, StripeFake


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with serving(Inbox()) as ready:
        yield ready


@pytest.fixture
async def fake(clock: ManualClock, inbox: Inbox) -> AsyncIterator[StripeFake]:
    settings = FakeSettings(webhook_url=f"{inbox.url}/stripe", connect_url=f"{inbox.url}/stripe-connect")
    async with StripeFake(settings, clock=clock) as running:
        yield running


@pytest.fixture
async def client(fake: StripeFake) -> AsyncIterator[stripe.StripeClient]:
    async with calling(fake.url) as ready:
        yield ready
