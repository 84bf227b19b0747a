"""The bookkeeping that one root item carries: its own inbox and outbox (docs/architecture.md). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from contracts.ids import digest
from contracts.position import Origin, Position
from contracts.types import CommandId
from workers.engine.decision import Item
from workers.engine.outcome import Outcome

RING = 16
DIGEST = 8
PREFIX = "_"
VERSION, SEEN, RECENT, OUTCOMES, HOLD = "_version", "_seen", "_recent", "_outcomes", "_hold"


@dataclass(frozen=True, slots=True)
class Root:
    """``seen``: per origin the highest offset applied. ``recent``: digests of the last 16 command ids, oldest first.
    ``outcomes``: verdicts not yet known published, oldest first. ``hold``: the last parked record while the root is parked."""

    version: int = 0
    seen: Mapping[Origin, int] = field(default_factory=dict)
    recent: bytes = b""
    outcomes: tuple[Outcome, ...] = ()
    hold: Position | None = None

    @classmethod
    def of(cls, item: Item) -> Self:
        return cls(
            version=item.get(VERSION, 0),
            seen=item.get(SEEN, {}),
            recent=item.get(RECENT, b""),
            outcomes=tuple(Outcome.unpack(packed) for packed in item.get(OUTCOMES, ())),
            hold=Position.parse(item[HOLD]) if HOLD in item else None,
        )

    def attributes(self, packed: Mapping[int, bytes] = MappingProxyType({})) -> dict[str, Any]:
        """As they rest on the item; empty ones are left out. ``packed``: outcomes that need not be packed again, by ``id``."""
        attributes: dict[str, Any] = {VERSION: self.version, SEEN: dict(self.seen)}
        if self.recent:
            attributes[RECENT] = self.recent
        if self.outcomes:
            attributes[OUTCOMES] = [packed.get(id(outcome)) or outcome.pack() for outcome in self.outcomes]
        if self.hold is not None:
            attributes[HOLD] = str(self.hold)
        return attributes

    def has_seen(self, origin: Origin, offset: int) -> bool:
        return offset <= self.seen.get(origin, -1)

    def knows(self, command: CommandId) -> bool:
        """True for one of the last 16 commands judged here, at whatever offset."""
        wanted = digest(command)
        at = self.recent.find(wanted)
        while at > 0 and at % DIGEST:
            at = self.recent.find(wanted, at + 1)
        return at >= 0

    def noted(self, origin: Origin, offset: int, command: CommandId | None = None) -> Self:
        """With this offset seen, and the command's id in the ring when it is given. What was seen stays seen."""
        highest = max(offset, self.seen.get(origin, -1))
        recent = (self.recent + digest(command))[-RING * DIGEST :] if command else self.recent
        return type(self)(self.version, {**self.seen, origin: highest}, recent, self.outcomes, self.hold)

    def at(self, version: int) -> Self:
        """Written out, as in ``carrying``: ``dataclasses.replace`` takes four times as long, and every change does both."""
        return type(self)(version, self.seen, self.recent, self.outcomes, self.hold)

    def carrying(self, outcomes: tuple[Outcome, ...]) -> Self:
        return type(self)(self.version, self.seen, self.recent, outcomes, self.hold)

    def owed(self, origin: Origin, watermark: int) -> tuple[Outcome, ...]:
        """What whoever loads this root publishes first: everything not known to be published. ``watermark``: the committed one of
        ``origin``; of other origins (a topic made anew) nothing is known."""
        return tuple(o for o in self.outcomes if self.hold is not None or o.origin != origin or o.offset >= watermark)


def plain(item: Item) -> dict[str, Any]:
    """The service's own attributes: what "byte for byte" is measured on."""
    return {name: value for name, value in item.items() if not name.startswith(PREFIX)}


def exists(item: Item) -> bool:
    """A root that only keeps books (a refusal on an absent one that read another row) is absent to everybody else."""
    return "createdAt" in item
