"""Calls per second that providers take, as one process keeps to them: several processes divide them, or leave the rest to 429."""

from collections.abc import Mapping
from typing import Final

from workers.engine.rate_limit import RateLimit

STRIPE_LIVE: Final = RateLimit(per_second=100, burst=10)
"""Requests of one account in live mode (docs.stripe.com/rate-limits)."""
STRIPE_TEST: Final = RateLimit(per_second=25, burst=5)
_LIVE_KEYS: Final = ("sk_live_", "rk_live_")


def provider_limits(stripe_api_key: str, mail_per_second: float, sms_per_second: float = 20) -> Mapping[str, RateLimit]:
    """By provider name. ``mail_per_second``: SES gives every account a rate of its own; a sandbox has 1. SMS: SNS gives 20 to begin with.
    What is not named (documents, rendering) is limited by the calls at once alone."""
    return {"stripe": stripe_limit(stripe_api_key), "ses": RateLimit(mail_per_second), "sms": RateLimit(sms_per_second)}


def stripe_limit(api_key: str) -> RateLimit:
    return STRIPE_LIVE if api_key.startswith(_LIVE_KEYS) else STRIPE_TEST
