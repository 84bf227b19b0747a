"""The timers role when servers and neighbours misbehave: a stop between publishing and ending, races, a lagging index, a stale owner."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from contracts.catalogue import decode
from contracts.timestamps import from_milliseconds
from tests.support.timer_station import (
    BEGIN,
    COMMANDS,
    DAY,
    EVENTS,
    HOUR,
    MINUTE,
    SECOND,
    SERVICE,
    MovedClock,
    Station,
    cancelling,
    contract,
    scheduling,
    spoken,
    timer,
)
from tests.support.timer_trouble import CountingStore, HaltedLog, Interrupted, LaggingStore, TroubledStore, ends_as_fired
from tests.support.waiting import eventually
from workers.engine.decision import ItemRef
from workers.engine.holds import HEAD
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.parking import PARKED
from workers.engine.ports import Fate, LogUnavailable, Page, StoreUnavailable, Write
from workers.engine.record import Outgoing, Partition
from workers.engine.timer_rows import Place, after, change, hour_of, scheduled
from workers.engine.timers import TimersPace

SOON = BEGIN + 10 * SECOND
DUE = BEGIN + 3 * HOUR + 20 * MINUTE


def at(due: int, number: int = 1) -> tuple[str, str]:
    return contract(number), from_milliseconds(due)


# --- the store and the log in trouble ----------------------------------------------------------------------------------


async def test_a_stop_between_publishing_and_ending_fires_again_under_the_same_id() -> None:
    def dies(write: Write) -> Fate:
        if ends_as_fired(write):
            raise Interrupted
        return Fate.WRITTEN

    station = Station(store=TroubledStore(dies))
    await station.start()
    await station.say(1, scheduling(1, SOON))
    await station.move(SOON)
    assert isinstance(await station.stop(), Interrupted)
    assert station.row(1)["state"] == "waiting"
    healthy = MemoryStore()
    healthy.items = station.store.items
    await station.start(healthy)
    await station.quiet()
    first, second = station.log.records[Partition(COMMANDS, 0)]
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)
    assert station.row(1)["state"] == "fired"
    assert await station.stop() is None


@pytest.mark.parametrize("fate", [Fate.BUSY, Fate.UNKNOWN, Fate.CONFLICT])
async def test_writes_that_fail_or_are_never_answered_are_made_good(fate: Fate) -> None:
    chances = iter([fate, fate, Fate.WRITTEN] * 100)
    store = TroubledStore(lambda _: next(chances))
    station = Station(store=store)
    await station.start()
    word = spoken(1, scheduling(1, SOON), 1)
    await station.log.append(Partition(EVENTS, 0), [word, spoken(2, scheduling(2, SOON), 1), spoken(2, cancelling(2), 2)])
    await _turning(station, lambda: station.clock.now() > SOON + MINUTE)
    assert station.fired_for() == [at(SOON)]
    assert (station.row(1)["state"], station.row(2)["state"]) == ("fired", "cancelled")
    assert await station.stop() is None


async def test_an_outage_of_the_store_is_waited_out() -> None:
    class AwayStore(MemoryStore):
        away = True

        async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Mapping[str, Any]]:
            if self.away:
                raise StoreUnavailable
            return await super().get(refs)

        async def query(self, table: str, index: str | None, value: str, **options: Any) -> Page:
            if self.away:
                raise StoreUnavailable
            return await super().query(table, index, value, **options)

    store = AwayStore()
    station = Station(store=store)
    await station.start()
    await station.log.append(Partition(EVENTS, 0), [spoken(1, scheduling(1, SOON), 1)])
    await _turning(station, lambda: station.clock.now() > BEGIN + 5 * MINUTE)
    assert station.rows() == []
    store.away = False
    await _turning(station, lambda: station.fired())
    assert station.fired_for() == [at(SOON)]
    assert await station.stop() is None


async def test_an_unanswered_append_is_made_again() -> None:
    class DeafLog(MemoryLog):
        silences = 3

        async def append(self, partition: Partition, records: Sequence[Outgoing]) -> None:
            if partition.topic == COMMANDS and self.silences:
                self.silences -= 1
                raise LogUnavailable
            await super().append(partition, records)

    clock = MovedClock()
    station = Station(log=DeafLog({EVENTS: 1, COMMANDS: 1}, clock), clock=clock)
    await station.start()
    await station.say(1, scheduling(1, SOON))
    clock.move(SOON)
    await _turning(station, lambda: station.fired())
    assert station.fired_for() == [at(SOON)]
    assert await station.stop() is None


async def test_a_row_that_can_never_be_written_parks_its_word_until_it_can() -> None:
    refused = {timer(1)}
    store = TroubledStore(lambda write: Fate.INVALID if write.ref.key in refused else Fate.WRITTEN)
    station = Station(store=store)
    await station.start()
    await station.log.append(Partition(EVENTS, 0), [spoken(1, scheduling(1, SOON), 1)])
    await eventually(lambda: [ref for ref in store.items if ref.table == PARKED and ref.range != HEAD])
    refused.clear()
    await _turning(station, lambda: not [ref for ref in store.items if ref.table == PARKED and ref.range != HEAD])
    await station.move(SOON)
    assert station.fired_for() == [at(SOON)]
    assert await station.stop() is None


async def _turning(station: Station, until: Callable[[], object]) -> None:
    """Time passes while the role waits for better times."""

    def passes() -> object:
        station.clock.move(station.clock.now() + SECOND)
        return until()

    await eventually(passes)


# --- races ---------------------------------------------------------------------------------------------------------


async def halted_while_firing() -> tuple[Station, HaltedLog]:
    """The first contract's timer is being fired, and the log takes nothing until it is told to go on."""
    clock = MovedClock()
    log = HaltedLog(clock)
    station = Station(log=log, clock=clock)
    await station.start()
    await station.say(1, scheduling(1, SOON))
    clock.move(SOON)
    await eventually(log.reached.is_set)
    return station, log


