"""user's store of pictures over the objects."""

from contracts.file import ObjectKey
from workers.adapters.objects import Objects, ObjectsRefused, ObjectsUnavailable
from workers.services.user.ports import AvatarStoreRefusedError, AvatarStoreUnavailableError


class StoredAvatars:
    """An ``AvatarStore``. Deleting again what is gone does nothing."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def delete(self, key: ObjectKey) -> None:
        try:
            await self._objects.delete([key])
        except ObjectsUnavailable as error:
            raise AvatarStoreUnavailableError(str(error)) from error
        except ObjectsRefused as error:
            raise AvatarStoreRefusedError(str(error)) from error
