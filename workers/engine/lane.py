"""One root's waiting records, what is known of its rows, and what of it is still in the air. Lanes run side by side; within one, order."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.engine.decision import Claim, Item, ItemRef, ReleaseClaim
from workers.engine.fold import Circumstances, Folded, Found, Waiting
from workers.engine.outcome import Outcome
from workers.engine.ports import Absent, AttributeIs, VersionIs, Write
from workers.engine.publisher import Publisher
from workers.engine.role import Owned
from workers.engine.root import OUTCOMES, VERSION, Root, exists, plain

LARGEST_TRANSACTION = 100


@dataclass(slots=True)
class Entry:
    """The rows of one key as last loaded or written. ``raw`` are whole items, ``own`` the service's attributes of those that exist."""

    root: Root
    raw: dict[ItemRef, Item] = field(default_factory=dict)
    own: dict[ItemRef, Item] = field(default_factory=dict)
    known: set[ItemRef] = field(default_factory=set)

    def learn(self, refs: Sequence[ItemRef], items: Mapping[ItemRef, Item]) -> None:
        self.known.update(refs)
        for ref in refs:
            if (item := items.get(ref)) is not None:
                self.raw[ref] = item
                if exists(item):
                    self.own[ref] = plain(item)


@dataclass(slots=True, eq=False)
class Shard:
    """One owned partition of the commands role: its lanes, oldest use first, and the publisher of its events partition."""

    owned: Owned
    publisher: Publisher
    lanes: dict[ItemRef, "Lane"] = field(default_factory=dict)
    busy: int = 0
    """Lanes in a cycle right now."""


@dataclass(slots=True, eq=False)
class Lane:
    """``in_air``: outcomes handed to the publisher and not acknowledged, by offset. ``riding``: those of them that no write has stored
    yet (refusals on an absent root); the next write takes them along. ``acknowledged``: stored ones the next write may drop.
    ``singly``: so many commands are folded one at a time, after a fold of several failed in its transaction. ``overruled`` and
    ``rejected``: what earlier attempts taught, by offset. ``drain_wanted``: its parked line is due and waits for the lane to be idle."""

    shard: Shard
    ref: ItemRef
    key: str
    waiting: deque[Waiting] = field(default_factory=deque)
    entry: Entry | None = None
    busy: bool = False
    unpublished: int = 0
    in_air: set[tuple[str, int]] = field(default_factory=set)
    acknowledged: set[tuple[str, int]] = field(default_factory=set)
    riding: list[Outcome] = field(default_factory=list)
    overruled: dict[int, str] = field(default_factory=dict)
    rejected: dict[int, Exception] = field(default_factory=dict)
    drain_wanted: bool = False
    singly: int = 0
    attempts: int = 0

    @property
    def pinned(self) -> bool:
        """True while forgetting what is known would lose something or fold over something in flight."""
        return self.busy or self.drain_wanted or bool(self.waiting) or bool(self.in_air) or bool(self.riding)

    def remember_acknowledged(self, places: Collection[tuple[str, int]]) -> None:
        """Of those that no row carries nothing need be remembered, unless a write that carries them is under way."""
        self.acknowledged.update(places)
        if not self.busy and self.entry is not None:
            self.acknowledged &= {(outcome.origin, outcome.offset) for outcome in self.entry.root.outcomes}

    def circumstances(self, *, draining: bool = False) -> Circumstances:
        return Circumstances(self.overruled, self.rejected, draining)

    def next_records(self, most: int) -> list[Waiting]:
        count = 1 if self.singly else most
        return [self.waiting[i] for i in range(min(count, len(self.waiting)))]

    def found(self, shared: Mapping[ItemRef, Item], known: frozenset[ItemRef]) -> Found:
        assert self.entry is not None
        return Found(self.entry.root, self.entry.own, shared, known.union(self.entry.known))

    def with_books(self, folded: Folded) -> Folded:
        """The fold's root with the outcomes it must carry: those still owed, those riding, and the new ones."""
        assert self.entry is not None
        owned = self.shard.owned
        kept = tuple(
            outcome
            for outcome in self.entry.root.owed(owned.origin, owned.committed)
            if (outcome.origin, outcome.offset) not in self.acknowledged
        )
        return folded.with_root(folded.root.carrying((*kept, *self.riding, *folded.outcomes)))

    def writes(self, folded: Folded) -> list[Write]:
        """The root first, then rows of the key, then claims."""
        assert self.entry is not None
        root_row = {**(folded.rows.get(self.ref) or self.entry.own.get(self.ref, {})), **folded.root.attributes(self._packed())}
        version = self.entry.root.version
        root = Write(self.ref, self.entry.raw.get(self.ref), root_row, VersionIs(version) if version else Absent())
        rows = [self._row(ref, row) for ref, row in folded.rows.items() if ref != self.ref]
        return [root, *rows, *(_claim(claim) for claim in folded.claims)]

    def _packed(self) -> dict[int, bytes]:
        """What the row carries already: a hot root's outcomes ride through several writes until they are acknowledged."""
        assert self.entry is not None
        outcomes = self.entry.root.outcomes
        resting: Sequence[bytes] = self.entry.raw[self.ref][OUTCOMES] if outcomes else ()
        return {id(outcome): packed for outcome, packed in zip(outcomes, resting, strict=True)}

    def _row(self, ref: ItemRef, row: Item) -> Write:
        assert self.entry is not None
        before = self.entry.raw.get(ref)
        version: int = before.get(VERSION, 0) if before else 0
        return Write(ref, before, {**row, VERSION: version + 1}, VersionIs(version) if before else Absent())

    def written(self, folded: Folded, writes: Sequence[Write]) -> None:
        """The store has them."""
        assert self.entry is not None
        for write in writes:
            if write.ref == self.ref or write.ref in folded.rows:
                assert write.after is not None
                self.entry.raw[write.ref] = write.after
                self.entry.known.add(write.ref)
        self.entry.own.update(folded.rows)
        self.entry.root = folded.root
        self.riding.clear()
        self.acknowledged &= {(outcome.origin, outcome.offset) for outcome in folded.root.outcomes}
        self.attempts = 0


def _claim(claim: Claim | ReleaseClaim) -> Write:
    if isinstance(claim, ReleaseClaim):
        return Write(claim.ref, None, None, AttributeIs(claim.attribute, claim.value))
    item: dict[str, Any] = dict(claim.item)
    return Write(claim.ref, None, item, Absent())
