"""CloudEvents 1.0, Kafka binding, binary mode."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from contracts.position import Position, is_offset
from contracts.replay import Replay
from contracts.types import Timestamp

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"

Header = tuple[str, bytes]
LARGEST_HEADER = 512
"""Bytes. What a message says travels on with all that it causes, which must fit a record too."""
_OWN = ("ce_", "traceparent")
_VERSION: Header = ("ce_specversion", SPEC_VERSION.encode())
_CONTENT: Header = ("content-type", CONTENT_TYPE.encode())


@dataclass(frozen=True, slots=True)
class ReceiptTicket:
    """Travels with a command that wants a receipt and with its outcome, so that the receipt names who asked and for what body."""

    client: str
    body_hash: str
    kind: str = ""
    """The command's kind; filled in by the worker that judges it."""


class Envelope(NamedTuple):
    """The headers of one message. ``subject`` is the record's key, ``position`` and ``settled`` are on events only (counting once).

    A tuple, because two are made for every command, and a frozen dataclass of fourteen fields takes 1.9 us to make, this 0.4 to 0.9.
    """

    id: str
    kind: str
    source: str
    subject: str
    time: Timestamp
    correlation_id: str
    causation_id: str
    actor: str
    traceparent: str | None = None
    receipt: ReceiptTicket | None = None
    sequence: str | None = None
    position: Position | None = None
    settled: int | None = None
    late: bool = False
    replay: Replay | None = None

    def headers(self) -> list[Header]:
        headers: list[Header] = [
            _VERSION,
            ("ce_id", self.id.encode()),
            ("ce_type", self.kind.encode()),
            ("ce_source", self.source.encode()),
            ("ce_subject", self.subject.encode()),
            ("ce_time", self.time.encode()),
            ("ce_correlationid", self.correlation_id.encode()),
            ("ce_causationid", self.causation_id.encode()),
            ("ce_actor", self.actor.encode()),
            _CONTENT,
        ]
        headers += [(name, text.encode()) for name, text in self._optional() if text is not None]
        return headers

    def _optional(self) -> Iterable[tuple[str, str | None]]:
        pairs = [
            ("traceparent", self.traceparent),
            ("ce_sequence", self.sequence),
            ("ce_position", str(self.position) if self.position else None),
            ("ce_settled", str(self.settled) if self.settled is not None else None),
            ("ce_late", "1" if self.late else None),
        ]
        if self.receipt:
            pairs += [("ce_receipt", "1"), ("ce_client", self.receipt.client), ("ce_bodyhash", self.receipt.body_hash)]
            pairs += [("ce_commandtype", self.receipt.kind or None)]
        if self.replay:
            pairs += self.replay.pairs()
        return pairs

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Self:
        """``headers`` are text by name. Raises KeyError for a missing required one, ValueError for a malformed one."""
        position, settled = headers.get("ce_position"), headers.get("ce_settled")
        ticket = _ticket(headers) if headers.get("ce_receipt") == "1" else None
        return cls(
            id=headers["ce_id"],
            kind=headers["ce_type"],
            source=headers.get("ce_source", ""),
            subject=headers.get("ce_subject", ""),
            time=Timestamp(headers.get("ce_time", "")),
            correlation_id=headers.get("ce_correlationid") or headers["ce_id"],
            causation_id=headers.get("ce_causationid") or headers["ce_id"],
            actor=headers.get("ce_actor") or "public",
            traceparent=headers.get("traceparent"),
            receipt=ticket,
            sequence=headers.get("ce_sequence"),
            position=Position.parse(position) if position else None,
            settled=_settled(settled) if settled else None,
            late=headers.get("ce_late") == "1",
            replay=Replay.from_headers(headers) if "ce_replay" in headers else None,
        )


def _settled(text: str) -> int:
    if not is_offset(text):
        raise ValueError(f"not an offset: {text!r}")
    return int(text)


def _ticket(headers: Mapping[str, str]) -> ReceiptTicket:
    return ReceiptTicket(headers.get("ce_client", ""), headers.get("ce_bodyhash", ""), headers.get("ce_commandtype", ""))


def text_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Header values as text, tolerant of foreign producers: what is not UTF-8 is left out unless it is one of ours.

    Raises UnicodeDecodeError when one of our own headers is not UTF-8, ValueError when one is too long.
    """
    result: dict[str, str] = {}
    for name, value in headers:
        if value is None:
            continue
        if len(value) > LARGEST_HEADER and name.startswith(_OWN):
            raise ValueError(f"a ce_ header or traceparent has more than {LARGEST_HEADER} bytes")
        try:
            result[name] = value.decode()
        except UnicodeDecodeError:
            if name.startswith("ce_"):
                raise
    return result


def sequence(version: int, index: int) -> str:
    return f"{version:010d}.{index:04d}"
