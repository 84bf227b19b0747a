"""All routes of the fake. A new kind of object (refunds, disputes, reversals) is one file with ROUTES, named here."""

from workers.ops.fakes.stripe import accounts, balance, charges, events, external_accounts, payment_intents, payouts, transfers
from workers.ops.fakes.stripe.routing import Router

ROUTER = Router(
    [
        *accounts.ROUTES,
        *balance.ROUTES,
        *charges.ROUTES,
        *events.ROUTES,
        *external_accounts.ROUTES,
        *payment_intents.ROUTES,
        *payouts.ROUTES,
        *transfers.ROUTES,
    ]
)
