"""A person's profile and preferences are emptied, together. The rows stay and say so."""

from contracts.types import Timestamp
from contracts.user import EraseUserData, UserDataErased
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.user.person import Person, Preferences, Profile
from workers.services.user.rights import ours


def erase_user_data(state: Person, command: Command[EraseUserData], _at: Timestamp) -> Decision[Person]:
    """Who never was here is erased all the same: what comes late must find that."""
    if not ours(command.actor, state.user_id):
        return Refused("forbidden")
    profile, user_id = state.profile, state.user_id
    if profile is not None and profile.erased:
        return UNCHANGED
    empty = Preferences(user_id=user_id, erased=True, language=None, timezone=None, notifications=None)
    erased = state.with_profile(Profile(user_id=user_id, erased=True)).with_preferences(empty)
    avatar_key = profile.avatar.key if profile and profile.avatar else None
    return Accepted(erased, (UserDataErased(user_id=user_id, avatar_key=avatar_key),))
