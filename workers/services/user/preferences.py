"""The preferences: language, time zone, wanted channels."""

from contracts.types import Timestamp
from contracts.user import CreatePreferences, NotificationChannels, PreferencesUpdated, UpdatePreferences
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.user.person import Person, Preferences, refusal
from workers.services.user.rights import ours
from workers.services.user.timezones import TIMEZONES


def create_preferences(state: Person, command: Command[CreatePreferences], _at: Timestamp) -> Decision[Person]:
    if not ours(command.actor, state.user_id):
        return Refused("forbidden")
    if state.preferences is not None:
        return UNCHANGED
    return _set(state, Preferences(user_id=state.user_id, language=command.data.language))


def update_preferences(state: Person, command: Command[UpdatePreferences], _at: Timestamp) -> Decision[Person]:
    if refused := refusal(state.preferences, command):
        return refused
    before, data = state.preferences or Preferences(user_id=state.user_id), command.data
    if data.timezone is not None and data.timezone not in TIMEZONES:
        return Refused("timezone_unknown")
    after = _updated(before, data)
    if after == state.preferences or command.id in before.decided_by:
        return UNCHANGED
    return _set(state, after.decided(command.id))


def _updated(before: Preferences, data: UpdatePreferences) -> Preferences:
    channels = before.notifications or NotificationChannels()
    wishes = data.notifications.model_dump(exclude_none=True) if data.notifications else {}
    return before.having(
        language=data.language or before.language,
        timezone=data.timezone or before.timezone,
        notifications=channels.model_copy(update=wishes),
    )


def _set(state: Person, preferences: Preferences) -> Accepted[Person]:
    """The event says all of it: who keeps a copy needs no former one."""
    event = PreferencesUpdated.model_validate(preferences.model_dump())
    return Accepted(state.with_preferences(preferences), (event,))
