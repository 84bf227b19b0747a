"""Stripe's webhook signature, on raw bytes. https://docs.stripe.com/webhooks#verify-manually

Checked here and not by the SDK: that one reads the clock by itself and lets timestamps of the future pass.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from workers.ingress.problems import Problem

TOLERANCE: Final = 300
"""Seconds, to both sides."""


@dataclass(frozen=True, slots=True)
class _Signature:
    timestamp: str
    digests: tuple[str, ...]


def verify(body: bytes, header: str | None, secrets: Sequence[str], now: int) -> None:
    """``now`` in seconds. Returns when one of the secrets made one of the ``v1`` digests within the time window; raises Problem."""
    if not header:
        raise Problem("signature_missing", "The Stripe-Signature header is missing.")
    signature = _parsed(header)
    if not any(_matches(body, signature, secret) for secret in secrets):
        raise Problem("signature_mismatch", "No v1 digest was made with a secret of this endpoint.")
    # After the digest, so that only the holder of a secret learns how our clock stands.
    if int(signature.timestamp) < now - TOLERANCE:
        raise Problem("signature_too_old", f"The delivery was signed more than {TOLERANCE} s ago.")
    if int(signature.timestamp) > now + TOLERANCE:
        raise Problem("signature_in_future", f"The delivery was signed more than {TOLERANCE} s ahead of our clock.")


def _parsed(header: str) -> _Signature:
    entries = [entry.strip().partition("=") for entry in header.split(",")]
    timestamps = [value for name, _, value in entries if name == "t"]
    digests = tuple(value for name, _, value in entries if name == "v1")
    if len(timestamps) != 1 or not digests or not _is_number(timestamps[0]):
        raise Problem("signature_malformed", "The Stripe-Signature header needs one t and at least one v1.")
    return _Signature(timestamps[0], digests)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _matches(body: bytes, signature: _Signature, secret: str) -> bool:
    expected = hmac.new(secret.encode(), signature.timestamp.encode() + b"." + body, sha256).hexdigest().encode()
    return bool(secret) and any(hmac.compare_digest(expected, digest.encode(errors="replace")) for digest in signature.digests)
