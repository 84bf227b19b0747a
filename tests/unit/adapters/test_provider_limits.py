"""Limits belong to providers that effects name, and follow the mode of the key."""

import pytest

from workers.adapters.provider_limits import STRIPE_LIVE, STRIPE_TEST, provider_limits
from workers.engine.rate_limit import RateLimit
from workers.main import SERVICES


@pytest.mark.parametrize(
    ("key", "limit"), [("sk_live_1", STRIPE_LIVE), ("rk_live_1", STRIPE_LIVE), ("sk_test_1", STRIPE_TEST), ("", STRIPE_TEST)]
)
def test_a_live_key_has_the_live_limit(key: str, limit: RateLimit) -> None:
    assert provider_limits(key, 1, 1)["stripe"] == limit


def test_mail_goes_at_the_accounts_rate_and_never_two_at_once() -> None:
    assert provider_limits("", 14, 1)["ses"] == RateLimit(per_second=14, burst=1)


def test_sms_go_at_a_rate_of_their_own() -> None:
    assert provider_limits("", 14, 20)["sms"] == RateLimit(per_second=20, burst=1)


def test_every_limited_provider_is_one_that_effects_call() -> None:
    assert set(provider_limits("", 1, 1)) <= {effect.provider for service in SERVICES for effect in service.effects}
