"""Pictures that nobody shows any more are deleted."""

from collections.abc import Awaitable, Mapping

from contracts.file import ObjectKey
from contracts.types import UserId
from contracts.user import AvatarChanged, RecordAvatarDeleted, UserDataErased
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Event, Failed, Result, Retryable
from workers.services.user.ports import AvatarStore, AvatarStoreRefusedError, AvatarStoreUnavailableError


async def delete_avatar(call: Call[AvatarChanged | UserDataErased], _rows: Mapping[ItemRef, Item], port: AvatarStore) -> Result:
    """Of an erased person also those that were uploaded and never shown, and those whose deletion once failed for good."""
    data = call.event.data
    if isinstance(data, UserDataErased):
        return await _deleted(port.delete_all(data.user_id), data.user_id, data.avatar_key)
    return Done() if data.old_key is None else await _deleted(port.delete(data.old_key), data.user_id, data.old_key)


async def _deleted(deletion: Awaitable[None], user: UserId, key: ObjectKey | None) -> Result:
    try:
        await deletion
    except AvatarStoreUnavailableError as failure:
        return Retryable(f"AvatarStoreUnavailableError: {failure}")
    except AvatarStoreRefusedError as failure:
        return Failed(f"AvatarStoreRefusedError: {failure}")
    return Done((RecordAvatarDeleted(user_id=user, key=key),), reference=key) if key else Done()


def had_avatar(event: Event[AvatarChanged]) -> bool:
    return event.data.old_key is not None
