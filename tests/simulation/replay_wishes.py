"""What people may want to have replayed at a moment of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from contracts.replay import ALL, NONE
from contracts.timestamps import from_milliseconds
from contracts.topics import TOPICS
from workers.engine.parking import PARKED
from workers.engine.record import Record
from workers.engine.runtime import RoleName
from workers.ops.replay.plan import Mode, ReplayPlan
from workers.ops.replay.selection import Selection, is_events

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

RATES = (8.0, 80.0, 1e6)
"""Records a second."""
READERS = (RoleName.REACTIONS, RoleName.EFFECTS, RoleName.PROJECTIONS, RoleName.TIMERS)


def wished(run: Simulation, chance: Random, name: str) -> ReplayPlan | None:
    """None while there is nothing to be replayed."""
    topics = _topics(run)
    if not topics:
        return None
    topic = chance.choice(topics)
    redo = not is_events(topic) and chance.random() < 0.25
    return ReplayPlan(
        name,
        _selection(run, topic, chance),
        Mode.REDO if redo else Mode.ENSURE,
        "operator",
        "to see that nothing happens",
        chance.choice((NONE, NONE, ALL, *_providers(run))),
        _to(run, topic, chance),
        chance.choice(RATES),
    )


def _topics(run: Simulation) -> Sequence[str]:
    """With records in them that somebody reads; commands count twice."""
    full = sorted({partition.topic for partition, records in run.log.records.items() if records})
    reading = any(role in READERS for _, role in run.profile.all_roles)
    return [topic for topic in full for _ in range(1 if is_events(topic) else 2) if reading or not is_events(topic)]


def _providers(run: Simulation) -> Sequence[str]:
    return sorted({effect.provider for service, _ in run.profile.all_roles for effect in service.effects})[:1]


def _to(run: Simulation, topic: str, chance: Random) -> str:
    if chance.random() < 0.7:
        return ""
    if not is_events(topic):
        return f"{TOPICS[topic].owner}-commands"
    return chance.choice([f"{service.name}-{role}" for service, role in run.profile.all_roles if role in READERS])


def _selection(run: Simulation, topic: str, chance: Random) -> Selection:
    there = [record for partition, records in run.log.records.items() if partition.topic == topic for record in records]
    one = chance.choice(there)
    parked = [item for ref, item in run.store.items.items() if ref.table == PARKED and item.get("topic") == topic and "offset" in item]
    ways: Mapping[str, Callable[[], Selection]] = {
        "all": lambda: Selection((topic,)),
        "key": lambda: Selection((topic,), keys=frozenset({(one.key or b"").decode()})),
        "offsets": lambda: _offsets(one, chance),
        "kind": lambda: Selection((topic,), kinds=frozenset({_header(one, "ce_type")})),
        "since": lambda: Selection((topic,), since=from_milliseconds(one.timestamp)),
        "ids": lambda: Selection((topic,), ids=frozenset(_header(each, "ce_id") for each in chance.sample(there, 1 + len(there) // 3))),
    }
    if parked and chance.random() < 0.5:
        return Selection((topic,), places=frozenset(f"{item['origin']}/{item['offset']}" for item in parked))
    return ways[chance.choice(["all", *ways])]()


def _offsets(one: Record, chance: Random) -> Selection:
    first = chance.randrange(one.offset + 1)
    return Selection((one.partition.topic,), partition=one.partition.number, first=first, last=one.offset)


def _header(record: Record, name: str) -> str:
    return next((value or b"").decode() for each, value in record.headers if each == name)
