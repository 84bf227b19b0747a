"""The verdict on a run: what the servers hold and saw, against what a service run without any fault comes to (the oracle)."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.catalogue import InvalidRecord, decode
from contracts.envelope import Envelope, text_headers
from contracts.ids import derived
from contracts.message import CommandData
from contracts.platform import CommandRefused
from contracts.position import Origin, Position
from contracts.replay import Replay
from contracts.topics import commands_topic, events_topic
from contracts.types import CommandId
from tests.simulation.verdicts import Judge, Judged, Message, before, named
from workers.engine.decision import ItemRef
from workers.engine.fold import BESIDE
from workers.engine.holds import HEAD
from workers.engine.parking import PARKED
from workers.engine.record import Partition, Record
from workers.engine.root import HOLD, RING, Root
from workers.engine.service import Service

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

BOOKS = "_seen"


@dataclass(frozen=True, slots=True)
class Publication:
    place: int
    record: Record
    envelope: Envelope

    @property
    def name(self) -> str:
        return named(self.envelope.id, self.envelope.subject)


class Evidence:
    """A run as far as one service goes, read once: commands judged by the oracle, events as published, commits as made. ``copies``: of
    events, by id, as replays appended them; nobody published those."""

    def __init__(self, simulation: Simulation, service: Service) -> None:
        self.simulation, self.profile = simulation, simulation.profile
        self.service = service
        self.roles = [role for other, role in self.profile.all_roles if other.name == service.name]
        self.published: dict[str, list[Publication]] = {}
        self.copies: dict[str, list[Replay]] = defaultdict(list)
        self.commits: list[tuple[int, str, Partition, int]] = []
        self.writes: list[tuple[int, ItemRef, Root]] = []
        self.commands: dict[Partition, list[Judged | None]] = defaultdict(list)
        self.invalid: list[tuple[Record, InvalidRecord]] = []
        self.parked: dict[tuple[Origin, int], int] = {}
        self.holds: dict[ItemRef, list[tuple[int, Position]]] = {}
        self._read()
        self.judge = Judge(self.profile, service, self._refusals())
        self._judge()

    def _read(self) -> None:
        commands, events = commands_topic(self.service.name), events_topic(self.service.name)
        for place, entry in enumerate(self.simulation.journal):
            if entry.what == "append":
                record: Record = entry.details[0]
                if record.partition.topic == commands:
                    self._command(record)
                elif record.partition.topic == events:
                    self._event(place, record)
            elif entry.what == "row":
                ref, item = entry.details
                if item and BOOKS in item:
                    self.writes.append((place, ref, Root.of(item)))
                    if HOLD in item:
                        self.holds.setdefault(ref, []).append((place, Position.parse(item[HOLD])))
                elif item and ref.table == PARKED and ref.range != HEAD:
                    self.parked.setdefault((item["origin"], item["offset"]), place)
            elif entry.what == "commit":
                group, partition, offset = entry.details
                self.commits.append((place, group, partition, offset.offset))

    def _event(self, place: int, record: Record) -> None:
        envelope = Envelope.from_headers(text_headers(record.headers))
        if envelope.replay and envelope.replay.is_copy:
            self.copies[envelope.id].append(envelope.replay)
        else:
            said = Publication(place, record, envelope)
            self.published.setdefault(said.name, []).append(said)

    def _command(self, record: Record) -> None:
        if record.offset < self.simulation.log.floors.get(record.partition, 0):
            # People moved the offsets past it: nobody was given it.
            self.commands[record.partition].append(None)
            return
        try:
            decoded = decode(record.key, record.value, record.headers, record.timestamp)
            assert isinstance(decoded.data, CommandData)
        except InvalidRecord as invalid:
            self.invalid.append((record, invalid))
            self.commands[record.partition].append(None)
        else:
            self.commands[record.partition].append(Judged(record, decoded.envelope, decoded.data))

    def _refusals(self) -> Mapping[tuple[str, str], set[str]]:
        """By command, and by where it stood: one that comes again beyond what its root remembers may get what it lost before."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for publications in self.published.values():
            if publications[0].envelope.kind.endswith(".CommandRefused.v1"):
                refusal = CommandRefused.model_validate_json(publications[0].record.value or b"")
                for each in publications:
                    found[refusal.command_id, str(each.envelope.position)].add(refusal.reason)
        return found

    def _judge(self) -> None:
        lanes: dict[ItemRef, deque[Judged]] = defaultdict(deque)
        for records in self.commands.values():
            for judged in records:
                if judged is not None:
                    handler = self.service.handler_of[judged.data.kind()]
                    lanes[handler.aggregate.root(judged.data.key)].append(judged)
        before: dict[ItemRef, Root] = {}
        for place, ref, root in self.writes:
            lane = lanes.get(ref, deque())
            passed = [lane.popleft() for _ in range(self._passed(lane, root))]
            held = any(earlier < place for earlier, _ in self.holds.get(ref, ()))
            copied = {each.envelope.id for each in passed if each.original and self._position(each) in _told(root)}
            for number, judged in enumerate(passed):
                judged.applied, position = place, self._position(judged)
                # Where a copy was judged in this write, its original had left no trace.
                books = Root() if judged.original is None and judged.envelope.id in copied else root
                if len(passed) - number > RING and (position.origin, position.offset) in self.parked:
                    # Judged out of its line, so with a trace, which others of the same write have pushed out of the ring.
                    books = books.noted(position.origin, position.offset, CommandId(judged.envelope.id))
                self.judge.judge(judged, self.simulation.log.origin(judged.record.partition), books if held else None)
            if lane and root.hold and before.get(ref, Root()).hold is None:
                self._hold(ref, lane[0], root)
            before[ref] = root
        for lane in lanes.values():
            for judged in lane:
                self.judge.judge(judged, self.simulation.log.origin(judged.record.partition))
                if judged.verdict != "refused":
                    judged.applied = len(self.simulation.journal)

    def _hold(self, ref: ItemRef, first: Judged, root: Root) -> None:
        """A record that is parked has everything before it behind it; but for a copy and what a replay causes."""
        last = first.record.offset - 1
        if first.envelope.replay is None and root.seen.get(self.simulation.log.origin(first.record.partition), -1) == last:
            self.judge.seen[ref] = max(last, self.judge.seen.get(ref, -1))

    def _passed(self, lane: Sequence[Judged], root: Root) -> int:
        """How many records at the beginning of the lane this write of its root has behind it: those up to the last one that it notes. Of a
        copy, which notes its original's place, its outcome tells; one without is recognised, and says nothing of what is before it."""
        passed = 0
        told = _told(root)
        for number, judged in enumerate(lane, 1):
            position = self._position(judged)
            if judged.original is not None:
                known = passed == number - 1 and judged.place <= root.seen.get(position.origin, -1)
                noted = known or position in told or position.offset <= root.seen.get(position.origin, -1)
            else:
                beside = Origin(f"{position.origin}{BESIDE}")
                noted = position.offset <= max(root.seen.get(position.origin, -1), root.seen.get(beside, -1))
            passed = number if noted else passed
        return passed

    def _position(self, judged: Judged) -> Position:
        return Position(self.simulation.log.origin(judged.record.partition), judged.record.offset)

    def parked_at(self, judged: Judged) -> int | None:
        """When the record was safe in its key's waiting line: its row stored, its root held at or beyond it."""
        handler = self.service.handler_of[judged.data.kind()]
        origin = self.simulation.log.origin(judged.record.partition)
        row = self.parked.get((origin, judged.record.offset))
        holds = self.holds.get(handler.aggregate.root(judged.data.key), ())
        held = next((place for place, hold in holds if hold.origin == origin and hold.offset >= judged.record.offset), None)
        return max(row, held) if row is not None and held is not None else None

    def all_judged(self) -> Iterator[Judged]:
        for records in self.commands.values():
            yield from (judged for judged in records if judged is not None)


def _told(root: Root) -> set[Position]:
    """Whose verdicts rest on the root."""
    return {outcome.position for outcome in root.outcomes}


def violations(simulation: Simulation) -> list[str]:
    """Empty when every promise was kept."""
    from tests.simulation import promises

    found = [*simulation.failures, *simulation.loop.errors]
    if found:
        return found
    found += [f"not settled: {each}" for each in simulation.open_ends()]
    for service in simulation.profile.judged:
        evidence = Evidence(simulation, service)
        for promise in promises.ALL:
            found += promise(evidence)
    return found


def failure_id(role: str, origin: Origin, offset: int) -> str:
    return derived(f"failure:{role}:{origin}/{offset}")


__all__ = ["Evidence", "Judged", "Message", "Publication", "before", "failure_id", "violations"]
