"""Reading Stripe's list of events through the real SDK: in order, whole, once more where it ended, never two at once."""

from collections.abc import AsyncIterator

import pytest

from tests.conformance.stripe_events.steps import DAY, HOUR, START, Kept, Station
from workers.adapters.provider_limits import STRIPE_TEST
from workers.adapters.stripe_events import SHARE, EventsUnavailable, StripeEvents
from workers.engine.decision import ItemRef
from workers.engine.ports import StoreUnavailable
from workers.ops.fakes.stripe import Fault, ManualClock, StripeFake
from workers.ops.reading_checkpoint import AnotherReading, Reading

LIST = "GET /v1/events"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def fake(clock: ManualClock) -> AsyncIterator[StripeFake]:
    async with StripeFake(clock=clock) as running:
        yield running


@pytest.fixture
def station(fake: StripeFake) -> Station:
    return Station(fake)


@pytest.fixture
async def events(station: Station) -> AsyncIterator[StripeEvents]:
    async with station.events() as ready:
        yield ready


async def test_everything_is_read_once_oldest_first_across_pages(station: Station, events: StripeEvents) -> None:
    happened, kept = station.happen(250), Kept()
    done = await station.reading(events, kept).read()
    assert kept.taken == happened
    assert (done.events, done.results, done.finished, done.lost) == (250, {"ignored": 250}, True, 0)
    assert (done.since, done.until, done.covered) == (START - 3 * DAY, START, START)


@pytest.mark.parametrize("count", [0, 1, 100, 101])
async def test_a_list_of_any_length(station: Station, events: StripeEvents, count: int) -> None:
    happened, kept = station.happen(count), Kept()
    await station.reading(events, kept).read()
    assert kept.taken == happened


async def test_what_happens_meanwhile_is_the_next_readings(station: Station, events: StripeEvents, clock: ManualClock) -> None:
    happened = station.happen(150)

    async def more() -> None:
        clock.advance(1)
        happened.extend(station.happen(3))

    kept = Kept({120: more})
    await station.reading(events, kept).read()
    assert kept.taken == happened[:150]
    station.clock.move(60)
    again = Kept()
    await station.reading(events, again).read()
    assert again.taken == happened


async def test_each_accounts_events_are_read_and_say_whose_they_are(station: Station, events: StripeEvents) -> None:
    ours, strangers = station.account("test"), station.account("production")
    station.happen(2)
    station.happen(2, ours)
    station.happen(2, strangers)
    kept = Kept()
    done = await station.reading(events, kept).read()
    assert kept.accounts == [None, None, ours, ours]
    assert done.accounts == 1


async def test_an_account_that_has_left_is_asked_about(station: Station, events: StripeEvents) -> None:
    gone = station.account("test")
    station.claim(gone)
    station.fake.controls.deauthorize_account(gone)
    kept = Kept()
    done = await station.reading(events, kept).read()
    assert (kept.gone, done.left) == ([gone], 1)


async def test_what_stripe_still_owes_is_counted(station: Station, events: StripeEvents) -> None:
    station.happen(2)
    station.fake.listen("http://127.0.0.1:1/never", None, ("whsec_1",), ())
    station.happen(3)
    assert (await station.reading(events, Kept()).read()).undelivered == 3


# --- crashes, faults, two at once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 99, 100, 150, 249, 250, 259])
async def test_killed_anywhere_it_goes_on_with_the_page_it_was_in(station: Station, events: StripeEvents, at: int) -> None:
    account = station.account("test")
    happened = station.happen(250) + station.happen(10, account)

    async def kill() -> None:
        raise Killed

    first, second = Kept({at: kill}), Kept()
    with pytest.raises(Killed):
        await station.reading(events, first).read()
    station.clock.move(HOUR)
    done = await station.reading(events, second).read()
    assert first.taken == happened[:at]
    assert set(first.taken + second.taken) == set(happened)
    assert len(first.taken + second.taken) <= len(happened) + 100
    assert (done.until, done.finished) == (START, True)


async def test_of_two_at_once_the_later_one_takes_over(station: Station, events: StripeEvents) -> None:
    happened, second = station.happen(250), Kept()

    async def another() -> None:
        await station.reading(events, second).read()

    first = Kept({150: another})
    with pytest.raises(AnotherReading):
        await station.reading(events, first).read()
    assert set(first.taken + second.taken) == set(happened)
    third = Kept()
    assert (await station.reading(events, third).read()).finished


