"""New links: a random nonce, and the hash of the token that holders of the link key can form of it (domain.md 0.4)."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts.links import NONCE_BYTES, LinkPurpose
from workers.adapters.links import LinkKeys
from workers.ingress.problems import Problem


def _nonce() -> bytes:
    return secrets.token_bytes(NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class NewLinks:
    """The token itself is never told, not even here: the mail's effect forms it again."""

    keys: LinkKeys
    nonce: Callable[[], bytes] = _nonce

    def __call__(self, purpose: LinkPurpose, aggregate_id: str) -> dict[str, Any]:
        """What a row keeps: hash, nonce, kid. Raises Problem ``not_configured`` where there is no link key."""
        kid = self.keys.current
        nonce = base64.urlsafe_b64encode(self.nonce()).rstrip(b"=").decode()
        token = self.keys.token(purpose, aggregate_id, nonce, kid) if kid else None
        if token is None:
            raise Problem("not_configured", "Links cannot be made: no link key is set.")
        return {"hash": hashlib.sha256(token.encode()).hexdigest(), "nonce": nonce, "kid": kid}
