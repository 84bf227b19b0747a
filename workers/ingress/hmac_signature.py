"""The one way in which Veriff and Onfido sign: lower-case hex of HMAC-SHA256 over the raw body. Nothing in it tells a delivery's age, so
what makes a replay harmless is the command id.

https://devdocs.veriff.com/docs/hmac-authentication-and-endpoint-security
"""

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from workers.ingress.problems import Problem

_HEX: Final = re.compile(r"[0-9a-f]{64}")


def verify_hmac(body: bytes, header: str | None, secrets: Sequence[str], name: str) -> None:
    """``name``: the header's. Returns when one of the secrets made the digest, however its letters are written; raises Problem."""
    if not header:
        raise Problem("signature_missing", f"The {name} header is missing.")
    given = header.strip().lower()
    if not _HEX.fullmatch(given):
        raise Problem("signature_malformed", f"The {name} header is not 64 hexadecimal digits.")
    # Every secret is tried, so the time taken does not tell which one is in use.
    matches = [hmac.compare_digest(_digest(body, secret), given) for secret in secrets if secret]
    if not any(matches):
        raise Problem("signature_mismatch", f"The {name} header was not made with a secret of this endpoint.")


def verify_client(given: str | None, expected: str) -> None:
    """The integration that Veriff names beside its signature. Raises Problem ``client_mismatch``."""
    if not hmac.compare_digest((given or "").encode(), expected.encode()):
        raise Problem("client_mismatch", "The delivery names another integration, or none.")


def _digest(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, sha256).hexdigest()
