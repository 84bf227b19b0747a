"""The `Stripe-Signature` header: https://docs.stripe.com/webhooks#verify-manually."""

import hmac
from collections.abc import Sequence
from hashlib import sha256


def signature_header(body: bytes, secrets: Sequence[str], at: int) -> str:
    """One `v1` for each active secret: during a roll there are two, the newest first, and either must be accepted."""
    signed = b"%d." % at + body
    entries = [f"v1={hmac.new(secret.encode(), signed, sha256).hexdigest()}" for secret in secrets]
    return ",".join([f"t={at}", *entries])
