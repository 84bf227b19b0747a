"""One upstream request -> one command: who asks for what under which id, and the record it becomes. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from contracts.envelope import Envelope, ReceiptTicket
from contracts.ids import client_command_id
from contracts.message import CommandData
from contracts.types import UUID_PATTERN, CommandId, Timestamp
from workers.engine.record import Outgoing
from workers.ingress.clear_fields import Context, Wire
from workers.ingress.clients import Client
from workers.ingress.cloudevents import CloudEvent
from workers.ingress.messages import command_data, command_model, outgoing
from workers.ingress.problems import Problem
from workers.ingress.traceparent import traceparent_of
from workers.ingress.translators import translate_clear

SOURCE: Final = "/mindlinks/ingress/api"
PUBLIC: Final = "public"
PASSWORD_FIELD: Final = "password"  # noqa: S105  # a field's name
_ID: Final = re.compile(UUID_PATTERN)
_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_CORRELATION: Final = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Caller:
    """What holds for a whole HTTP request; the rest comes with each event."""

    client: Client
    actor: str | None
    idempotency_key: str | None
    correlation_id: str | None
    traceparent: str | None
    ip: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that its client may send, not yet translated. ``body_hash`` says whether a repeat asks for the same: it is keyed, so
    it tells nothing about the clear values it stands for."""

    id: CommandId
    event: CloudEvent
    model: type[CommandData]
    actor: str
    client: str
    body_hash: str
    correlation_id: str
    causation_id: str
    traceparent: str


def ask(event: CloudEvent, caller: Caller, keyed_hash: Callable[[str, str], str]) -> Asked:
    """Raises Problem for a kind or actor that the client may not use, and for ids that cannot be read."""
    model = command_model(event.type)
    caller.client.require_kind(event.type)
    actor = event.extensions.get("actor") or caller.actor or PUBLIC
    caller.client.require_actor(actor)
    command = _command_id(event, caller)
    return Asked(
        id=command,
        event=event,
        model=model,
        actor=actor,
        client=caller.client.id,
        body_hash=keyed_hash("body", _canonical(event, actor)),
        correlation_id=_trail("correlationid", event.extensions.get("correlationid") or caller.correlation_id, command),
        causation_id=_trail("causationid", event.extensions.get("causationid"), command),
        traceparent=traceparent_of(event.extensions.get("traceparent"), caller.traceparent),
    )


def translated(asked: Asked, context: Context) -> Wire:
    """What the model takes, with placeholders for what is still to be sealed; fields it does not know stay behind. Raises Problem."""
    known = {field.alias for field in asked.model.model_fields.values()}
    return {name: value for name, value in translate_clear(asked.event.type, asked.event.data, context).items() if name in known}


def record(asked: Asked, wire: Wire, at: Timestamp) -> tuple[str, Outgoing]:
    """The service and its record. Raises Problem for data that the command's model does not take."""
    data = command_data(asked.model, wire)
    if asked.event.subject not in (None, data.key):
        raise Problem("invalid_payload", "The subject is not the aggregate that the data names.", field="subject")
    envelope = Envelope(
        id=asked.id,
        kind=asked.event.type,
        source=SOURCE,
        subject=data.key,
        time=at,
        correlation_id=asked.correlation_id,
        causation_id=asked.causation_id,
        actor=asked.actor,
        traceparent=asked.traceparent,
        receipt=ReceiptTicket(asked.client, asked.body_hash),
    )
    return asked.model.service, outgoing(envelope, data)


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def _command_id(event: CloudEvent, caller: Caller) -> CommandId:
    """An Idempotency-Key wins over the event's id: it is what the caller keeps across its retries."""
    if caller.idempotency_key is not None:
        if not _KEY.fullmatch(caller.idempotency_key):
            raise Problem("invalid_idempotency_key", "The Idempotency-Key cannot be read.", field="Idempotency-Key")
        return client_command_id(caller.client.id, caller.idempotency_key)
    if not event.id or not is_id(event.id):
        raise Problem("invalid_payload", "id: a command needs a lower-case uuid as id, or an Idempotency-Key.", field="id")
    return CommandId(event.id)


def _canonical(event: CloudEvent, actor: str) -> str:
    # Times, traces and correlation may differ between retries of one request; these may not. A password is left out: the hash is kept,
    # and a fast one would spare a thief of the key the slow one.
    data = {name: value for name, value in event.data.items() if name != PASSWORD_FIELD}
    content: Mapping[str, Any] = {"type": event.type, "subject": event.subject, "actor": actor, "data": data}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def _trail(field: str, given: str | None, command: CommandId) -> str:
    if given is not None and not _CORRELATION.fullmatch(given):
        raise Problem("invalid_payload", f"{field}: 1 to 200 visible ASCII characters.", field=field)
    return given or command
