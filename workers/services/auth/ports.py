"""The outside as auth needs it: the store of people's keys."""

from collections.abc import Sequence
from typing import Protocol

from contracts.types import Purpose


class KeyStore(Protocol):
    async def destroy(self, subject: str, purpose: Purpose) -> Sequence[int]:
        """Afterwards no text sealed for ``subject`` and ``purpose`` opens, anywhere, ever. Answers the generations that had a key; one that
        is gone already, or never was, is a success too.

        Raises ``contracts.sealed.KeysUnavailable``, after which the same may be asked again.
        """
        ...
