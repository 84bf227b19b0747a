"""Which of two words about a timer was said later, above all once its root was restored and judges its commands again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from contracts.envelope import Envelope
from contracts.position import Origin, Position
from contracts.replay import Replay
from contracts.types import Timestamp
from tests.support import toy
from tests.support.poisoned import SETTINGS, Bench
from tests.support.raw_sealer import ReadableRaw
from tests.support.timer_station import BEGIN, SERVICE, cancelling, scheduling
from tests.support.waiting import eventually
from workers.engine.bookmarks import AUDIT
from workers.engine.decision import Item, ItemRef
from workers.engine.metrics import NoMetrics
from workers.engine.root import VERSION
from workers.engine.runtime import RoleName, World, build_role
from workers.engine.timer_rows import TIMERS, Place, TimerRow, TimerState, Word, after, cancelled, scheduled

LOG, MADE_ANEW = Origin("topic/0"), Origin("another/0")
AT = Timestamp("2026-01-01T00:00:00.000Z")
COPY, REPETITION = Replay("r", of=Position(LOG, 3), at=AT), Replay("r", of=Position(LOG, 3))


def said(place: Position | None, sequence: str, replay: Replay | None = None) -> Word:
    data = scheduling(1, BEGIN)
    envelope = Envelope("id", "kind", "source", "subject", AT, "c", "c", "public", sequence=sequence, position=place, replay=replay)
    return scheduled(data, envelope)


def known(place: Position | None, sequence: str) -> TimerRow:
    return after(None, said(place, sequence), Place(SERVICE, 0), BEGIN, 0)


def sequence(version: int, index: int = 0) -> str:
    return f"{version:010d}.{index:04d}"


HERE = known(Position(LOG, 6), sequence(6, 1))
WITHOUT = known(None, sequence(6, 1))
CASES: Mapping[str, tuple[TimerRow, Word, bool]] = {
    "the next command's": (HERE, said(Position(LOG, 7), sequence(7)), True),
    "the next one's, of a restored root": (HERE, said(Position(LOG, 7), sequence(3)), True),
    "the one before, come late": (HERE, said(Position(LOG, 5), sequence(5)), False),
    "the one before, judged again to a higher version": (HERE, said(Position(LOG, 5), sequence(9)), False),
    "the same again": (HERE, said(Position(LOG, 6), sequence(6, 1)), False),
    "the same command's next": (HERE, said(Position(LOG, 6), sequence(6, 2)), True),
    "the same command's one before": (HERE, said(Position(LOG, 6), sequence(6, 0)), False),
    "the same command's, judged again": (HERE, said(Position(LOG, 6), sequence(7, 3)), False),
    "of a topic made anew": (HERE, said(Position(MADE_ANEW, 0), sequence(7)), True),
    "of the topic before it, come again": (known(Position(MADE_ANEW, 0), sequence(7)), said(Position(LOG, 6), sequence(6)), False),
    "without a position": (HERE, said(None, sequence(7)), True),
    "without a position, come late": (HERE, said(None, sequence(6)), False),
    "after a row without a position": (WITHOUT, said(Position(LOG, 7), sequence(7)), True),
    "before a row without a position": (WITHOUT, said(Position(LOG, 5), sequence(5)), False),
    "a copy of the event": (HERE, said(Position(LOG, 6), sequence(6, 1), COPY), False),
    "a copy of an earlier event": (HERE, said(Position(LOG, 5), sequence(9), COPY), False),
    "what a repeated command says of what is known": (HERE, said(Position(LOG, 9), sequence(3), REPETITION), False),
    "what a repeated command says anew": (HERE, said(Position(LOG, 9), sequence(9), REPETITION), True),
    "behind a repetition": (known(Position(LOG, 9), sequence(9)), said(Position(LOG, 10), sequence(4)), True),
}


@pytest.mark.parametrize("case", CASES)
def test_which_word_was_said_later(case: str) -> None:
    row, word, later = CASES[case]
    assert word.follows(row) is later
    assert (after(row, word, Place(SERVICE, 0), BEGIN, 0) == row) is not later


def test_the_last_words_position_rests_with_the_row() -> None:
    place = Position(LOG, 7)
    word = cancelled(cancelling(1), Envelope("id", "kind", "", "key", AT, "c", "c", "public", sequence=sequence(3), position=place))
    row = after(HERE, word, Place(SERVICE, 0), BEGIN, 0)
    assert (row.state, row.position, row.to_item()["position"]) == (TimerState.CANCELLED, place, "topic/0/7")
    for each in (row, HERE, WITHOUT, HERE.ended(TimerState.FIRED, BEGIN)):
        assert TimerRow.of(each.to_item()) == each


def test_a_row_without_a_position_gets_one_by_the_next_word() -> None:
    row = after(WITHOUT, said(Position(LOG, 7), sequence(7)), Place(SERVICE, 0), BEGIN, 0)
    assert after(row, said(Position(LOG, 8), sequence(2)), Place(SERVICE, 0), BEGIN, 0).sequence == sequence(2)


# --- a table restored to an earlier time, its group rewound -------------------------------------------------------------


@asynccontextmanager
async def timers(bench: Bench) -> AsyncIterator[None]:
    world = World("test", bench.log, bench.store, bench.clock, NoMetrics(), Random(3), {}, conveyor=SETTINGS, raw_sealer=ReadableRaw())
    role = build_role(bench.service(), RoleName.TIMERS, world)
    task = asyncio.create_task(role.run())
    try:
        yield
    finally:
        role.stop()
        await task


def rows(bench: Bench) -> dict[ItemRef, Item]:
    return {ref: item for ref, item in bench.store.items.items() if ref.table == toy.TABLE}


def restore(bench: Bench, earlier: Mapping[ItemRef, Item]) -> None:
    for ref in rows(bench):
        del bench.store.items[ref]
    bench.store.items.update(earlier)
    bench.log.group("notification-commands").committed.clear()
    for ref in [ref for ref in bench.store.items if ref.table == AUDIT]:
        del bench.store.items[ref]


def timer(bench: Bench) -> Any:
    return next((item for ref, item in bench.store.items.items() if ref.table == TIMERS and "timer" in item), {})


async def moved(bench: Bench, key: str, name: str, count: int) -> None:
    """The command ``count`` schedules the timer; returns when its row says so."""
    await bench.send(toy.side_row_of(key, name, toy.TIMER))
    await eventually(lambda: bench.committed() == count, what=bench.committed)
    await eventually(lambda: timer(bench).get("position", "").endswith(f"/{count - 1}"), what=lambda: timer(bench))


async def test_a_restored_roots_next_words_count() -> None:
    bench, key, name = Bench(), str(uuid4()), str(uuid4())
    async with timers(bench):
        async with bench.running():
            await moved(bench, key, name, 1)
            earlier = rows(bench)
            for count in range(2, 7):
                await moved(bench, key, name, count)
        version, before = bench.root(key)[VERSION], timer(bench)
        restore(bench, earlier)
        async with bench.running():
            await eventually(lambda: bench.committed() == 6)
            assert bench.root(key)["total"] == 6
            assert int(str(bench.root(key)[VERSION])) < int(str(version))
            assert timer(bench) == before
            bench.clock.moved += 3_600_000
            await moved(bench, key, name, 7)
            assert timer(bench)["dueAt"] > before["dueAt"]
