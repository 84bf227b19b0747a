"""What a commands role has done, compared with the same commands judged one after the other without log, store or faults."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.catalogue import decode
from contracts.ids import event_id
from contracts.message import CommandData
from contracts.timestamps import from_milliseconds
from contracts.types import CommandId
from tests.support.oracle import Oracle
from workers.engine.aggregate import nothing
from workers.engine.decision import Accepted, Item, ItemRef, Refused
from workers.engine.record import Record
from workers.engine.root import exists, plain
from workers.engine.service import Service

MAY_DIFFER = frozenset({"ce_settled", "traceparent"})
"""Headers in which a second publication may differ from the first."""
JUDGED_AGAIN = MAY_DIFFER | {"ce_position", "ce_time"}
"""A refusal that left no trace is said again, of the same command at its other offset."""


@dataclass
class Expected:
    """``events``: ids in order of publication, by key."""

    items: Mapping[ItemRef, Item]
    events: dict[str, list[str]] = field(default_factory=dict)
    refused: int = 0

    @property
    def ids(self) -> set[str]:
        return {each for ids in self.events.values() for each in ids}


def expected(service: Service, commands: Iterable[Record]) -> Expected:
    """``commands``: partition by partition in the order of the log. A command id judged before is not judged again, unless it was
    refused on an absent root without reading anything: that leaves no trace."""
    oracle, judged = Oracle(service), set[str]()
    result = Expected(oracle.items)
    for record in commands:
        decoded = decode(record.key, record.value, record.headers, record.timestamp)
        command, data = CommandId(decoded.envelope.id), decoded.data
        if command in judged:
            continue
        assert isinstance(data, CommandData)
        handler = service.handler_of[data.kind()]
        absent = handler.aggregate.root(data.key) not in oracle.items
        judged.add(command)
        decision = oracle.send(data, actor=decoded.envelope.actor, at=from_milliseconds(record.timestamp), id=command)
        names: list[str] = []
        if isinstance(decision, Refused):
            names = ["CommandRefused"]
            result.refused += 1
            if absent and handler.reads is nothing:
                judged.discard(command)
        elif isinstance(decision, Accepted) and (decision.events or decision.timers):
            names = [type(event).__name__ for event in decision.events]
            names += [f"Timer{'Scheduled' if hasattr(timer, 'due_at') else 'Cancelled'}" for timer in decision.timers]
        elif decoded.envelope.receipt:
            names = ["CommandSettled"]
        known = result.events.setdefault(data.key, [])
        known += [each for index, name in enumerate(names) if (each := event_id(command, name, index)) not in known]
    return result


def check(service: Service, commands: Sequence[Record], events: Sequence[Record], items: Mapping[ItemRef, Item]) -> Expected:
    """Fails when a row, an event, its content or the order of a key is not as expected. ``items``: all rows of the service."""
    wanted = expected(service, commands)
    found = {ref: plain(item) for ref, item in items.items() if exists(item)}
    assert found == wanted.items, _difference(found, wanted.items)
    contents: dict[str, tuple[object, ...]] = {}
    published: dict[str, list[str]] = {}
    for record in events:
        name = header(record, "ce_id")
        refused = header(record, "ce_type").rpartition(".CommandRefused.")[1]
        headers = tuple(pair for pair in record.headers if pair[0] not in (JUDGED_AGAIN if refused else MAY_DIFFER))
        content = (record.partition.number, record.key, record.value, headers)
        first = contents.setdefault(name, content)
        assert first == content, (
            f"event {name} was published with two contents: {[pair for pair in zip(first, content, strict=True) if pair[0] != pair[1]]}"
        )
        if name not in published.setdefault((record.key or b"").decode(), []):
            published[(record.key or b"").decode()].append(name)
    assert {key: ids for key, ids in published.items() if ids} == {key: ids for key, ids in wanted.events.items() if ids}
    return wanted


def header(record: Record, name: str) -> str:
    return next((value or b"").decode() for header_name, value in record.headers if header_name == name)


def _difference(found: Mapping[ItemRef, Item], wanted: Mapping[ItemRef, Item]) -> str:
    refs = [ref for ref in {**found, **wanted} if found.get(ref) != wanted.get(ref)]
    lines = [f"{ref.key}: found {found.get(ref)}, wanted {wanted.get(ref)}" for ref in refs[:3]]
    return f"{len(refs)} of {len(wanted)} rows differ: " + "; ".join(lines)
