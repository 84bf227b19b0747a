"""A provider that behaves like Stripe: payments, refunds, disputes, Connect accounts, transfers, reversals, payouts, signed webhooks.

async with StripeFake(FakeSettings(webhook_url=..., connect_url=...)) as fake:
    client = stripe.StripeClient("sk_test_1", base_addresses={"api": fake.url}, http_client=stripe.HTTPXClient())
    intent = await client.v1.payment_intents.create_async({...}, {"idempotency_key": "..."})
    fake.controls.confirm(intent.id)
    await fake.deliver_all()
"""

from workers.ops.fakes.stripe.clock import Clock, ManualClock, MovableClock, SystemClock
from workers.ops.fakes.stripe.deliveries import Attempt, Endpoint
from workers.ops.fakes.stripe.faults import Fault
from workers.ops.fakes.stripe.payer import NotPossible
from workers.ops.fakes.stripe.policy import DeliveryFaults
from workers.ops.fakes.stripe.server import StripeFake
from workers.ops.fakes.stripe.settings import CONNECT_SECRET, SECRET, FakeSettings
from workers.ops.fakes.stripe.state import Terms

__all__ = [
    "CONNECT_SECRET",
    "SECRET",
    "Attempt",
    "Clock",
    "DeliveryFaults",
    "Endpoint",
    "FakeSettings",
    "Fault",
    "ManualClock",
    "MovableClock",
    "NotPossible",
    "StripeFake",
    "SystemClock",
    "Terms",
]
