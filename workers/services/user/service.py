"""user: which function judges which command, and what its events set in motion."""

from contracts.auth import ErasureRequested, UserRegistered
from contracts.user import (
    AvatarChanged,
    CreatePreferences,
    CreateProfile,
    EraseUserData,
    RecordAvatarDeleted,
    SetAvatar,
    UpdatePreferences,
    UpdateProfile,
    UserDataErased,
)
from workers.engine.aggregate import Handler
from workers.engine.service import Effect, Reaction, Service
from workers.services.user import effects, erasure, preferences, profile, reactions
from workers.services.user.person import PERSONS, preferences_row

REMEMBERED = "state; each row remembers the last commands that set it"

SERVICE = Service(
    name="user",
    handlers=(
        Handler(CreateProfile, PERSONS, profile.create_profile),
        Handler(CreatePreferences, PERSONS, preferences.create_preferences, preferences_row),
        Handler(UpdateProfile, PERSONS, profile.update_profile, idempotency=REMEMBERED),
        Handler(SetAvatar, PERSONS, profile.set_avatar, idempotency=REMEMBERED),
        Handler(RecordAvatarDeleted, PERSONS, profile.record_avatar_deleted),
        Handler(UpdatePreferences, PERSONS, preferences.update_preferences, preferences_row, idempotency=REMEMBERED),
        Handler(EraseUserData, PERSONS, erasure.erase_user_data, preferences_row),
    ),
    reactions=(
        Reaction(UserRegistered, reactions.user_registered),
        Reaction(ErasureRequested, reactions.erasure_requested),
    ),
    effects=(
        Effect("user.delete-avatar", AvatarChanged, "avatars", effects.delete_avatar, when=effects.had_avatar),
        Effect("user.delete-avatar", UserDataErased, "avatars", effects.delete_avatar),
    ),
    timers=False,
)
