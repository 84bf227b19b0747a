"""What a service's reactions make of an event."""

from collections.abc import Sequence
from typing import Any

from contracts.message import EventData
from contracts.types import EventId
from tests.support.oracle import START
from tests.support.service_story import USER
from workers.engine.decision import Item
from workers.engine.service import Event, Reaction, Send, Service


def event_of(data: EventData) -> Event[Any]:
    """As its service tells it, about a person."""
    return Event(EventId(USER), data.service, USER, START, "system:test", data)


def reaction_to(service: Service, kind: type[EventData]) -> Reaction[Any]:
    """The only one."""
    (found,) = [reaction for reaction in service.reactions if reaction.event is kind]
    return found


def sent_on(service: Service, data: EventData, rows: Sequence[Item] = ()) -> list[Send]:
    return list(reaction_to(service, type(data)).react(event_of(data), rows))
