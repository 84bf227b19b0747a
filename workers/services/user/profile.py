"""The profile: names, phone, avatar."""

from contracts.file import File, ObjectKey
from contracts.types import Timestamp
from contracts.user import (
    AvatarChanged,
    CreateProfile,
    ProfileCreated,
    ProfileField,
    ProfileUpdated,
    RecordAvatarDeleted,
    SetAvatar,
    UpdateProfile,
)
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.user.person import Person, Profile, refusal
from workers.services.user.rights import ours

AVATAR_TYPES = frozenset({"image/png", "image/jpeg", "image/webp"})
LARGEST_AVATAR = 5 * 1024 * 1024
"""Bytes."""
MOST_TO_DELETE = 20


def create_profile(state: Person, command: Command[CreateProfile], _at: Timestamp) -> Decision[Person]:
    if not ours(command.actor, state.user_id):
        return Refused("forbidden")
    if state.profile is not None:
        return UNCHANGED
    return Accepted(state.with_profile(Profile(user_id=state.user_id)), (ProfileCreated(user_id=state.user_id),))


def update_profile(state: Person, command: Command[UpdateProfile], _at: Timestamp) -> Decision[Person]:
    if refused := refusal(state.profile, command):
        return refused
    before = state.profile or Profile(user_id=state.user_id)
    after = _updated(before, command.data)
    if after == before or command.id in before.decided_by:
        return UNCHANGED
    return Accepted(state.with_profile(after.decided(command.id)), (_told(before, after),))


def set_avatar(state: Person, command: Command[SetAvatar], _at: Timestamp) -> Decision[Person]:
    if refused := refusal(state.profile, command):
        return refused
    before, avatar = state.profile or Profile(user_id=state.user_id), command.data.avatar
    if avatar == before.avatar or command.id in before.decided_by:
        return UNCHANGED
    if refused := _avatar_refusal(before, avatar):
        return refused
    old_key = _given_up(before.avatar, avatar)
    waiting = (*before.avatars_to_delete, *([old_key] if old_key else []))[-MOST_TO_DELETE:]
    after = before.decided(command.id, avatar=avatar, avatars_to_delete=waiting)
    return Accepted(state.with_profile(after), (AvatarChanged(user_id=state.user_id, old_key=old_key),))


def record_avatar_deleted(state: Person, command: Command[RecordAvatarDeleted], _at: Timestamp) -> Decision[Person]:
    if not ours(command.actor, state.user_id):
        return Refused("forbidden")
    if state.profile is None:
        return Refused("not_found")
    waiting = tuple(key for key in state.profile.avatars_to_delete if key != command.data.avatar_key)
    if waiting == state.profile.avatars_to_delete:
        return UNCHANGED
    return Accepted(state.with_profile(state.profile.having(avatars_to_delete=waiting)))


# --- rules ---------------------------------------------------------------------------------------------------------


def _updated(before: Profile, data: UpdateProfile) -> Profile:
    given = data.model_dump(include={"first_name", "last_name", "phone"}, exclude_none=True)
    return before.having(**given | ({"phone": None} if data.without_phone else {}))


def _told(before: Profile, after: Profile) -> ProfileUpdated:
    old, new = before.to_item(), after.to_item()
    return ProfileUpdated(
        user_id=after.user_id,
        first_name=after.first_name,
        last_name=after.last_name,
        phone=after.phone,
        changed=tuple(field for field in ProfileField if old.get(field) != new.get(field)),
    )


def _avatar_refusal(before: Profile, avatar: File | None) -> Refused | None:
    if avatar is None:
        return None
    if avatar.mime not in AVATAR_TYPES:
        return Refused("file_type_not_allowed")
    if avatar.size > LARGEST_AVATAR:
        return Refused("file_too_large")
    # The object's deletion is under way: shown again, it would vanish.
    return Refused("invalid_state") if avatar.key in before.avatars_to_delete else None


def _given_up(before: File | None, after: File | None) -> ObjectKey | None:
    """Another file under the same key has replaced the object itself."""
    return None if before is None or (after is not None and after.key == before.key) else before.key
