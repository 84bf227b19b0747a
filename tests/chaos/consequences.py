"""What reactions, effects and timers must have done, from the events they act on: each its command once, and no object twice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.catalogue import Decoded, decode
from contracts.ids import effect_id, effect_result_id, fired_command_id, reaction_command_id
from contracts.message import Message
from contracts.notification.commands import (
    RecordNotificationDelayed,
    RecordNotificationFailed,
    RecordNotificationUnknown,
    ResolveUnknownNotification,
)
from contracts.notification.events import NotificationDelivered, NotificationSent, NotificationsRead
from contracts.platform import TimerScheduled
from contracts.timestamps import to_milliseconds
from contracts.types import EffectId, EventId
from tests.chaos.service import ONCE, REPEATED
from workers.engine.record import Record


@dataclass(frozen=True, slots=True)
class Consequences:
    """How many were due, and of the effects that may be called once how many ended unknown."""

    reactions: int
    effects: int
    unknown: int
    timers: int


def judged(sent: set[str], commands: Sequence[Record], events: Sequence[Record], objects: Mapping[str, int]) -> Consequences:
    """``sent``: ids of what the producer published. ``objects``: what the provider created, by key. Fails when a consequence is missing
    or early, or there is one that nothing asked for. That each is applied once and in order shows in the rows."""
    appended = _appended(commands)
    said = {decoded.envelope.id: decoded for decoded in map(_decoded, events)}
    reactions = {
        reaction_command_id(EventId(event), RecordNotificationDelayed.__name__, each)
        for event, decoded in said.items()
        if isinstance(decoded.data, NotificationsRead)
        for each in decoded.data.ids
    }
    timers = _timers(decoded.data for decoded in said.values())
    once = {effect_id(EventId(event), ONCE.name) for event, decoded in said.items() if isinstance(decoded.data, NotificationSent)}
    repeated = {
        effect_id(EventId(event), REPEATED.name) for event, decoded in said.items() if isinstance(decoded.data, NotificationDelivered)
    }
    done = {effect_result_id(each, RecordNotificationFailed.__name__, 1): each for each in once}
    unknown = {effect_result_id(each, RecordNotificationUnknown.__name__, 1): each for each in once}
    resolved = {effect_result_id(each, ResolveUnknownNotification.__name__, 1) for each in repeated}
    _all_there("reactions' commands", reactions, appended)
    _all_there("timers' commands", timers, appended)
    _all_there("results of repeatable effects", resolved, appended)
    _none_early(timers, appended)
    reported = {effect for command, effect in unknown.items() if command in appended}
    answered = {effect for command, effect in done.items() if command in appended}
    assert once == reported | answered, f"{len(once - reported - answered)} effects ended without a word"
    assert not reported & answered, f"{len(reported & answered)} effects were reported unknown and done"
    _created(objects, once, repeated, answered)
    strange = appended.keys() - sent - reactions - timers.keys() - resolved - done.keys() - unknown.keys()
    assert not strange, f"{len(strange)} commands that nothing asked for: {list(strange)[:5]}"
    return Consequences(len(reactions), len(once) + len(repeated), len(reported), len(timers))


def _created(objects: Mapping[str, int], once: set[EffectId], repeated: set[EffectId], answered: set[EffectId]) -> None:
    twice = {key: count for key, count in objects.items() if count > 1}
    assert not twice, f"{len(twice)} effects were created more than once: {list(twice.items())[:5]}"
    existing = {EffectId(key) for key, count in objects.items() if count}
    assert existing <= once | repeated, f"{len(existing - once - repeated)} objects that no event asked for"
    missing = (repeated | answered) - existing
    assert not missing, f"{len(missing)} effects were reported done and never created: {list(missing)[:5]}"


def _timers(events: Iterable[object]) -> dict[str, int]:
    """Fired command -> when it was due, in milliseconds."""
    words = [each for each in events if isinstance(each, TimerScheduled)]
    return {fired_command_id(each.timer_id, each.due_at): to_milliseconds(each.due_at) for each in words}


def _none_early(timers: Mapping[str, int], appended: Mapping[str, int]) -> None:
    early = [command for command, due in timers.items() if appended[command] < due]
    assert not early, f"{len(early)} of {len(timers)} timers fired before they were due"


def _all_there(what: str, wanted: Iterable[str], appended: Mapping[str, int]) -> None:
    missing = [each for each in wanted if each not in appended]
    assert not missing, f"{len(missing)} of the {what} are missing: {missing[:5]}"


def _appended(commands: Sequence[Record]) -> dict[str, int]:
    """Command -> when the broker first had it, in milliseconds."""
    first: dict[str, int] = {}
    for record in commands:
        first.setdefault(_decoded(record).envelope.id, record.timestamp)
    return first


def _decoded(record: Record) -> Decoded[Message]:
    return decode(record.key, record.value, record.headers, record.timestamp)
