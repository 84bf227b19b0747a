"""An event published again is recognised at any distance, restarts included: the window against the counter of the protocol model."""

from dataclasses import dataclass
from random import Random
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import Envelope
from contracts.position import Origin, Position
from contracts.types import Timestamp
from workers.engine.once import Novelty, Window

HERE = Origin("topic/0")


def event(name: str, offset: int, settled: int, *, late: bool = False, origin: Origin = HERE) -> Envelope:
    return Envelope(
        id=name,
        kind="mindlinks.notification.E.v1",
        source="/s",
        subject="k",
        time=Timestamp("2026-01-31T09:30:00.000Z"),
        correlation_id="c",
        causation_id="c",
        actor="public",
        position=Position(origin, offset),
        settled=settled,
        late=late,
    )


@dataclass
class Publisher:
    """A worker at its place in the commands log, with what it believes is settled; it may be left standing and go on much later."""

    settled: int
    next: int


def published(chance: Random) -> list[Envelope]:
    """What owners and stale owners publish of one commands partition: each its commands in order, from where it took over, with its
    own idea of what is settled. Late events come again whenever somebody drains."""
    committed, topic = 0, list[Envelope]()
    owners = [Publisher(0, 0)]
    late = {offset for offset in range(60) if chance.random() < 0.1}
    while committed < 60:
        if chance.random() < 0.15:
            owners.append(Publisher(committed, committed))
        owner = chance.choice(owners[-3:])
        if owner.next < 60:
            offset, owner.next = owner.next, owner.next + 1
            topic += [event(f"{offset}/{i}", offset, owner.settled, late=offset in late) for i in range(1 + offset % 2)]
        if owner is owners[-1] and chance.random() < 0.3:
            committed = owner.settled = max(committed, owner.next)
        if late and chance.random() < 0.1:
            again = chance.choice(sorted(late))
            if again < committed:
                topic.append(event(f"{again}/0", again, chance.choice(owners).settled, late=True))
    return topic


def counted(topic: list[Envelope], chance: Random, restarts: float) -> list[str]:
    """Read as an events role reads: in order, its commits somewhere behind what it has judged, restarted from the last of them now and
    then. What it counted is stored with its place, late ids for good."""
    window, watermark, metadata = Window(), 0, ""
    found: list[tuple[int, str]] = []
    late_ids: dict[str, int] = {}
    place = tried = 0
    while place < len(topic):
        if chance.random() < restarts:
            window, place, tried = Window(metadata), watermark, watermark
            found = [(at, name) for at, name in found if at < watermark]
            late_ids = {name: at for name, at in late_ids.items() if at < watermark}
            for earlier in range(window.read_from if window.read_from is not None else place, place):
                window.judge(topic[earlier], earlier)
            continue
        novelty, name = window.judge(topic[place], place), topic[place].id
        if novelty is Novelty.NEW or (novelty is Novelty.LATE and name not in late_ids):
            found.append((place, name))
        if novelty is Novelty.LATE:
            late_ids.setdefault(name, place)
        place += 1
        if chance.random() < 0.3:
            # Every commit is tried with metadata of its own, and some fail.
            tried = chance.randint(tried, place)
            wanted = window.metadata(tried)
            if chance.random() < 0.7:
                watermark, metadata = tried, wanted
    return [name for _, name in found]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_every_event_counts_once_under_stale_owners_and_restarts(seed: int) -> None:
    chance = Random(seed)
    topic = published(chance)
    assert counted(topic, chance, restarts=0.1) == list(dict.fromkeys(each.id for each in topic))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_a_window_forgets_what_no_restart_needs(seed: int) -> None:
    chance = Random(seed)
    window = Window()
    for offset in range(400):
        window.judge(event(str(offset), offset, max(0, offset - chance.randrange(3))), offset)
        metadata = window.metadata(offset)
        assert len(metadata) < 100
    assert (Window(metadata).read_from or 0) >= 390


def test_a_commit_that_failed_costs_nothing() -> None:
    """The window forgets on the way to a commit; it must still judge right when that commit never happened."""
    topic = [event(str(n), n, n) for n in range(6)]
    window = Window()
    for place, each in enumerate(topic):
        window.judge(each, place)
    stored = window.metadata(2)
    window.metadata(6)
    assert window.judge(event("5", 5, 5), 6) is Novelty.KNOWN
    restarted = Window(stored)
    assert restarted.read_from is not None
    for place in range(restarted.read_from, 2):
        restarted.judge(topic[place], place)
    assert [restarted.judge(topic[place], place) for place in range(2, 6)] == [Novelty.NEW] * 4
    assert restarted.judge(topic[1], 6) is Novelty.KNOWN


def test_a_topic_made_anew_settles_nothing_of_the_old_one() -> None:
    window, anew = Window(), Origin("anew/0")
    window.judge(event("a", 50, 50), 0)
    assert window.judge(event("b", 3, 0, origin=anew), 1) is Novelty.NEW
    assert window.judge(event("c", 3, 50), 2) is Novelty.KNOWN


def test_an_event_without_position_is_always_new() -> None:
    foreign = Envelope(str(uuid4()), "k", "/s", "k", Timestamp("2026-01-31T09:30:00.000Z"), "c", "c", "public")
    window = Window()
    assert [window.judge(foreign, place) for place in (0, 1)] == [Novelty.NEW, Novelty.NEW]


@pytest.mark.parametrize("settled", [0, 9])
def test_a_late_event_is_never_taken_for_new_or_known(settled: int) -> None:
    window = Window()
    window.judge(event("other", 9, settled), 0)
    assert [window.judge(event("late", 3, settled, late=True), place) for place in (1, 2)] == [Novelty.LATE, Novelty.LATE]
