"""Wrapping of data keys: a key rests only encrypted under a wrapping key that is kept elsewhere.

What is wrapped is bound to whose key it is: a wrapped key copied to another subject's row does not unwrap.
"""

import hashlib
import logging
import secrets
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contracts.sealed import KeysUnavailable
from contracts.types import Purpose

DEVELOPMENT_MASTER_KEY: Final = b"mindlinks development master key, never for real people's data."
MINIMUM_MASTER_KEY: Final = 32
DATA_KEY_BYTES: Final = 64  # AES-256-SIV: one half authenticates, the other encrypts

log = logging.getLogger(__name__)


class UnwrappableKey(KeysUnavailable):
    """A wrapped key does not unwrap: it was made under a wrapping key that this process does not have (see MINDLINKS_KMS_KEY and
    MINDLINKS_MASTER_KEY), or its row was changed by hand."""

    def __init__(self, owner: "KeyOwner", wrapped_under: str) -> None:
        super().__init__(f"{' '.join((self.__doc__ or '').split())} (key of {owner}, wrapped under {wrapped_under})")


class KeyOwner(NamedTuple):
    """Whose key, what for. The wrapping binds to both; KMS records both in its trail, so neither is a personal value.

    A tuple, because a dataclass hashes in Python, and every value that is sealed or opened looks its key up.
    """

    subject: str
    purpose: Purpose

    def __str__(self) -> str:
        return f"{self.subject}#{self.purpose}"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """``wrapped_under``: the id of the wrapping key."""

    ciphertext: bytes
    wrapped_under: str


@dataclass(frozen=True, slots=True, repr=False)
class NewKey:
    """A data key as it is made: in the clear, and as it will rest. It has no repr."""

    key: bytes
    wrapped: WrappedKey


class KeyWrapping(Protocol):
    """One wrapping key. Every method may take a network's time and raises KeysUnavailable; nothing is retried for long inside."""

    async def present(self) -> str:
        """The id that a key wrapped now would carry."""
        ...

    def unwraps(self, wrapped_under: str) -> bool:
        """Whether keys of this id are its own to unwrap; asks nobody."""
        ...

    async def generate(self, owner: KeyOwner) -> NewKey: ...

    async def unwrap(self, owner: KeyOwner, wrapped: WrappedKey) -> bytes:
        """Raises UnwrappableKey for what it can't have wrapped for this owner."""
        ...

    async def wrap(self, owner: KeyOwner, key: bytes) -> WrappedKey: ...

    async def rewrap(self, owner: KeyOwner, wrapped: WrappedKey) -> WrappedKey:
        """From a former wrapping key of the same kind to the present one; the data key stays inside if it can."""
        ...

    async def close(self) -> None: ...


class LocalWrapping:
    """Under a master key that this process was given: for ``embedded``, tests and a laptop. AES-SIV needs no nonce to wrap (RFC 5297)."""

    def __init__(self, master_key: bytes = DEVELOPMENT_MASTER_KEY) -> None:
        """Raises ValueError for a master key that is too short. Says so in the log when it is the development key."""
        if len(master_key) < MINIMUM_MASTER_KEY:
            raise ValueError(f"the master key has {len(master_key)} bytes, at least {MINIMUM_MASTER_KEY} are needed")
        if master_key == DEVELOPMENT_MASTER_KEY:
            log.warning(
                "Personal data is sealed under the development master key, which everybody knows: fine for made-up people, "
                "not for real ones. Set MINDLINKS_KMS_KEY, or MINDLINKS_MASTER_KEY to a secret of your own, before real data comes in."
            )
        self._cipher = AESSIV(_derived(master_key, b"mindlinks key wrapping"))
        self.key_id = f"local:{hashlib.sha256(_derived(master_key, b'mindlinks key id')).hexdigest()[:16]}"

    async def present(self) -> str:
        return self.key_id

    def unwraps(self, wrapped_under: str) -> bool:
        return wrapped_under == self.key_id

    async def generate(self, owner: KeyOwner) -> NewKey:
        key = secrets.token_bytes(DATA_KEY_BYTES)
        return NewKey(key, await self.wrap(owner, key))

    async def unwrap(self, owner: KeyOwner, wrapped: WrappedKey) -> bytes:
        try:
            return self._cipher.decrypt(wrapped.ciphertext, _context(owner))
        except (InvalidTag, ValueError) as error:
            raise UnwrappableKey(owner, wrapped.wrapped_under) from error

    async def wrap(self, owner: KeyOwner, key: bytes) -> WrappedKey:
        return WrappedKey(self._cipher.encrypt(key, _context(owner)), self.key_id)

    async def rewrap(self, owner: KeyOwner, wrapped: WrappedKey) -> WrappedKey:
        return await self.wrap(owner, await self.unwrap(owner, wrapped))

    async def close(self) -> None:
        """Nothing to close."""


def _derived(master_key: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), DATA_KEY_BYTES, salt=None, info=use).derive(master_key)


def _context(owner: KeyOwner) -> list[bytes]:
    return [owner.subject.encode(), owner.purpose.encode()]
