"""The timers role under a moved clock: what fires when, and what a repeat, a race or a stop in between changes. Faults of the servers are
in test_timers_faults.py, arbitrary stories in test_timers_model.py."""

import pytest

from contracts.contract.commands import ExpireContractOffer
from contracts.ids import fired_command_id
from contracts.message import EventData
from contracts.timestamps import from_milliseconds
from tests.support.timer_station import (
    BEGIN,
    DAY,
    EVENTS,
    HOUR,
    MINUTE,
    SECOND,
    TRACE,
    Station,
    cancelling,
    contract,
    scheduling,
    spoken,
    timer,
    together,
)
from workers.engine.record import Partition
from workers.engine.runtime import RoleName, roles_of
from workers.engine.service import Service
from workers.engine.timers import TimersPace
from workers.main import SERVICES

DUE = BEGIN + 3 * HOUR + 20 * MINUTE
SOON = BEGIN + 10 * SECOND


def at(due: int, number: int = 1) -> tuple[str, str]:
    return contract(number), from_milliseconds(due)


# --- firing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("due", [SOON, DUE, BEGIN + 700 * DAY])
async def test_a_timer_fires_when_it_is_due_and_not_before(due: int) -> None:
    station = Station()
    await station.start()
    await station.say(1, scheduling(1, due))
    await station.move(due - 1)
    assert station.fired() == []
    await station.move(due)
    assert station.fired_for() == [at(due)]
    await station.move(due + DAY)
    assert station.fired_for() == [at(due)]
    assert await station.stop() is None


async def test_the_command_says_what_it_is_and_where_it_comes_from() -> None:
    station = Station()
    await station.start()
    word = await station.say(1, scheduling(1, SOON))
    await station.move(SOON + SECOND)
    (command,) = station.fired()
    assert command.data == ExpireContractOffer(contract_id=contract(1))
    assert station.values() == [{"contractId": contract(1), "dueAt": from_milliseconds(SOON)}]
    said = dict(word.headers)
    envelope = command.envelope
    assert envelope.id == fired_command_id(timer(1), from_milliseconds(SOON))
    assert (envelope.actor, envelope.source) == ("system:timers", "/mindlinks/contract/timers")
    assert (envelope.causation_id, envelope.correlation_id) == (said["ce_id"].decode(), said["ce_correlationid"].decode())
    assert (envelope.time, envelope.traceparent) == (from_milliseconds(SOON), TRACE)
    await station.stop()


async def test_a_margin_for_a_broker_whose_clock_is_behind_is_waited_out() -> None:
    station = Station(pace=TimersPace(margin=0.5))
    await station.start()
    await station.say(1, scheduling(1, SOON))
    await station.move(SOON + 499)
    await station.say(2, scheduling(2, DUE))
    assert station.fired() == []
    await station.move(SOON + 500)
    assert station.fired_for() == [at(SOON)]
    await station.stop()


