"""One command of the log judged again by today's decisions, over the shadow's rows instead of the live ones.

Decisions see only their own key's rows and what they ask for, so the log's order within each partition is enough, with two exceptions
that hang on the order between keys: rows of other keys, read as they were by append time; and claims, where what was told to the world
says who was first.

What was told to the world about a command stands, for others acted on it. So a command that a bug had dropped or refused, and that people
did once more by a replay, is passed over where it first stood: its repetition, further on in the log, is what took effect.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import text_headers
from contracts.ids import digest
from contracts.message import EventData
from contracts.platform import WORDS, DiscardRecord, SkipRecord
from contracts.position import Origin, Position
from contracts.replay import Replay
from workers.engine.decision import Claim, Item, ItemRef
from workers.engine.fold import Circumstances, Folded, Found, Missing, Waiting, fold
from workers.engine.intake import ByPeople, waiting_of
from workers.engine.outcome import Outcome, Said
from workers.engine.record import Record
from workers.engine.root import DIGEST, VERSION, Root, exists, plain
from workers.engine.service import Service
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.standing import Aside
from workers.ops.rebuild.words import is_part, refusal, told, took_effect, without_effect, word

ANOTHER_VERSION = "Run the rebuild from a version that can judge it (the one that did), or mend the cause and come back."
LINE_GONE = "Bring platform-parked back as well (mindlinks story of the key shows what waited), then run the rebuild again."
WORDS_SAID = tuple(f".{word.__name__}.v{word.version}".encode() for word in WORDS)


@dataclass(frozen=True, slots=True)
class Stuck:
    """From ``position`` on nothing can be said of a key: why, and what to do."""

    position: str
    why: str
    advice: str


class Rebuilding:
    """``counts``: records by how they ended, as the worker's metric counts verdicts; others beside them. ``stuck``: keys of which one
    command can't be judged, so nothing behind it can. ``holds``: lost roots whose parked line is still there, with its last position."""

    def __init__(self, service: Service, shadow: Shadow) -> None:
        self._service, self._shadow = service, shadow
        self.counts: Counter[str] = Counter()
        self.stuck: dict[ItemRef, Stuck] = {}
        self.holds: dict[ItemRef, Position] = {}
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
            self._shadow.hear(envelope.position, envelope.id, word(said))

    def heed(self, origin: Origin, record: Record) -> None:
        """One record of the commands topic, before any is applied: what people passed over or did once more stands in front of that."""
        if replay := _replay_of(record):
            original, copy = replay
            self._shadow.repeats(Position(origin, record.offset), original, copy=copy)
        if any(name == "ce_type" and value and value.endswith(WORDS_SAID) for name, value in record.headers):
            data = decode(record.key, record.value, record.headers, record.timestamp).data
            if isinstance(data, SkipRecord | DiscardRecord) and data.role == f"{self._service.name}-commands":
                # A copy that was passed over had its original's place: neither took effect.
                self._passed |= {data.position, self._shadow.original(data.position) or data.position}

    def read(self, origin: Origin, record: Record) -> tuple[ItemRef, Waiting] | None:
        """The command that one record of the commands topic is; None for what no decision is asked about."""
        try:
            return waiting_of(self._service, origin, record)
        except ByPeople:
            return None
        except InvalidRecord:
            self.counts["invalid"] += 1
            return None

    def root_of(self, origin: Origin, record: Record) -> ItemRef | None:
        """None where ``read`` has None."""
        try:
            return waiting_of(self._service, origin, record)[0]
        except InvalidRecord:
            return None

    def put_aside(self, root: ItemRef, waiting: Waiting, aside: Aside) -> None:
        """One command that is in quarantine and holds nobody up."""
        if aside is Aside.PASSED:
            self.pass_over(root, waiting, "in quarantine")
        else:
            self.counts["in quarantine"] += 1

    def apply(self, root: ItemRef, waiting: Waiting, *, owed: bool = False) -> None:
        """One command that the live worker has processed. ``owed``: of whatever was not told of it the root keeps the outcome, so that the
        worker tells it."""
        if root in self.stuck:
            self.counts["behind poison"] += 1
            self._shadow.leave(waiting.command.id, root)
            return
        place = Position(waiting.origin, waiting.offset)
        said = self._shadow.told(place)
        if self.is_passed(waiting) and not took_effect(said):
            self.pass_over(root, waiting, "passed over")
            return
        before, folded = self._folded(root, waiting, said)
        if folded.fault is not None:
            self._failed(root, waiting, folded.fault, said)
            return
        rebuilt = [word(each) for outcome in folded.outcomes for each in outcome.said]
        reason = folded.verdicts[0].reason
        differs = reason != "recognised" and told(said) != told(rebuilt)
        if differs and without_effect(said) and any(map(took_effect, self._shadow.redone(place))):
            self.pass_over(root, waiting, "done later")
            return
        self.counts[reason] += 1
        untold = owed and differs and is_part(told(said), told(rebuilt))
        if folded.write:
            self._keep(root, place, before, folded, folded.outcomes if untold else ())
        if differs and not untold:
            self._shadow.differs(root, waiting.command.key, place, folded.outcomes[0] if folded.outcomes else None, told(rebuilt))

    def wait(self, root: ItemRef, waiting: Waiting, *, parked: bool) -> bool:
        """One command, settled and not processed, of a root that is lost: its line is to be there for the root that is put back. False for
        one that waits for nothing."""
        if parked:
            self.holds[root] = Position(waiting.origin, waiting.offset)
            self._shadow.put_absent(root, waiting.place, Root().at(1).attributes())
        elif self.is_passed(waiting):
            return False
        else:
            self._stop(root, waiting, "its row is missing in the line of its parked key", LINE_GONE)
        return True

    def is_passed(self, waiting: Waiting) -> bool:
        """By a word that names the record, or the place in which it is judged."""
        return not self._passed.isdisjoint((f"{waiting.origin}/{waiting.offset}", str(waiting.place)))

    def took_effect(self, waiting: Waiting) -> bool:
        return took_effect(self._shadow.told(Position(waiting.origin, waiting.offset)))

    def pass_over(self, root: ItemRef, waiting: Waiting, why: str) -> None:
        """Seen, and nothing changed by it."""
        self.counts[why] += 1
        item = self._shadow.get([root]).get(root, {})
        books, place = Root.of(item), waiting.place
        if not books.has_seen(place.origin, place.offset):
            books = books.noted(place.origin, place.offset, waiting.command.id)
            self._shadow.put(root, root, place, {**plain(item), **books.at(books.version + 1).attributes()})

    def _failed(self, root: ItemRef, waiting: Waiting, fault: Exception, said: Sequence[str]) -> None:
        """As live: what has no order lets the rest pass; anything else ends what can be said of its key."""
        if not waiting.handler.ordered and not said:
            self.pass_over(root, waiting, "passed over")
            return
        self.counts["poison"] += 1
        kind = type(waiting.command.data).__name__
        self._stop(root, waiting, f"{kind} raises {type(fault).__name__} in this version's decisions", ANOTHER_VERSION)

    def _stop(self, root: ItemRef, waiting: Waiting, why: str, advice: str) -> None:
        """A key without a row is to be named as well."""
        self.stuck.setdefault(root, Stuck(f"{waiting.origin}/{waiting.offset}", why, advice))
        self._shadow.leave(waiting.command.id, root)
        self._shadow.put_absent(root, waiting.place, Root().at(1).attributes())

    def _folded(self, root: ItemRef, waiting: Waiting, said: Sequence[str]) -> tuple[Mapping[ItemRef, Item], Folded]:
        raw: dict[ItemRef, Item] = self._shadow.get([root])
        shared: dict[ItemRef, Item] = {}
        known, circumstances = {root}, Circumstances()
        while True:
            own = {ref: plain(item) for ref, item in raw.items() if exists(item)}
            found = Found(_books(raw.get(root, {}), waiting, said), own, shared, frozenset(known))
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

    def _keep(self, root: ItemRef, position: Position, before: Mapping[ItemRef, Item], folded: Folded, owed: tuple[Outcome, ...]) -> None:
        row = folded.rows.get(root) or plain(before.get(root, {}))
        self._shadow.put(root, root, position, {**row, **folded.root.carrying((*folded.root.outcomes, *owed)).attributes()})
        for ref, row in folded.rows.items():
            if ref != root:
                version = before.get(ref, {}).get(VERSION, 0)
                self._shadow.put(ref, root, position, {**row, VERSION: version + 1})
        for claim in folded.claims:
            if isinstance(claim, Claim):
                self._shadow.put(claim.ref, root, position, claim.item)
            elif self._shadow.get([claim.ref]).get(claim.ref, {}).get(claim.attribute) == claim.value:
                self._shadow.delete(claim.ref)


def _books(item: Item, waiting: Waiting, said: Sequence[str]) -> Root:
    """A command that took effect was not recognised by its id: what had that id before was passed over unread."""
    root = Root.of(item)
    if took_effect(said) and root.knows(waiting.command.id):
        wanted = digest(waiting.command.id)
        ids = [root.recent[at : at + DIGEST] for at in range(0, len(root.recent), DIGEST)]
        return replace(root, recent=b"".join(each for each in ids if each != wanted))
    return root


def _replay_of(record: Record) -> tuple[Position, bool] | None:
    """What a record repeats, and whether as a copy; None for a record that repeats none, or does not say so readably."""
    if not any(name == "ce_replayof" for name, _ in record.headers):
        return None
    try:
        replay = Replay.from_headers(text_headers(record.headers))
    except ValueError:
        return None
    return (replay.of, replay.is_copy) if replay and replay.of else None
