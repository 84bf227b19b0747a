"""What link tokens are for, and what is kept of one. The purpose is part of the token and of the page's address, so a token of one kind
opens no other door."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import StringConstraints

from contracts.message import Value
from contracts.types import Hash

NONCE_BYTES: Final = 32
Token = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 bytes in base64url, as a link carries it; commands carry its sha256."""


class LinkPurpose(StrEnum):
    VERIFY_EMAIL = "verify-email"
    CONFIRM_EMAIL = "confirm-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105  # a path, no secret
    INVITATION = "invitation"
    NEWSLETTER = "newsletter"


Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
LinkKeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,8}$")]


class Link(Value):
    """What is kept of a link token: its hash, and what the sending effect needs to form it again (domain.md 0.4)."""

    hash: Hash
    nonce: Nonce
    kid: LinkKeyId
