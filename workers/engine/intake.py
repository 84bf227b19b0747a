"""From a record to a command that waits in its lane. Pure."""

from dataclasses import replace

from contracts.catalogue import InvalidRecord, decode
from contracts.message import CommandData
from contracts.position import Origin
from contracts.timestamps import from_milliseconds
from contracts.types import CommandId
from workers.engine.decision import Command, ItemRef
from workers.engine.fold import Waiting
from workers.engine.record import Record
from workers.engine.service import Service


def waiting_of(service: Service, origin: Origin, record: Record) -> tuple[ItemRef, Waiting]:
    """The root the command is about, and the command. Raises InvalidRecord."""
    decoded = decode(record.key, record.value, record.headers, record.timestamp)
    envelope, data = decoded.envelope, decoded.data
    handler = service.handler_of.get(envelope.kind)
    if handler is None or not isinstance(data, CommandData):
        raise InvalidRecord("not_a_command", f"{service.name} has no command {envelope.kind}")
    waiting = Waiting(
        origin=origin,
        offset=record.offset,
        at=from_milliseconds(record.timestamp),
        appended=record.timestamp,
        command=Command(CommandId(envelope.id), envelope.subject, envelope.actor, data),
        handler=handler,
        correlation=envelope.correlation_id,
        record=record,
        traceparent=envelope.traceparent,
        receipt=replace(envelope.receipt, kind=envelope.kind) if envelope.receipt else None,
    )
    return handler.aggregate.root(envelope.subject), waiting
