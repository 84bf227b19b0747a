"""All routes of the fake. A new kind of object is one file with ROUTES, named here."""

from workers.ops.fakes.stripe import (
    accounts,
    balance,
    charges,
    disputes,
    events,
    external_accounts,
    payment_intents,
    payouts,
    refunds,
    reversals,
    transfers,
)
from workers.ops.fakes.stripe.routing import Router

ROUTER = Router(
    [
        *accounts.ROUTES,
        *balance.ROUTES,
        *charges.ROUTES,
        *disputes.ROUTES,
        *events.ROUTES,
        *external_accounts.ROUTES,
        *payment_intents.ROUTES,
        *payouts.ROUTES,
        *refunds.ROUTES,
        *reversals.ROUTES,
        *transfers.ROUTES,
    ]
)
