"""From a record to a command that waits in its lane. Pure."""

from dataclasses import replace

from contracts.catalogue import InvalidRecord, decode
from contracts.message import CommandData
from contracts.platform import WORDS
from contracts.position import Origin
from contracts.timestamps import from_milliseconds
from contracts.types import CommandId
from workers.engine.decision import Command, ItemRef
from workers.engine.fold import Waiting
from workers.engine.record import Record
from workers.engine.service import Service


class ByPeople(InvalidRecord):
    """A word of people about another record (``contracts.platform``): nothing is to be judged, and nothing is wrong with it."""


def waiting_of(service: Service, origin: Origin, record: Record) -> tuple[ItemRef, Waiting]:
    """The root the command is about, and the command. Raises InvalidRecord, and ByPeople for what no handler judges."""
    decoded = decode(record.key, record.value, record.headers, record.timestamp)
    envelope, data = decoded.envelope, decoded.data
    if isinstance(data, WORDS):
        raise ByPeople("by_people", type(data).__name__)
    handler = service.handler_of.get(envelope.kind)
    if handler is None or not isinstance(data, CommandData):
        raise InvalidRecord("not_a_command", f"{service.name} has no command {envelope.kind}")
    replay = envelope.replay
    waiting = Waiting(
        origin=origin,
        offset=record.offset,
        at=replay.at if replay and replay.at else from_milliseconds(record.timestamp),
        appended=record.timestamp,
        command=Command(CommandId(envelope.id), envelope.subject, envelope.actor, data),
        handler=handler,
        correlation=envelope.correlation_id,
        record=record,
        traceparent=envelope.traceparent,
        receipt=replace(envelope.receipt, kind=envelope.kind) if envelope.receipt else None,
        replay=replay,
    )
    return handler.aggregate.root(envelope.subject), waiting
