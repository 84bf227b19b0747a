"""Pictures that nobody shows any more are deleted."""

from collections.abc import Mapping

from contracts.user import AvatarChanged, RecordAvatarDeleted, UserDataErased
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Event, Failed, Result, Retryable
from workers.services.user.ports import AvatarStore, AvatarStoreRefusedError, AvatarStoreUnavailableError


async def delete_avatar(call: Call[AvatarChanged | UserDataErased], _rows: Mapping[ItemRef, Item], port: AvatarStore) -> Result:
    data = call.event.data
    key = data.old_key if isinstance(data, AvatarChanged) else data.avatar_key
    if key is None:
        return Done()
    try:
        await port.delete(key)
    except AvatarStoreUnavailableError as failure:
        return Retryable(f"AvatarStoreUnavailableError: {failure}")
    except AvatarStoreRefusedError as failure:
        return Failed(f"AvatarStoreRefusedError: {failure}")
    return Done((RecordAvatarDeleted(user_id=data.user_id, key=key),), reference=key)


def had_avatar(event: Event[AvatarChanged]) -> bool:
    return event.data.old_key is not None


def leaves_avatar(event: Event[UserDataErased]) -> bool:
    return event.data.avatar_key is not None
