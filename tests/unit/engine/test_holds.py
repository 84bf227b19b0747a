"""The head row is a set that owners of any age may write: nothing listed is lost, and only what is applied is taken out."""

from random import Random

import pytest

from contracts.position import Origin
from tests.support.faults import FaultyStore, Rates
from workers.engine.holds import Holds
from workers.engine.memory import MemoryStore, SystemClock
from workers.engine.parking import ParkingFull
from workers.engine.ports import Fate, Store, Written
from workers.engine.record import Partition

PARTITION, ORIGIN = Partition("mindlinks.notification.events", 3), Origin("topic/3")


class Clock(SystemClock):
    async def sleep(self, seconds: float) -> None:
        """Not here."""


def holds(store: Store, origin: Origin = ORIGIN) -> Holds:
    return Holds("notification-reactions", PARTITION, origin, store, Clock(), Random(0))


async def opened(store: Store, origin: Origin = ORIGIN) -> Holds:
    made = holds(store, origin)
    await made.load()
    return made


async def test_a_stale_owner_does_not_write_over_what_the_rightful_one_has_listed() -> None:
    store = MemoryStore()
    stale, rightful = await opened(store), await opened(store)
    rightful.add("key", 9)
    await rightful.keep()
    stale.add("other", 3)
    await stale.keep()
    third = await opened(store)
    assert (dict(third.counts), set(third.of("key")), set(third.of("other"))) == ({"key": 1, "other": 1}, {9}, {3})
    assert third.offsets == {3, 9}


async def test_what_one_takes_out_another_does_not_put_back() -> None:
    store = MemoryStore()
    first = await opened(store)
    for offset in (1, 2, 3):
        first.add("key", offset)
    await first.keep()
    second = await opened(store)
    second.remove("key", [1, 2, 7])
    await second.keep()
    first.add("key", 4)
    await first.keep()
    third = await opened(store)
    assert ("key" in third, set(third.of("key"))) == (True, {3, 4})
    third.remove("key", [3, 4])
    await third.keep()
    assert not (await opened(store)).counts


@pytest.mark.parametrize("seed", range(5))
async def test_a_store_in_trouble_is_waited_out(seed: int) -> None:
    store = MemoryStore()
    troubled = FaultyStore(store, Rates(unavailable=0.3, busy=0.2, unknown_before=0.2, unknown_after=0.2, conflict=0.2), Random(seed))
    made = await opened(troubled)
    for offset in range(20):
        made.add(f"key {offset % 3}", offset)
        if offset % 2:
            made.remove(f"key {(offset - 1) % 3}", [offset - 1])
        await made.keep()
    assert (await opened(store)).offsets == set(range(1, 20, 2)) == made.offsets


async def test_of_a_topic_made_anew_nothing_is_parked() -> None:
    store = MemoryStore()
    made = await opened(store)
    made.add("key", 5)
    await made.keep()
    assert "key" not in await opened(store, Origin("another/3"))


async def test_a_head_the_store_will_never_take_stops_the_role() -> None:
    class Full(MemoryStore):
        async def write(self, writes: object) -> list[Written]:
            return [Written(Fate.INVALID, detail="item above 400 KB")]

    made = await opened(Full())
    made.add("key", 5)
    with pytest.raises(ParkingFull):
        await made.keep()


async def test_what_a_stale_owners_late_write_lists_is_taken_out() -> None:
    store = MemoryStore()
    stale, owner = await opened(store), await opened(store)
    owner.add("held", 7)
    await owner.keep()
    stale.add("done", 4)
    stale.add("above", 9)
    await stale.keep()
    await owner.tidy(committed=8)
    assert (await opened(store)).counts == {"held": 1, "above": 1}


async def test_nothing_is_taken_out_by_one_who_has_not_read_what_is_held() -> None:
    store = MemoryStore()
    earlier = await opened(store)
    earlier.add("held", 4)
    await earlier.keep()
    await holds(store, ORIGIN).tidy(committed=8)
    assert (await opened(store)).counts == {"held": 1}
