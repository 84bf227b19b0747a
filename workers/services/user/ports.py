"""The outside as user needs it: the store that people's pictures were uploaded to."""

from typing import Protocol

from contracts.file import ObjectKey
from contracts.types import UserId


class AvatarStoreUnavailableError(Exception):
    """The store did not do it, or its answer is unknown. The same may be asked again."""


class AvatarStoreRefusedError(Exception):
    """The store won't do it as it is configured (403): a thing for people."""


class AvatarStore(Protocol):
    async def delete(self, key: ObjectKey) -> None:
        """Afterwards there is no object under ``key``; one that is gone already is a success.

        Raises AvatarStoreUnavailableError, AvatarStoreRefusedError.
        """
        ...

    async def delete_all(self, user: UserId) -> None:
        """Afterwards there is no picture that the person uploaded, shown or not. Raises as ``delete``, and some may be gone then."""
        ...