async def test_faults_are_waited_out(station: Station, events: StripeEvents) -> None:
    happened, kept = station.happen(150), Kept()
    for fault in (Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.TIMEOUT_AFTER, Fault.REFUSED):
        station.fake.faults.plan(LIST, fault)
        station.fake.faults.plan("GET /v1/accounts", fault)
    await station.reading(events, kept).read()
    assert kept.taken == happened


async def test_a_stripe_that_stays_away_ends_it_and_nothing_is_lost(station: Station, events: StripeEvents) -> None:
    happened, kept = station.happen(150), Kept()
    station.fake.faults.plan(LIST, Fault.RATE_LIMITED, times=8, skip=2)
    with pytest.raises(EventsUnavailable, match="429 rate_limit"):
        await station.reading(events, kept).read()
    await station.reading(events, kept).read()
    assert kept.taken == happened


async def test_an_intake_that_is_away_is_offered_the_same_event_again(station: Station, events: StripeEvents) -> None:
    happened, refusals = station.happen(3), [1, 1]

    async def away() -> None:
        if refusals and refusals.pop():
            raise StoreUnavailable("The log did not acknowledge in time.")

    kept = Kept({1: away})
    await station.reading(events, kept).read()
    assert kept.taken == happened
    assert refusals == []


async def test_it_keeps_to_its_share_of_the_calls(station: Station, events: StripeEvents) -> None:
    station.happen(2_000)
    begun = station.clock.now()
    await station.reading(events, Kept()).read()
    calls = sum(station.fake.calls.values())
    assert calls >= 40
    seconds = (station.clock.now() - begun) / 1000
    assert calls <= STRIPE_TEST.burst + seconds * STRIPE_TEST.per_second * SHARE + 1


async def test_an_event_that_stripe_forgot_is_no_place_to_go_on_from(station: Station, events: StripeEvents, clock: ManualClock) -> None:
    station.happen(250)

    async def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        await station.reading(events, Kept({150: kill})).read()
    clock.advance(31 * DAY)
    station.happen(5)
    kept = Kept()
    done = await station.reading(events, kept).read()
    assert (kept.taken, done.finished) == ([], True)


# --- how far back --------------------------------------------------------------------------------------------------


async def read(station: Station, events: StripeEvents, since: int | None = None) -> Reading:
    return await station.reading(events, Kept()).read(since)


async def test_it_reads_on_from_the_last_one_three_days_at_least(station: Station, events: StripeEvents) -> None:
    await read(station, events)
    station.clock.move(DAY)
    assert (await read(station, events)).since == START + DAY - 3 * DAY
    station.clock.move(10 * DAY)
    done = await read(station, events)
    assert (done.since, done.lost) == (START + DAY, 0)


async def test_what_nobody_read_in_30_days_is_said_to_be_lost(station: Station, events: StripeEvents) -> None:
    await read(station, events)
    station.clock.move(35 * DAY)
    done = await read(station, events)
    assert (done.since, done.lost) == (START + 5 * DAY, 5 * DAY)
    assert (await read(station, events)).lost == 0


async def test_a_short_reading_on_demand_leaves_the_rest_to_the_next(station: Station, events: StripeEvents) -> None:
    await read(station, events)
    station.clock.move(10 * DAY)
    assert (await read(station, events, START + 10 * DAY - HOUR)).covered == START
    assert (await read(station, events)).since == START


async def test_a_reading_that_ended_long_ago_is_begun_anew(station: Station, events: StripeEvents) -> None:
    station.happen(150)

    async def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        await station.reading(events, Kept({120: kill})).read()
    station.clock.move(2 * DAY)
    kept = Kept()
    done = await station.reading(events, kept).read()
    assert (len(kept.taken), done.since, done.until) == (150, START - 3 * DAY, START + 2 * DAY)


async def test_the_checkpoint_is_one_row(station: Station, events: StripeEvents) -> None:
    await read(station, events)
    await read(station, events)
    assert [ref for ref in station.store.items if ref.table == "platform-audit"] == [
        ItemRef("platform-audit", "CHECKPOINT#stripe-events", "last")
    ]