@pytest.mark.parametrize("moved", [False, True], ids=["cancelled", "moved"])
async def test_a_word_that_comes_while_the_timer_fires_has_the_last_word(moved: bool) -> None:
    station, log = await halted_while_firing()
    word = scheduling(1, DUE) if moved else cancelling(1)
    await log.append(Partition(EVENTS, 0), [spoken(1, word, 2)])
    state = "waiting" if moved else "cancelled"
    await eventually(lambda: (station.row(1)["state"], station.row(1)["sequence"][:10]) == (state, "0000000002"))
    log.go.set()
    await station.quiet()
    assert station.row(1)["state"] == state
    await station.move(DUE + DAY)
    assert station.fired_for() == ([at(SOON), at(DUE)] if moved else [at(SOON)])
    await station.stop()


async def test_a_stop_waits_for_what_is_being_fired() -> None:
    station, log = await halted_while_firing()
    (owned,) = station.role._owned.values()
    stopping = asyncio.create_task(station.stop())
    await eventually(lambda: not owned.live)
    log.go.set()
    assert await stopping is None
    assert (station.fired_for(), station.row(1)["state"]) == ([at(SOON)], "fired")


# --- the due index and the cursor ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [5 * SECOND, 50 * MINUTE])
async def test_a_lagging_index_makes_a_timer_late_at_worst(lag: int) -> None:
    clock = MovedClock()
    station = Station(store=LaggingStore(clock, lag), clock=clock)
    await station.start()
    for number, due in ((1, SOON), (2, BEGIN + HOUR - SECOND), (3, BEGIN + 2 * HOUR)):
        await station.say(number, scheduling(number, due))
    await station.stop()
    await station.start()
    for step in range(1, 400):
        await station.move(BEGIN + step * MINUTE)
        assert station.none_is_behind_the_cursor()
    assert station.fired_for() == [at(SOON, 1), at(BEGIN + HOUR - SECOND, 2), at(BEGIN + 2 * HOUR, 3)]
    assert station.cursor() == station.now_hour() - 1
    await station.stop()