async def test_a_fired_timer_leaves_a_tombstone_for_35_days_that_no_index_shows() -> None:
    station = Station()
    await station.start()
    await station.say(1, scheduling(1, SOON))
    assert station.row(1)["dueBucket"] == "contract#0#2026-01-01T00"
    await station.move(SOON)
    row = station.row(1)
    assert (row["state"], row["expiresAt"]) == ("fired", SOON // 1000 + 35 * 86_400)
    assert not {"dueBucket", "data", "key", "causationId"} & set(row)
    await station.stop()


async def test_a_timer_scheduled_for_the_past_fires_at_once() -> None:
    station = Station()
    await station.start()
    await station.move(BEGIN + 30 * DAY)
    await station.say(1, scheduling(1, BEGIN + DAY))
    assert station.fired_for() == [at(BEGIN + DAY)]
    await station.stop()


async def test_what_is_scheduled_for_the_past_is_filed_in_the_hour_it_was_written() -> None:
    station = Station(pace=TimersPace(margin=DAY / SECOND))
    await station.start()
    await station.say(2, scheduling(2, BEGIN + DAY))
    await station.move(BEGIN + 5 * HOUR)
    assert station.cursor() == station.now_hour() - 1
    await station.say(1, scheduling(1, BEGIN + 4 * HOUR))
    assert station.row(1)["dueBucket"] == "contract#0#2026-01-01T05"
    await station.stop()


async def test_timers_fire_in_the_order_they_are_due() -> None:
    station = Station()
    await station.start()
    for number, due in ((1, DUE + 2), (2, DUE), (3, DUE + 1), (4, SOON)):
        await station.say(number, scheduling(number, due))
    await station.move(DUE + DAY)
    assert station.fired_for() == [at(SOON, 4), at(DUE, 2), at(DUE + 1, 3), at(DUE + 2, 1)]
    await station.stop()


async def test_more_timers_than_are_held_in_memory_all_fire_once() -> None:
    station = Station(pace=TimersPace(margin=0.0, held=5, at_once=2))
    await station.start()
    for number in range(40):
        await station.say(number, scheduling(number, DUE + number))
    await station.move(DUE + MINUTE)
    for step in range(1, 60):
        await station.move(DUE + MINUTE + step * SECOND)
    assert station.fired_for() == [at(DUE + number, number) for number in range(40)]
    await station.stop()


# --- moving and cancelling -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(SOON, DUE), (DUE, SOON), (SOON, SOON + 1), (DUE, DUE + HOUR), (DUE + HOUR, DUE)])
async def test_scheduling_again_moves(first: int, second: int) -> None:
    station = Station()
    await station.start()
    await station.say(1, scheduling(1, first))
    await station.say(1, scheduling(1, second))
    await station.move(second - 1)
    assert station.fired() == []
    await station.move(second)
    assert station.fired_for() == [at(second)]
    await station.move(max(first, second) + HOUR)
    assert station.fired_for() == [at(second)]
    await station.stop()


@pytest.mark.parametrize("due", [SOON, DUE])
async def test_a_cancelled_timer_never_fires_and_leaves_a_tombstone(due: int) -> None:
    station = Station()
    await station.start()
    await station.say(1, scheduling(1, due))
    await station.move(due - 1)
    await station.say(1, cancelling(1))
    await station.move(due + DAY)
    assert station.fired() == []
    row = station.row(1)
    assert (row["state"], row["expiresAt"], "dueBucket" in row) == ("cancelled", (due - 1) // 1000 + 35 * 86_400, False)
    await station.stop()


async def test_a_timer_may_be_scheduled_again_after_it_was_cancelled_or_fired() -> None:
    station = Station()
    await station.start()
    await station.say(1, scheduling(1, SOON))
    await station.say(1, cancelling(1))
    await station.say(1, scheduling(1, SOON + 1))
    await station.move(SOON + 1)
    await station.say(1, scheduling(1, DUE))
    assert "expiresAt" not in station.row(1)
    await station.move(DUE)
    assert station.fired_for() == [at(SOON + 1), at(DUE)]
    await station.stop()


@pytest.mark.parametrize("newer", [cancelling(1), scheduling(1, DUE)], ids=["cancelled", "moved"])
async def test_a_word_older_than_the_rows_is_ignored(newer: EventData) -> None:
    station = Station()
    await station.start()
    await station.say(1, newer, sequence=10)
    before = station.row(1)
    await station.say(1, scheduling(1, SOON), sequence=9)
    await station.say(1, cancelling(1), sequence=2)
    assert station.row(1) == before
    await station.move(SOON + SECOND)
    assert station.fired() == []
    await station.stop()


async def test_sequences_compare_as_numbers_do() -> None:
    station = Station()
    await station.start()
    await station.say(1, scheduling(1, SOON), sequence=9)
    await station.say(1, cancelling(1), sequence=10)
    await station.move(SOON)
    assert station.fired() == []
    await station.stop()


# --- repeats, restarts, owners ---------------------------------------------------------------------------------------


async def test_the_same_words_again_change_nothing() -> None:
    station = Station()
    await station.start()
    words = [
        await station.say(1, scheduling(1, SOON)),
        await station.say(2, scheduling(2, DUE)),
        await station.say(3, scheduling(3, DUE)),
        await station.say(3, cancelling(3)),
    ]
    await station.move(SOON)
    rows = station.rows()
    for word in words:
        await station.repeat(word)
    await station.stop()
    station.rewind()
    await station.start()
    await station.quiet()
    assert station.rows() == rows
    await station.move(DUE)
    assert station.fired_for() == [at(SOON, 1), at(DUE, 2)]
    await station.stop()


async def test_late_ones_after_a_long_outage_fire_at_once_in_order() -> None:
    station = Station()
    await station.start()
    dues = [DUE + hours * HOUR for hours in (0, 1, 30, 31, 200, 900)]
    for number, due in enumerate(dues):
        await station.say(number, scheduling(number, due))
    await station.say(99, scheduling(99, BEGIN + 100 * DAY))
    await station.stop()
    station.clock.move(BEGIN + 60 * DAY)
    await station.start()
    await station.quiet()
    assert station.fired_for() == [at(due, number) for number, due in enumerate(dues)]
    await station.move(BEGIN + 60 * DAY + HOUR)
    assert station.cursor() == station.now_hour() - 1
    assert len(station.waiting()) == 1
    await station.stop()


async def test_a_word_that_waited_through_an_outage_is_filed_where_it_is_still_looked_for() -> None:
    station = Station()
    await station.start()
    await station.say(1, scheduling(1, DUE))
    await station.move(BEGIN + 10 * DAY)
    await station.move(BEGIN + 10 * DAY + MINUTE)
    assert station.cursor() == station.now_hour() - 1
    await station.stop()
    await station.log.append(Partition(EVENTS, 0), [spoken(2, scheduling(2, BEGIN + 5 * DAY), 1)])
    station.clock.move(BEGIN + 20 * DAY)
    await station.start()
    await station.quiet()
    assert station.fired_for() == [at(DUE, 1), at(BEGIN + 5 * DAY, 2)]
    await station.stop()


async def test_another_owner_fires_what_the_first_one_kept() -> None:
    first = Station(partitions=4)
    second = Station(partitions=4, store=first.store, log=first.log, clock=first.clock)
    await first.start()
    for number in range(24):
        await first.say(number, scheduling(number, SOON if number % 2 else DUE))
    await second.start()
    await together([first, second])
    assert all(len(each.role._owned) == 2 for each in (first, second))
    first.clock.move(SOON)
    await together([first, second])
    await first.stop()
    await second.quiet()
    assert len(second.role._owned) == 4
    await second.move(DUE)
    expected = [at(SOON if number % 2 else DUE, number) for number in range(24)]
    assert sorted(first.fired_for()) == sorted(expected)
    await second.stop()


# --- the role --------------------------------------------------------------------------------------------------------


def test_every_service_whose_decisions_may_schedule_has_the_role() -> None:
    with_role = {service.name for service in SERVICES if RoleName.TIMERS in roles_of(service)}
    assert with_role == {"auth", "client", "kyc", "contract", "payment", "notification", "lead"}
    assert RoleName.TIMERS not in roles_of(Service("analytics"))


async def test_what_is_no_timer_word_is_passed_over() -> None:
    station = Station()
    await station.start()
    word = await station.say(1, scheduling(1, SOON))
    headers = [(name, b"mindlinks.contract.CommandSettled.v1" if name == "ce_type" else value) for name, value in word.headers]
    value = b'{"commandId":"00000000-0000-4000-8000-000000000000","outcome":"applied"}'
    await station.repeat(type(word)(word.key, value, [*headers, ("ce_receipt", b"1")]))
    assert len(station.waiting()) == 1
    assert await station.stop() is None
