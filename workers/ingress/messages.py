"""From wire data to a record for the log, by the catalogue's own rules. Pure."""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.catalogue import MAXIMUM_RECORD, InvalidRecord, model_of
from contracts.envelope import Envelope
from contracts.message import CommandData
from contracts.platform import WORDS
from contracts.validation import first_fault
from workers.engine.record import Outgoing
from workers.ingress.problems import Problem


def command_model(kind: str) -> type[CommandData]:
    """Raises Problem ``unknown_type`` or ``unknown_version``."""
    try:
        model = model_of(kind)
    except InvalidRecord as error:
        raise Problem(error.code, f"{error.detail}.", field="type") from error
    if not issubclass(model, CommandData):
        raise Problem("unknown_type", f"{kind} is an event, not a command.", field="type")
    if model in WORDS:
        raise Problem("unknown_type", f"{kind} is for operators: mindlinks failures.", field="type")
    return model


def command_data(model: type[CommandData], wire: Mapping[str, Any]) -> CommandData:
    """Read as a worker will read it. Raises Problem ``invalid_payload`` naming the field and never the value."""
    try:
        return model.model_validate_json(orjson.dumps(wire))
    except ValidationError as error:
        fault = first_fault(error, model)
        where = fault.where or "data"
        raise Problem("invalid_payload", f"{where}: {fault.what}.", field=where) from None


def outgoing(envelope: Envelope, data: CommandData) -> Outgoing:
    """Raises Problem ``record_too_large``."""
    value, headers = data.to_json(), envelope.headers()
    size = len(envelope.subject.encode()) + len(value) + sum(len(name) + len(text) for name, text in headers)
    if size > MAXIMUM_RECORD:
        raise Problem("record_too_large", f"The record has {size} bytes, at most {MAXIMUM_RECORD} are allowed.")
    return Outgoing(envelope.subject.encode(), value, headers)
