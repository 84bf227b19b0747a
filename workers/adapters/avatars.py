"""user's store of pictures over the objects."""

from collections.abc import Awaitable

from contracts.file import ObjectKey
from contracts.types import UserId
from contracts.user import avatar_folder
from workers.adapters.objects import Objects, ObjectsRefused, ObjectsUnavailable
from workers.services.user.ports import AvatarStoreRefusedError, AvatarStoreUnavailableError


class StoredAvatars:
    """An ``AvatarStore``. Deleting again what is gone does nothing."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def delete(self, key: ObjectKey) -> None:
        await _done(self._objects.delete([key]))

    async def delete_all(self, user: UserId) -> None:
        await _done(self._objects.delete_under(avatar_folder(user)))


async def _done(deletion: Awaitable[None]) -> None:
    try:
        await deletion
    except ObjectsUnavailable as error:
        raise AvatarStoreUnavailableError(str(error)) from error
    except ObjectsRefused as error:
        raise AvatarStoreRefusedError(str(error)) from error
