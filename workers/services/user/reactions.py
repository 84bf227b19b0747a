"""Whoever registers gets a profile and preferences; whoever is to be erased loses both."""

from collections.abc import Sequence

from contracts.auth import ErasureRequested, UserRegistered
from contracts.user import CreatePreferences, CreateProfile, EraseUserData
from workers.engine.decision import Item
from workers.engine.service import Event, Send


def user_registered(event: Event[UserRegistered], _rows: Sequence[Item]) -> Sequence[Send]:
    data = event.data
    return Send(CreateProfile(user_id=data.user_id)), Send(CreatePreferences(user_id=data.user_id, language=data.locale))


def erasure_requested(event: Event[ErasureRequested], _rows: Sequence[Item]) -> Sequence[Send]:
    return (Send(EraseUserData(user_id=event.data.user_id)),)
