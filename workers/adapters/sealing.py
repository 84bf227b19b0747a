"""Seals and opens texts under keys derived from one local master key. Nothing here blocks on I/O.

AES-SIV (RFC 5297) is deterministic: the same text of the same subject gives the same sealed text, so that decisions compare and
hashes cover sealed texts. It is authenticated: what was moved to another subject, purpose or field class, or changed, does not open.
It does not hide lengths.
"""

import logging
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contracts.sealed import FieldClass, MalformedSealError, SealedText
from contracts.types import Purpose

DEVELOPMENT_MASTER_KEY: Final = b"mindlinks development master key, never for real people's data."
MINIMUM_KEY_BYTES: Final = 32
GENERATION: Final = 1
"""The only generation a master key has. Several, and their destruction, need a key store."""

_KEY_BYTES: Final = 64  # AES-256-SIV: one half authenticates, the other encrypts
_CACHED_KEYS: Final = 4096

log = logging.getLogger(__name__)


class ForgedSealError(Exception):
    """A sealed text does not open under its own key: it was changed, moved from another subject or field, or made under another
    master key. It stays closed; find out who wrote it, and whether MINDLINKS_MASTER_KEY is the one it was made under."""

    def __init__(self, sealed: SealedText) -> None:
        super().__init__(
            f"{' '.join((self.__doc__ or '').split())} (purpose {sealed.purpose}, subject {sealed.subject}, generation {sealed.generation})"
        )


class MasterKeySealer:
    """One key per (purpose, subject), derived from the master key, so nothing needs to be kept. Safe to share between threads."""

    def __init__(self, master_key: bytes = DEVELOPMENT_MASTER_KEY) -> None:
        """Raises ValueError for a master key that is too short. Says so in the log when it is the development key."""
        if len(master_key) < MINIMUM_KEY_BYTES:
            raise ValueError(f"the master key has {len(master_key)} bytes, at least {MINIMUM_KEY_BYTES} are needed")
        if master_key == DEVELOPMENT_MASTER_KEY:
            log.warning(
                "Personal data is sealed under the development master key, which everybody knows: fine for made-up people, "
                "not for real ones. Set MINDLINKS_MASTER_KEY to a secret of your own before real data comes in."
            )
        self._master_key = master_key
        self._cipher = lru_cache(maxsize=_CACHED_KEYS)(self._derive)

    def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        """Raises ValueError for an empty text (absence is not sealed) and for a subject that can't be written down."""
        if not text:
            raise ValueError("an empty text is left out, not sealed")
        ciphertext = self._cipher(purpose, subject, GENERATION).encrypt(text.encode(), _bound_to(purpose, subject, field_class))
        return str(SealedText(purpose, subject, GENERATION, ciphertext))

    def open(self, sealed: str, field_class: FieldClass) -> str | None:
        """None when the key's generation is gone: the person was erased. Raises ForgedSealError for what is well-formed but not
        ours, MalformedSealError (a ValueError) for what is no sealed text at all."""
        parsed = SealedText.parse(sealed)
        if parsed.generation != GENERATION:
            return None
        cipher = self._cipher(parsed.purpose, parsed.subject, parsed.generation)
        try:
            return cipher.decrypt(parsed.ciphertext, _bound_to(parsed.purpose, parsed.subject, field_class)).decode()
        except (InvalidTag, ValueError) as error:
            raise ForgedSealError(parsed) from error

    def _derive(self, purpose: Purpose, subject: str, generation: int) -> AESSIV:
        info = b"\0".join((b"mindlinks sealed text s1", purpose.encode(), subject.encode(), str(generation).encode()))
        return AESSIV(HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(self._master_key))


def _bound_to(purpose: Purpose, subject: str, field_class: FieldClass) -> list[bytes]:
    return [purpose.encode(), subject.encode(), field_class.encode()]


__all__ = ["DEVELOPMENT_MASTER_KEY", "ForgedSealError", "MalformedSealError", "MasterKeySealer"]
