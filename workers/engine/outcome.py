"""What a verdict says to the world: the messages of one command, as they are stored on its root until they are known published."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import orjson

from contracts.envelope import Envelope, ReceiptTicket, sequence
from contracts.ids import event_id
from contracts.position import Origin, Position
from contracts.replay import Replay
from contracts.types import CommandId, Timestamp
from workers.engine.record import Outgoing

COMPRESS_ABOVE = 200
"""Bytes; below it compression costs more than it saves."""
SMALL_WINDOW, SMALL_MEMORY = 12, 5
"""zlib's defaults clear 256 KB before the first byte: three times the cost for the same result on a short text."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message: its name without the service, version suffix, JSON value, and whether it carries a sequence (refusals have none)."""

    name: str
    kind: str
    value: bytes
    sequenced: bool = True


class Outcome(NamedTuple):
    """The verdict on the command at ``origin``/``offset``. Everything a second publisher needs to say the same again.

    ``version`` is the root's version after the write that applied it (0: nothing was written), ``first`` the index of its first
    message within that write. ``traceparent`` is not stored: a second publication may lack it.
    """

    origin: Origin
    offset: int
    command: CommandId
    correlation: str
    actor: str
    at: Timestamp
    said: tuple[Said, ...]
    version: int = 0
    first: int = 0
    late: bool = False
    receipt: ReceiptTicket | None = None
    traceparent: str | None = None
    received: int = 0
    """The command's append time in milliseconds, for the latency metric; 0 when published from storage."""
    replay: Replay | None = None
    """What the messages say of the replay that made the command be judged; stored, for it keeps effects from being called."""

    @property
    def position(self) -> Position:
        return Position(self.origin, self.offset)

    def pack(self) -> bytes:
        """A marker byte (0 plain, 1 deflated) and JSON."""
        said = [[s.name, s.kind, s.value.decode(), s.sequenced] for s in self.said]
        ticket = [self.receipt.client, self.receipt.body_hash, self.receipt.kind] if self.receipt else None
        head = [self.origin, self.offset, self.command, self.correlation, self.actor, self.at, self.version, self.first, self.late]
        replay = [[self.replay.id, self.replay.effects, str(self.replay.of) if self.replay.of else None]] if self.replay else []
        text = orjson.dumps([*head, said, ticket, *replay])
        return b"\x01" + _compressed(text) if len(text) > COMPRESS_ABOVE else b"\x00" + text

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        text = zlib.decompress(packed[1:]) if packed[0] == 1 else packed[1:]
        fields: list[Any] = orjson.loads(text)
        origin, offset, command, correlation, actor, at, version, first, late, said, ticket, *replays = fields
        messages = tuple(Said(name, kind, value.encode(), sequenced) for name, kind, value, sequenced in said)
        receipt = ReceiptTicket(*ticket) if ticket else None
        replay = Replay(replays[0][0], replays[0][1], Position.parse(replays[0][2]) if replays[0][2] else None) if replays else None
        return cls(Origin(origin), offset, command, correlation, actor, at, messages, version, first, late, receipt, replay=replay)

    def messages(self, key: str, source: str, settled: int) -> Iterator[Outgoing]:
        """The records to append. ``settled``: the publisher's committed watermark of the command's partition."""
        for index, said in enumerate(self.said):
            envelope = Envelope(
                id=event_id(self.command, said.name, index),
                kind=said.kind,
                source=source,
                subject=key,
                time=self.at,
                correlation_id=self.correlation,
                causation_id=self.command,
                actor=self.actor,
                traceparent=self.traceparent,
                receipt=self.receipt,
                sequence=sequence(self.version, self.first + index) if said.sequenced else None,
                position=self.position,
                settled=settled,
                late=self.late,
                replay=self.replay,
            )
            yield Outgoing(key.encode(), said.value, envelope.headers())


def _compressed(text: bytes) -> bytes:
    if len(text) > 1 << SMALL_WINDOW:
        return zlib.compress(text, 1)
    deflate = zlib.compressobj(1, zlib.DEFLATED, SMALL_WINDOW, SMALL_MEMORY)
    return deflate.compress(text) + deflate.flush()
