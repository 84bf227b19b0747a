"""Arbitrary stories of words, time, restarts and stops between publishing and ending, against the simplest model of a timer there is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.message import EventData
from contracts.timestamps import from_milliseconds
from tests.support.timer_station import BEGIN, HOUR, MINUTE, SECOND, SERVICE, Station, cancelling, contract, scheduling, spoken, timer
from tests.support.timer_trouble import Interrupted
from workers.engine.memory import MemoryStore
from workers.engine.ports import Write, Written
from workers.engine.timer_rows import Place, TimerRow, TimerState, Word, after
from workers.engine.timer_rows import Sending as Command

TIMERS = 3
DELAYS = (-3 * HOUR, 0, 1, 5 * SECOND, 2 * MINUTE, 50 * MINUTE, 5 * HOUR, 100 * HOUR)
LEAPS = (1, SECOND, 31 * SECOND, 10 * MINUTE, HOUR, 3 * HOUR, 30 * HOUR)


@dataclass(frozen=True, slots=True)
class Say:
    """``delay`` None: cancel. The same timer and sequence again is the same word again."""

    number: int
    sequence: int
    delay: int | None


@dataclass(frozen=True, slots=True)
class Pass:
    """``dies``: where the process does, should a timer be ended as fired; None: nowhere."""

    leap: int
    dies: Literal["before", "after"] | None


@dataclass(frozen=True, slots=True)
class Restart:
    leap: int
    rewound: bool


Step: TypeAlias = Say | Pass | Restart
SAYS = st.builds(Say, st.integers(0, TIMERS - 1), st.integers(1, 12), st.one_of(st.none(), st.sampled_from(DELAYS)))
STEPS = st.one_of(
    SAYS,
    st.builds(Pass, st.sampled_from(LEAPS), st.sampled_from([None, "before", "after"])),
    st.builds(Restart, st.sampled_from(LEAPS), st.booleans()),
)


@dataclass(slots=True)
class Model:
    """Timer -> its highest sequence and, while it waits, its due time; and what was fired, in order."""

    sequences: dict[int, int] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)
    fired: list[tuple[str, str]] = field(default_factory=list)

    def hear(self, number: int, sequence: int, due: int | None) -> None:
        if sequence <= self.sequences.get(number, 0):
            return
        self.sequences[number] = sequence
        self.waiting.pop(number, None)
        if due is not None:
            self.waiting[number] = due

    def reach(self, now: int) -> None:
        for number, due in sorted(self.waiting.items(), key=lambda item: (item[1], timer(item[0]))):
            if due <= now:
                self.fired.append((contract(number), from_milliseconds(due)))
                del self.waiting[number]


class DyingStore(MemoryStore):
    dies: Literal["before", "after"] | None = None

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        dies = self.dies if any((write.after or {}).get("state") == "fired" for write in writes) else None
        if dies == "before":
            raise Interrupted
        written = await super().write(writes)
        if dies == "after":
            raise Interrupted
        return written


class Story:
    def __init__(self) -> None:
        self.store, self.model = DyingStore(), Model()
        self.station = Station(store=self.store)
        self._words: dict[tuple[int, int], tuple[EventData, int | None]] = {}
        self._deaths = 0

    async def tell(self, steps: Sequence[Step]) -> None:
        await self.station.start()
        for step in steps:
            match step:
                case Say():
                    await self._say(step)
                case Pass(leap, dies):
                    await self._pass(leap, dies)
                case Restart(leap, rewound):
                    await self._restart(leap, rewound)
            self._compare()
        assert await self.station.stop() is None

    async def _say(self, step: Say) -> None:
        now = self.station.clock.now()
        due = None if step.delay is None else now + step.delay
        fresh = (cancelling(step.number) if due is None else scheduling(step.number, due), due)
        data, due = self._words.setdefault((step.number, step.sequence), fresh)
        await self.station.repeat(spoken(step.number, data, step.sequence))
        self.model.hear(step.number, step.sequence, due)
        self.model.reach(now)

    async def _pass(self, leap: int, dies: Literal["before", "after"] | None) -> None:
        self.store.dies = dies
        await self.station.move(self.station.clock.now() + leap)
        self.store.dies = None
        self.model.reach(self.station.clock.now())
        if self.station.role.failure:
            self._deaths += 1
            assert isinstance(await self.station.stop(), Interrupted)
            await self.station.start()
            await self.station.quiet()

    async def _restart(self, leap: int, rewound: bool) -> None:
        assert await self.station.stop() is None
        if rewound:
            self.station.rewind()
        self.station.clock.move(self.station.clock.now() + leap)
        await self.station.start()
        await self.station.quiet()
        self.model.reach(self.station.clock.now())

    def _compare(self) -> None:
        fired = self.station.fired_for()
        assert set(fired) == set(self.model.fired)
        if not self._deaths:
            assert sorted(fired) == sorted(self.model.fired)
        waiting = {item["timerId"]: item["dueAt"] for item in self.station.waiting()}
        assert waiting == {timer(number): from_milliseconds(due) for number, due in self.model.waiting.items()}
        assert self.station.none_is_behind_the_cursor()


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=25))
def test_any_story_ends_as_the_model_says(steps: list[Step]) -> None:
    asyncio.run(Story().tell(steps))


COMMAND = Command("mindlinks.contract.ExpireContractOffer.v1", contract(1), "{}", "cause", "correlation", None)


def _word(sequence: int, delay: int | None) -> Word:
    due = None if delay is None else from_milliseconds(BEGIN + delay)
    return Word(timer(1), "contract-end", f"{sequence:010d}.0000", due, None if delay is None else COMMAND)


@given(st.lists(st.one_of(st.none(), st.sampled_from(DELAYS)), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_words_in_any_order_and_any_number_end_with_the_newest(delays: list[int | None], random: object) -> None:
    words = [_word(sequence, delay) for sequence, delay in enumerate(delays)]
    heard = words + words
    random.shuffle(heard)  # type: ignore[attr-defined]  # a random.Random
    row: TimerRow | None = None
    for word in heard:
        row = after(row, word, Place(SERVICE, 0), BEGIN, 0)
    assert row is not None
    assert row.sequence == words[-1].sequence
    assert (row.state, row.due_at if row.sending else None) == (
        TimerState.WAITING if words[-1].sending else TimerState.CANCELLED,
        words[-1].due_at,
    )
    assert TimerRow.of(row.to_item()) == row