async def test_an_index_that_shows_an_old_due_time_does_not_delay_the_new_one() -> None:
    clock = MovedClock()
    station = Station(store=LaggingStore(clock, 29_500), clock=clock)
    await station.start()
    await station.say(1, scheduling(1, BEGIN + 60 * SECOND))
    await station.move(BEGIN + SECOND)
    await station.say(1, scheduling(1, BEGIN + 40 * SECOND))
    await station.move(BEGIN + 30 * SECOND)
    await station.move(BEGIN + 40 * SECOND)
    assert station.fired_for() == [at(BEGIN + 40 * SECOND)]
    await station.stop()


async def test_the_cursor_does_not_pass_an_hour_whose_timers_could_not_be_ended() -> None:
    dying = True

    def dies(write: Write) -> Fate:
        if dying and ends_as_fired(write):
            raise Interrupted
        return Fate.WRITTEN

    station = Station(store=TroubledStore(dies))
    await station.start()
    await station.say(1, scheduling(1, DUE))
    await station.move(DUE + DAY)
    assert isinstance(await station.stop(), Interrupted)
    assert station.none_is_behind_the_cursor()
    dying = False
    await station.start()
    await station.quiet()
    assert station.row(1)["state"] == "fired"
    await station.stop()


async def test_a_row_that_a_stale_owner_filed_behind_the_cursor_is_filed_again_when_its_word_comes() -> None:
    station = Station(pace=TimersPace(margin=DAY / SECOND))
    await station.start()
    await station.say(1, scheduling(1, BEGIN + DAY))
    await station.move(BEGIN + 10 * HOUR)
    assert station.cursor() == station.now_hour() - 1
    await station.stop()
    said = spoken(2, scheduling(2, SOON), 7)
    word = scheduled(scheduling(2, SOON), decode(said.key, said.value, said.headers, SOON).envelope)
    stale = change(None, after(None, word, Place(SERVICE, 0), SOON, hour_of(SOON)))
    await station.store.write([stale])
    assert not station.none_is_behind_the_cursor()
    await station.start()
    await station.repeat(said)
    assert station.none_is_behind_the_cursor()
    await station.move(SOON + DAY)
    assert station.fired_for() == [at(SOON, 2)]
    await station.stop()


async def test_a_clock_set_back_leaves_nothing_behind_the_cursor() -> None:
    station = Station()
    await station.start()
    await station.say(1, scheduling(1, BEGIN + 50 * HOUR))
    await station.move(BEGIN + 20 * HOUR)
    ahead = station.cursor()
    await station.stop()
    station.clock.move(BEGIN)
    await station.start()
    await station.say(2, scheduling(2, DUE))
    assert station.cursor() == ahead
    assert station.none_is_behind_the_cursor()
    await station.move(DUE)
    assert station.fired_for() == [at(DUE, 2)]
    await station.stop()


async def _cost_of_a_day(timers: int) -> tuple[int, int]:
    """(queries, rows read) while ``timers`` wait for another day."""
    store = CountingStore()
    station = Station(store=store)
    await station.start()
    for number in range(timers):
        await station.log.append(Partition(EVENTS, 0), [spoken(number, scheduling(number, BEGIN + 40 * DAY + number), 1)])
    await station.quiet()
    store.queries = store.rows = 0
    for hour in range(1, 25):
        await station.move(BEGIN + hour * HOUR)
    await station.stop()
    return store.queries, store.rows


async def test_waiting_timers_cost_nothing_until_they_are_due() -> None:
    few, many = await _cost_of_a_day(1), await _cost_of_a_day(400)
    assert many == few
    assert many[1] == 0


async def test_a_service_without_timers_asks_the_store_twice_a_partition() -> None:
    store = CountingStore()
    station = Station(store=store, partitions=2)
    await station.start()
    await station.move(BEGIN + DAY)
    assert (store.queries, store.rows, station.rows()) == (2, 2, [])
    await station.stop()
