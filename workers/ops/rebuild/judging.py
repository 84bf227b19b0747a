"""One command of the log judged again by today's decisions, over the shadow's rows instead of the live ones.

Decisions see only their own key's rows and what they ask for, so the log's order within each partition is enough, with two exceptions
that hang on the order between keys: rows of other keys, read as they were by append time; and claims, where what was told to the world
says who was first.

What was told to the world about a command stands, for others acted on it. So a command that a bug had dropped or refused, and that people
did once more by a replay, is passed over where it first stood: its repetition, further on in the log, is what took effect.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import text_headers
from contracts.message import EventData
from contracts.platform import WORDS, DiscardRecord, SkipRecord
from contracts.position import Origin, Position
from contracts.replay import Replay
from workers.engine.decision import Claim, Item, ItemRef
from workers.engine.fold import Circumstances, Folded, Found, Missing, Waiting, fold
from workers.engine.intake import ByPeople, waiting_of
from workers.engine.outcome import Said
from workers.engine.record import Record
from workers.engine.root import VERSION, Root, exists, plain
from workers.engine.service import Service
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.words import refusal, told, took_effect, without_effect, word

WORDS_SAID = tuple(f".{word.__name__}.v{word.version}".encode() for word in WORDS)


class Rebuilding:
    """``counts``: records by how they ended, as the worker's metric counts verdicts; ``invalid`` and ``poison`` beside them."""

    def __init__(self, service: Service, shadow: Shadow) -> None:
        self._service, self._shadow = service, shadow
        self.counts: Counter[str] = Counter()
        self._passed: set[str] = set()

    def hear(self, record: Record) -> None:
        """One record of the events topic."""
        try:
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
        except InvalidRecord:
            return
        envelope, data = decoded.envelope, decoded.data
        if envelope.position is not None and isinstance(data, EventData):
            said = Said(type(data).__name__, envelope.kind, record.value or b"")
            self._shadow.hear(envelope.position, envelope.sequence or "", word(said))

    def heed(self, origin: Origin, record: Record) -> None:
        """One record of the commands topic, before any is applied: what people passed over or did once more stands in front of that."""
        if replay := _replay_of(record):
            original, copy = replay
            self._shadow.repeats(Position(origin, record.offset), original, copy=copy)
        if any(name == "ce_type" and value and value.endswith(WORDS_SAID) for name, value in record.headers):
            data = decode(record.key, record.value, record.headers, record.timestamp).data
            if isinstance(data, SkipRecord | DiscardRecord) and data.role == f"{self._service.name}-commands":
                self._passed.add(data.position)

    def apply(self, origin: Origin, record: Record) -> None:
        """One record of the commands topic."""
        try:
            root, waiting = waiting_of(self._service, origin, record)
        except ByPeople:
            return
        except InvalidRecord:
            self.counts["invalid"] += 1
            return
        if str(waiting.place) in self._passed:
            self._pass(root, waiting, "passed over")
            return
        place = Position(origin, record.offset)
        said = self._shadow.told(place)
        before, folded = self._folded(root, waiting, said)
        if folded.fault is not None:
            self.counts["poison"] += 1
            return
        rebuilt = [word(each) for outcome in folded.outcomes for each in outcome.said]
        reason = folded.verdicts[0].reason
        differs = reason != "recognised" and told(said) != told(rebuilt)
        if differs and without_effect(said) and any(map(took_effect, self._shadow.redone(place))):
            self._pass(root, waiting, "done later")
            return
        self.counts[reason] += 1
        if folded.write:
            self._keep(root, place, before, folded)
        if differs:
            outcome = folded.outcomes[0] if folded.outcomes else None
            self._shadow.differs(root, waiting.command.key, place, told(said), outcome, told(rebuilt))

    def _pass(self, root: ItemRef, waiting: Waiting, why: str) -> None:
        """Seen, and nothing changed by it."""
        self.counts[why] += 1
        item = self._shadow.get([root]).get(root, {})
        books = Root.of(item).noted(waiting.place.origin, waiting.place.offset, waiting.command.id)
        self._shadow.put(root, root, waiting.place, {**plain(item), **books.at(books.version + 1).attributes()})

    def _folded(self, root: ItemRef, waiting: Waiting, said: Sequence[str]) -> tuple[Mapping[ItemRef, Item], Folded]:
        raw: dict[ItemRef, Item] = self._shadow.get([root])
        shared: dict[ItemRef, Item] = {}
        known, circumstances = {root}, Circumstances()
        while True:
            own = {ref: plain(item) for ref, item in raw.items() if exists(item)}
            found = Found(Root.of(raw.get(root, {})), own, shared, frozenset(known))
            folded = fold(found, [waiting], self._service.name, circumstances)
            if isinstance(folded, Missing):
                for read in folded.reads:
                    (shared if read.shared else raw).update(self._shadow.get([read.ref]))
                known |= {read.ref for read in folded.reads}
            elif circumstances.overruled or (lost := self._lost(folded, said)) is None:
                return raw, folded
            else:
                circumstances = Circumstances(overruled={waiting.offset: lost})

    def _lost(self, folded: Folded, said: Sequence[str]) -> str | None:
        """The refusal of a command that came too late for a claim; None when it got all of its claims."""
        claims = [claim for claim in folded.claims if isinstance(claim, Claim) and claim.refusal]
        refused = {refusal(claim.refusal): claim.refusal for claim in claims if claim.refusal}
        if said:
            return next((refused[each] for each in said if each in refused), None)
        return next((claim.refusal for claim in claims if self._shadow.get([claim.ref])), None)

    def _keep(self, root: ItemRef, position: Position, before: Mapping[ItemRef, Item], folded: Folded) -> None:
        row = folded.rows.get(root) or plain(before.get(root, {}))
        self._shadow.put(root, root, position, {**row, **folded.root.carrying(()).attributes()})
        for ref, row in folded.rows.items():
            if ref != root:
                version = before.get(ref, {}).get(VERSION, 0)
                self._shadow.put(ref, root, position, {**row, VERSION: version + 1})
        for claim in folded.claims:
            if isinstance(claim, Claim):
                self._shadow.put(claim.ref, root, position, claim.item)
            elif self._shadow.get([claim.ref]).get(claim.ref, {}).get(claim.attribute) == claim.value:
                self._shadow.delete(claim.ref)


def _replay_of(record: Record) -> tuple[Position, bool] | None:
    """What a record repeats, and whether as a copy; None for a record that repeats none, or does not say so readably."""
    if not any(name == "ce_replayof" for name, _ in record.headers):
        return None
    try:
        replay = Replay.from_headers(text_headers(record.headers))
    except ValueError:
        return None
    return (replay.of, replay.is_copy) if replay and replay.of else None
