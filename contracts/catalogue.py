"""Every kind there is, and how a record becomes a message. Each way a record can be wrong has its own code."""

import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from contracts.envelope import Envelope, text_headers
from contracts.message import CommandData, EventData, Message
from contracts.platform import SHARED
from contracts.timestamps import from_milliseconds
from contracts.types import Timestamp
from contracts.validation import first_fault

SERVICES: tuple[str, ...] = (
    "auth",
    "user",
    "client",
    "contractor",
    "kyc",
    "contract",
    "payment",
    "notification",
    "content",
    "lead",
    "analytics",
)
BUILT: tuple[str, ...] = ("auth", "user", "client", "contractor", "kyc", "contract", "payment", "notification", "lead", "analytics")
"""Services that have a module of kinds by now."""

MAXIMUM_RECORD = 256 * 1024
"""Bytes of key, value and headers together (topic setting ``max.message.bytes``)."""
FUTURE_TOLERANCE = 5 * 60 * 1000
"""Milliseconds by which ``ce_time`` may lie ahead of the broker's append time."""


_INSTANT: TypeAdapter[Timestamp] = TypeAdapter(Timestamp)

_KIND = re.compile(r"mindlinks\.[a-z]{1,20}\.[A-Za-z]{1,60}\.v[0-9]{1,4}")

M_co = TypeVar("M_co", bound=Message, covariant=True)


class InvalidRecord(Exception):
    """The record cannot be decoded; it is quarantined under ``code`` and never retried."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Decoded(Generic[M_co]):
    envelope: Envelope
    data: M_co


def _modules(service: str) -> list[ModuleType]:
    module = importlib.import_module(f"contracts.{service}")
    parts: Sequence[str] = getattr(module, "PARTS", ())
    return [module, *(importlib.import_module(f"contracts.{service}.{part}") for part in parts)]


@cache
def kinds() -> Mapping[str, type[Message]]:
    """Kind on the wire -> model."""
    found: dict[str, type[Message]] = {}
    for service in BUILT:
        for module in _modules(service):
            for model in vars(module).values():
                if not inspect.isclass(model) or not issubclass(model, CommandData | EventData):
                    continue
                if model.__module__ == module.__name__ and not model.__name__.startswith("_"):
                    found[model.kind()] = model
        found |= {model.kind(service): model for model in SHARED}
    return found


def command_models(service: str) -> list[type[CommandData]]:
    return [m for m in kinds().values() if issubclass(m, CommandData) and m.service == service]


def event_models(service: str) -> list[type[EventData]]:
    return [m for m in kinds().values() if issubclass(m, EventData) and m.service == service]


def model_of(kind: str) -> type[Message]:
    """Raises InvalidRecord for a kind nobody declared, telling a wrong version from a wrong name."""
    model = kinds().get(kind)
    if model is not None:
        return model
    if not _KIND.fullmatch(kind):
        raise InvalidRecord("unknown_type", "ce_type is not of the form mindlinks.<service>.<Name>.v<N>")
    stem = kind.rpartition(".v")[0]
    if stem and any(known.startswith(f"{stem}.v") for known in kinds()):
        raise InvalidRecord("unknown_version", f"{kind} is a version this build does not know")
    raise InvalidRecord("unknown_type", f"{kind} is not in the catalogue")


def decode(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]], timestamp: int) -> Decoded[Message]:
    """``timestamp`` is the append time in milliseconds. Raises InvalidRecord, and nothing else, for a record that is wrong."""
    size = len(key or b"") + len(value or b"") + sum([len(n) + len(v or b"") for n, v in headers])
    if size > MAXIMUM_RECORD:
        raise InvalidRecord("too_large", f"{size} bytes, at most {MAXIMUM_RECORD} are allowed")
    if not key:
        raise InvalidRecord("missing_key", "a record needs its aggregate's id as key")
    envelope = _envelope(key, headers)
    model = model_of(envelope.kind)
    # Instants of one width compare as texts do, and the broker's is formatted once for all records of its millisecond.
    if envelope.time and envelope.time > from_milliseconds(timestamp + FUTURE_TOLERANCE):
        raise InvalidRecord("future_time", f"ce_time {envelope.time} lies ahead of the log")
    data = _data(model, value or b"")
    if isinstance(data, CommandData) and data.key != envelope.subject:
        raise InvalidRecord("key_mismatch", "the record's key is not that of the aggregate its data names")
    return Decoded(envelope, data)


def _envelope(key: bytes, headers: Sequence[tuple[str, bytes | None]]) -> Envelope:
    try:
        texts = text_headers(headers)
        subject = key.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord("not_utf8", "key or headers are not UTF-8") from error
    except ValueError as error:
        raise InvalidRecord("invalid_header", str(error)) from error
    if not texts.get("ce_type"):
        raise InvalidRecord("missing_type", "header ce_type is missing")
    if texts.setdefault("ce_subject", subject) != subject:
        raise InvalidRecord("key_mismatch", "ce_subject is not the record's key")
    try:
        envelope = Envelope.from_headers(texts)
        if envelope.time:
            _INSTANT.validate_python(envelope.time)
    except KeyError as error:
        raise InvalidRecord("missing_header", f"header {error.args[0]} is missing") from error
    except ValueError:
        raise InvalidRecord("invalid_header", "ce_time, ce_position, ce_settled or a ce_replay header is not of its form") from None
    return envelope


def _data(model: type[Message], value: bytes) -> Message:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord("not_utf8", "the value is not UTF-8") from error
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise InvalidRecord("not_json", "the value is not JSON") from None
        fault = first_fault(error, model)
        raise InvalidRecord("invalid_payload", f"{fault.where or 'value'}: {fault.what}") from None
