"""Refresh tokens, ``<sessionId>.<generation>.<secret>.<mac>`` (domain.md 0.4). The mac shows a token to be one of ours before anything
is read; rows and commands hold the sha256 of its secret alone."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final, Self

from contracts.auth import SessionId
from contracts.types import UUID_PATTERN, Hash
from workers.ingress.problems import Problem

SECRET_BYTES: Final = 32
LEAST_KEY: Final = 32
"""Bytes."""
_FORM: Final = re.compile(
    rf"(?P<session>{UUID_PATTERN[1:-1]})\.(?P<generation>[1-9][0-9]{{0,9}})\.(?P<secret>[A-Za-z0-9_-]{{43}})\.(?P<mac>[A-Za-z0-9_-]{{43}})"
)
_GENUINE: Final = "refresh token"
_NEXT: Final = "next secret"


@dataclass(frozen=True, slots=True, repr=False)
class RefreshToken:
    """A genuine one, of whatever age. It has no repr, because it lets somebody in."""

    session_id: SessionId
    generation: int
    secret: str

    @property
    def hash(self) -> Hash:
        return secret_hash(self.secret)

    @property
    def text(self) -> str:
        """Without its mac."""
        return f"{self.session_id}.{self.generation}.{self.secret}"


@dataclass(frozen=True, slots=True, repr=False)
class RefreshTokens:
    """``keys``: the first makes tokens, the others still tell old ones; a key is to be listed for 30 days after its last token."""

    keys: tuple[bytes, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Comma-separated. Raises ValueError for a key shorter than 32 bytes."""
        keys = tuple(part.strip().encode() for part in text.split(",") if part.strip())
        if any(len(key) < LEAST_KEY for key in keys):
            raise ValueError(f"MINDLINKS_REFRESH_KEYS holds a key of less than {LEAST_KEY} bytes: make each longer")
        return cls(keys)

    def require_key(self) -> None:
        """Raises Problem ``not_configured``."""
        if not self.keys:
            raise Problem("not_configured", "Nobody can sign in: no refresh key is set.")

    def write(self, token: RefreshToken) -> str:
        return f"{token.text}.{_mac(self.keys[0], _GENUINE, token)}"

    def read(self, text: str) -> RefreshToken | None:
        """None for what none of our keys made. Every key is tried, whichever fits: the time tells nothing."""
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        token = RefreshToken(SessionId(found["session"]), int(found["generation"]), found["secret"])
        fitting = [hmac.compare_digest(_mac(key, _GENUINE, token), found["mac"]) for key in self.keys]
        return token if any(fitting) else None

    def next_secret(self, token: RefreshToken) -> str:
        """Always the same after this token, so that a lost answer can be given again though nobody kept it."""
        return _mac(self.keys[0], _NEXT, token)


def new_secret() -> str:
    return _text(secrets.token_bytes(SECRET_BYTES))


def secret_hash(secret: str) -> Hash:
    return hashlib.sha256(secret.encode()).hexdigest()


def _mac(key: bytes, use: str, token: RefreshToken) -> str:
    return _text(hmac.digest(key, f"{use}\n{token.text}".encode(), hashlib.sha256))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
