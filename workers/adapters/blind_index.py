"""Blind index of addresses: a keyed hash that finds an address without telling it (domain.md 0.2).

The key never rotates and the normalisation never changes: claims, suppressions and ids are made of these hashes.
"""

import hashlib
import hmac
import re
import unicodedata
from typing import Final

import idna

from contracts.types import Hash

DEVELOPMENT_BLIND_INDEX_KEY: Final = b"mindlinks development blind index key"
MAXIMUM_ADDRESS: Final = 254
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class InvalidAddressError(ValueError):
    """The text is not an e-mail address this system can write to; nothing was looked up or kept."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{self.__doc__} ({why})")


def normalised_address(address: str) -> str:
    """NFC, trimmed, lower case, domain as A-label without its root dot. Normalising twice changes nothing. Raises InvalidAddressError.

    What providers treat as one mailbox by rules of their own (dots, ``+tag``) stays several. Refused is what would be a second spelling
    of another address: a quoted name, characters that do not show.
    """
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).strip().lower())
    local, at, domain = lowered.rpartition("@")
    if not (local and at and domain):
        raise InvalidAddressError("it needs a name, an @ and a domain")
    if any(character.isspace() or unicodedata.category(character) in ("Cc", "Cf") for character in lowered):
        raise InvalidAddressError("it has spaces or characters that do not show")
    if '"' in local or "@" in local:
        raise InvalidAddressError("its name is quoted or has a second @")
    normalised = f"{local}@{_a_label(domain)}"
    if len(normalised) > MAXIMUM_ADDRESS:
        raise InvalidAddressError(f"it has more than {MAXIMUM_ADDRESS} characters")
    return normalised


def email_hash(key: bytes, address: str) -> Hash:
    """HMAC-SHA256 of the normalised address. Raises InvalidAddressError, and ValueError for an empty key."""
    if not key:
        raise ValueError("the blind index key is empty: set MINDLINKS_BLIND_INDEX_KEY")
    return hmac.new(key, normalised_address(address).encode(), hashlib.sha256).hexdigest()


def _a_label(domain: str) -> str:
    try:
        ascii_form = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        ascii_form = ""
    ascii_form = ascii_form.removesuffix(".")
    if not _DOMAIN.fullmatch(ascii_form):
        raise InvalidAddressError("its domain is not one that can be registered")
    return ascii_form
