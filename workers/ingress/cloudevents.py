"""CloudEvents 1.0 over HTTP: structured, binary and batch mode read into one shape. Pure; raises Problem and nothing else.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message as MimeHeader
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

import orjson

from workers.ingress.problems import Problem

Json = Mapping[str, Any]

SPEC_VERSION: Final = "1.0"
BINARY_PREFIX: Final = "ce-"


class Mode(StrEnum):
    """By content type."""

    STRUCTURED = "application/cloudevents+json"
    BINARY = "application/json"
    BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One command as it came. ``data`` may hold clear personal values: it is translated before it goes anywhere.

    ``extensions`` are the context attributes beyond the ones named here, as text.
    """

    type: str
    data: Json = field(repr=False)
    id: str | None
    subject: str | None
    extensions: Mapping[str, str]


def mode_of(content_type: str | None) -> Mode:
    header = MimeHeader()
    header["content-type"] = content_type or ""
    charset = header.get_content_charset("utf-8")
    try:
        mode = Mode(header.get_content_type() if content_type else "")
    except ValueError as error:
        raise Problem("unsupported_media_type", f"Content types taken here: {', '.join(Mode)}.") from error
    if charset not in ("utf-8", "us-ascii"):
        raise Problem("unsupported_media_type", f"Bodies are UTF-8, not {charset}.")
    return mode


def parse_json(body: bytes) -> Any:
    """Strict JSON: no NaN, no lone surrogates, which could not be written again."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Problem("not_utf8", "The body is not UTF-8.") from error
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Problem("not_json", "The body cannot be read as JSON.") from error


def structured(value: Any) -> CloudEvent:
    if not isinstance(value, Mapping):
        raise Problem("invalid_payload", "A CloudEvent is a JSON object.", field="event")
    if "data_base64" in value:
        raise Problem("invalid_payload", "Commands carry JSON in `data`.", field="data_base64")
    attributes = {name: _attribute(name, given) for name, given in value.items() if name != "data" and given is not None}
    return _event(attributes, value.get("data"))


def binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """``headers`` by lower-case name."""
    attributes = {name.removeprefix(BINARY_PREFIX): unquote(value) for name, value in headers.items() if name.startswith(BINARY_PREFIX)}
    return _event(attributes, parse_json(body))


def batch(body: bytes) -> Sequence[Any]:
    """The members, each still to be read by ``structured``: one wrong member does not spoil the others."""
    members = parse_json(body)
    if not isinstance(members, list):
        raise Problem("invalid_payload", "A batch is a JSON array.", field="batch")
    return members


def _attribute(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise Problem("invalid_payload", "Context attributes are text, numbers or booleans.", field=name)


def _event(attributes: Mapping[str, str], data: Any) -> CloudEvent:
    if attributes.get("specversion") != SPEC_VERSION:
        raise Problem("invalid_payload", f"specversion is {SPEC_VERSION}.", field="specversion")
    if not attributes.get("type"):
        raise Problem("invalid_payload", "A command needs its type.", field="type")
    if attributes.get("datacontenttype", Mode.BINARY) != Mode.BINARY:
        raise Problem("invalid_payload", f"Data is {Mode.BINARY.value}.", field="datacontenttype")
    if not isinstance(data, Mapping):
        raise Problem("invalid_payload", "Data is a JSON object.", field="data")
    named = ("specversion", "type", "id", "subject", "source", "time", "datacontenttype", "dataschema")
    return CloudEvent(
        type=attributes["type"],
        data=data,
        id=attributes.get("id"),
        subject=attributes.get("subject"),
        extensions={name: value for name, value in attributes.items() if name not in named},
    )
