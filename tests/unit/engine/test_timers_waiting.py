"""A great many timers that wait: what they cost is counted, and nothing is timed."""

from dataclasses import dataclass
from typing import Any

from contracts.timestamps import from_milliseconds
from tests.support.timer_station import BEGIN, DAY, HOUR, MINUTE, SERVICE, Station, contract, scheduling, timer
from tests.support.timer_trouble import CountingStore
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Page, Write
from workers.engine.timer_rows import TIMERS, Cursor, Place, hour_of

PLACE = Place(SERVICE, 0)
MANY, SOME = 100_000, 20_000
FAR = BEGIN + 40 * DAY
SPREAD = 10 * DAY
DAYS = 3


class FiledStore(CountingStore):
    """Finds rows by bucket, as an index does; the store in memory looks at every row. ``writes``: of the timers' table."""

    def __init__(self) -> None:
        super().__init__()
        self.buckets: dict[str, dict[ItemRef, None]] = {}
        self.writes = 0

    def file(self, ref: ItemRef, item: Item) -> None:
        self.items[ref] = item
        self.buckets.setdefault(item["dueBucket"], {})[ref] = None

    def _apply(self, write: Write) -> None:
        super()._apply(write)
        if write.ref.table == TIMERS:
            self.writes += 1
            if "dueBucket" in self.items[write.ref]:
                self.file(write.ref, self.items[write.ref])

    async def query(self, table: str, index: str | None, value: str, **options: Any) -> Page:
        if index is None:
            return await super().query(table, index, value, **options)
        everything = self.items
        self.items = {ref: everything[ref] for ref in self.buckets.get(value, ())}
        try:
            return await super().query(table, index, value, **options)
        finally:
            self.items = everything


@dataclass(frozen=True, slots=True)
class Cost:
    """``held``: timers in the role's memory at the end."""

    queries: int
    rows: int
    writes: int
    held: int


async def _like() -> Item:
    """A waiting row as the role itself writes it."""
    station = Station()
    await station.start()
    await station.say(0, scheduling(0, FAR))
    await station.stop()
    (row,) = station.waiting()
    return row


def _due(number: int, timers: int) -> int:
    return FAR + number * SPREAD // timers


async def _filled(timers: int) -> FiledStore:
    store, like = FiledStore(), await _like()
    store.items[PLACE.cursor] = Cursor(PLACE, hour_of(BEGIN)).to_item()
    for number in range(timers):
        due, name = _due(number, timers), contract(number)
        own = {
            "timerId": timer(number),
            "key": name,
            "data": f'{{"contractId":"{name}"}}',
            "dueAt": from_milliseconds(due),
            "dueBucket": PLACE.bucket(hour_of(due)),
        }
        store.file(ItemRef(TIMERS, own["timerId"]), {**like, **own})
    return store


def _cost(station: Station, store: FiledStore) -> Cost:
    return Cost(store.queries, store.rows, store.writes, sum(len(desk.near) for desk in station._sink()._desks.values()))


async def _waited(store: FiledStore) -> Cost:
    """Through ``DAYS``, hour by hour, by a role that has just come."""
    station = Station(store=store)
    await station.start()
    for hour in range(1, DAYS * 24 + 1):
        await station.move(BEGIN + hour * HOUR)
    assert station.fired() == []
    cost = _cost(station, store)
    await station.stop()
    return cost


async def test_a_hundred_thousand_waiting_timers_cost_what_one_costs() -> None:
    one, many = await _waited(await _filled(1)), await _waited(await _filled(MANY))

    assert many == one
    assert many.held == 0
    assert many.rows == 1, "the cursor, when the role came"
    assert 0 < many.queries <= 4 * DAYS * 24, "the hours that are not over, once an hour of the clock"
    assert many.writes <= DAYS * 24, "the cursor, once an hour"


async def test_when_their_hour_comes_only_those_that_are_due_are_read() -> None:
    store = await _filled(SOME)
    store.items[PLACE.cursor] = Cursor(PLACE, hour_of(FAR)).to_item()
    station = Station(store=store)
    station.clock.move(FAR)
    await station.start()
    await station.move(FAR + MINUTE)

    due = [number for number in range(SOME) if _due(number, SOME) <= FAR + MINUTE]
    soon = [number for number in range(SOME) if _due(number, SOME) <= FAR + 3 * MINUTE]
    assert len(due) < len(soon) < 50
    assert [name for name, _ in station.fired_for()] == [contract(number) for number in due]
    assert store.rows <= 4 * len(soon) + 1
    assert _cost(station, store).held <= len(soon)
    await station.stop()
