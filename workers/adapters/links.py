"""Links with a token that is formed, never stored: HMAC-SHA256 under a link key that rotates (domain.md 0.4)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from contracts.notification.values import PageLink, TokenLink


@dataclass(frozen=True, slots=True, repr=False)
class LinkKeys:
    """Secrets by key id, the one for new links first. Who holds them can form a token (sending effects) and check one (ingress)."""

    keys: Mapping[str, bytes]

    @classmethod
    def parse(cls, text: str) -> Self:
        """``kid:secret,kid:secret``. Raises ValueError for a part without a colon."""
        pairs = [part.strip().split(":", 1) for part in text.split(",") if part.strip()]
        if any(len(pair) != 2 or not all(pair) for pair in pairs):
            raise ValueError("link keys are written kid:secret, separated by commas")
        return cls({kid: secret.encode() for kid, secret in pairs})

    @property
    def current(self) -> str | None:
        """The key id of new links."""
        return next(iter(self.keys), None)

    def token(self, purpose: str, aggregate_id: str, nonce: str, kid: str) -> str | None:
        """URL-safe text; None for a key id that is not known. Rows keep the hash of this text."""
        key = self.keys.get(kid)
        if key is None:
            return None
        mac = hmac.digest(key, "\n".join((purpose, aggregate_id, nonce)).encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the app's pages. ``app_url`` has no slash at its end."""

    app_url: str
    keys: LinkKeys

    def token_link(self, link: TokenLink) -> str | None:
        token = self.keys.token(link.purpose, link.id, link.nonce, link.kid)
        return None if token is None else f"{self.app_url}/{link.purpose}/{link.id}?token={token}"

    def page_link(self, link: PageLink) -> str:
        return f"{self.app_url}/{link.page}" + (f"/{link.id}" if link.id else "")
