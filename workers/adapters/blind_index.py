"""Blind index of addresses: a keyed hash that finds an address without telling it (domain.md 0.2).

The key never rotates and the normalisation never changes: claims, suppressions and ids are made of these hashes.
"""

import hashlib
import hmac
import unicodedata
from typing import Final

import idna

from contracts.types import Hash

DEVELOPMENT_BLIND_INDEX_KEY: Final = b"mindlinks development blind index key"
MAXIMUM_ADDRESS: Final = 254


class InvalidAddressError(ValueError):
    """The text is not an e-mail address this system can write to; nothing was looked up or kept."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{self.__doc__} ({why})")


def normalised_address(address: str) -> str:
    """NFC, trimmed, lower case, domain as A-label. Normalising twice changes nothing. Raises InvalidAddressError."""
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).strip().lower())
    local, at, domain = lowered.rpartition("@")
    if not (local and at and domain):
        raise InvalidAddressError("it needs a name, an @ and a domain")
    if any(character.isspace() or unicodedata.category(character) == "Cc" for character in lowered):
        raise InvalidAddressError("it has spaces or control characters")
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
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise InvalidAddressError("its domain is not one that can be registered") from error
