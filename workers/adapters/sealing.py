"""Seals and opens texts under the data keys of their subjects.

AES-SIV (RFC 5297) is deterministic: the same text of the same subject gives the same sealed text, so that decisions compare and
hashes cover sealed texts. It is authenticated: what was moved to another subject, purpose or field class, or changed, does not open.
It does not hide lengths.
"""

from cryptography.exceptions import InvalidTag

from contracts.clear import Clear, Redacted
from contracts.sealed import FieldClass, KeysUnavailable, MalformedSealError, SealedText, SubjectErased, require_subject
from contracts.types import Purpose
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import KeyOwner


class ForgedSealError(Exception):
    """A sealed text does not open under the key it names, or that key was never made: it was changed, moved from another subject or
    field, or comes from another environment. It stays closed; find out who wrote it."""

    def __init__(self, sealed: SealedText) -> None:
        super().__init__(
            f"{' '.join((self.__doc__ or '').split())} (purpose {sealed.purpose}, subject {sealed.subject}, generation {sealed.generation})"
        )


class Sealer:
    """Waits only for keys that are not held (``workers.adapters.key_ring``). Whatever it raises, nothing was kept and a repeat is safe."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        """Makes the subject's key if there was none. Raises KeysUnavailable, SubjectErased; ValueError for an empty text (absence is not
        sealed) and for a subject that can't be written down."""
        if not text:
            raise ValueError("an empty text is left out, not sealed")
        return await self.seal_bytes(purpose, subject, field_class, text.encode())

    async def seal_bytes(self, purpose: Purpose, subject: str, field_class: FieldClass, raw: bytes) -> str:
        """As ``seal``, of what need not be text."""
        require_subject(subject)
        held = await self._ring.for_sealing(KeyOwner(subject, purpose))
        assert held.cipher is not None
        ciphertext = held.cipher.encrypt(raw, _bound_to(purpose, subject, field_class))
        return str(SealedText(purpose, subject, held.generation, ciphertext))

    async def open(self, sealed: str, field_class: FieldClass) -> Clear | Redacted:
        """Redacted once the key is destroyed. Raises KeysUnavailable; ForgedSealError for what is well-formed but not ours,
        MalformedSealError (a ValueError) for what is no sealed text at all."""
        return await self.open_parsed(SealedText.parse(sealed), field_class)

    async def open_parsed(self, sealed: SealedText, field_class: FieldClass) -> Clear | Redacted:
        raw = await self.open_bytes(sealed, field_class)
        try:
            return raw if isinstance(raw, Redacted) else Clear(raw.decode())
        except UnicodeDecodeError:
            raise ForgedSealError(sealed) from None

    async def open_bytes(self, sealed: SealedText, field_class: FieldClass) -> bytes | Redacted:
        held = await self._ring.for_opening(KeyOwner(sealed.subject, sealed.purpose), sealed.generation)
        if held is None:
            raise ForgedSealError(sealed)
        if held.cipher is None:
            return Redacted.ERASED
        try:
            return held.cipher.decrypt(sealed.ciphertext, _bound_to(sealed.purpose, sealed.subject, field_class))
        except (InvalidTag, ValueError) as error:
            raise ForgedSealError(sealed) from error


def _bound_to(purpose: Purpose, subject: str, field_class: FieldClass) -> list[bytes]:
    return [purpose.encode(), subject.encode(), field_class.encode()]


__all__ = ["ForgedSealError", "KeysUnavailable", "MalformedSealError", "Sealer", "SubjectErased"]
