"""A message as the log has it, without its values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import orjson

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import Envelope, text_headers
from contracts.marks import marked_fields
from contracts.message import CommandData, Message
from contracts.types import Timestamp
from workers.engine.record import Partition, Record


class Place(NamedTuple):
    partition: Partition
    offset: int

    def __str__(self) -> str:
        return f"{self.partition.topic.removeprefix('mindlinks.')}/{self.partition.number}/{self.offset}"


@dataclass(slots=True)
class Heard:
    """``places``: where it stands, the first one first; more than one where it was published again. ``copies``: the replays that handed it
    to its consumer once more. ``data`` is None for a record that cannot be read, and then ``unreadable`` says why."""

    envelope: Envelope
    at: int
    size: int
    data: Message | None = None
    unreadable: str = ""
    fields: Sequence[str] = ()
    places: list[Place] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, record: Record) -> Self | None:
        """None for a record that has no id."""
        size = len(record.value or b"")
        try:
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
        except InvalidRecord as invalid:
            envelope = _envelope(record)
            return cls(envelope, record.timestamp, size, unreadable=invalid.code) if envelope else None
        return cls(decoded.envelope, record.timestamp, size, decoded.data, fields=_fields(decoded.data, record.value or b"{}"))

    @property
    def id(self) -> str:
        return self.envelope.id

    @property
    def key(self) -> str:
        return self.envelope.subject

    @property
    def place(self) -> Place:
        return self.places[0]

    @property
    def is_command(self) -> bool:
        return isinstance(self.data, CommandData) if self.data else self.place.partition.topic.endswith(".commands")

    @property
    def name(self) -> str:
        return type(self.data).__name__ if self.data else "unreadable record"

    @property
    def service(self) -> str:
        return self.place.partition.topic.split(".")[1]

    @property
    def sender(self) -> tuple[str, str]:
        """Who published it, as service (or ``ingress``) and role (or provider)."""
        parts = self.envelope.source.removeprefix("/mindlinks/").split("/")
        return (parts[0], parts[1]) if self.envelope.source.startswith("/mindlinks/") and len(parts) == 2 else ("", self.envelope.source)


def _envelope(record: Record) -> Envelope | None:
    try:
        headers = text_headers(record.headers)
        key = (record.key or b"").decode()
        return Envelope.from_headers({"ce_type": "-", **headers, "ce_subject": key})
    except (KeyError, ValueError):
        texts = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        name = texts.get("ce_id")
        return Envelope(name, "-", "", "", Timestamp(""), texts.get("ce_correlationid", name), name, "") if name else None


def _fields(data: Message, value: bytes) -> tuple[str, ...]:
    """Names alone; what is sealed, or holds something sealed, says so."""
    marked = {path.partition(".")[0] for path in marked_fields(type(data))}
    return tuple(f"{name} (sealed)" if name in marked else name for name in orjson.loads(value))
