"""Data keys: made once, looked at again in time, destroyed for good. Two rings on one store are two processes."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

import pytest

from contracts.clear import Clear, Redacted
from contracts.sealed import VALUE, KeysUnavailable, SealedText, SubjectErased, lead
from contracts.types import Purpose
from tests.support.keys import MASTER_KEY, CountedWrapping, HandClock, key_ring
from tests.support.waiting import eventually
from workers.adapters.key_ring import IDLE_LIFETIMES, LIFETIME
from workers.adapters.key_wrapping import KeyOwner, LocalWrapping, UnwrappableKey
from workers.adapters.sealing import Sealer
from workers.adapters.subject_keys import KeyState, SubjectKeys, reference
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryStore
from workers.engine.ports import Fate, StoreUnavailable, Write, Written

USER, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
LEAD = lead("ab" * 32)
OWNER = KeyOwner(USER, Purpose.SUBJECT)


class Store(MemoryStore):
    """Counts what is asked. ``meet``: so many reads wait for one another. ``lost``: answers of writes that never come."""

    def __init__(self, meet: int = 0) -> None:
        super().__init__()
        self.reads = 0
        self.away = False
        self.lost = 0
        self._meeting = asyncio.Barrier(meet) if meet else None

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("away")
        found = await super().get(refs)
        if self._meeting:
            meeting, self._meeting = self._meeting, self._meeting if self._meeting.n_waiting + 1 < self._meeting.parties else None
            await meeting.wait()
        return found

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        written = await super().write(writes)
        if self.lost:
            self.lost -= 1
            return [Written(Fate.UNKNOWN)] * len(writes)
        return written


def keys_of(store: MemoryStore) -> list[Item]:
    return [item for ref, item in store.items.items() if ref.table == "platform-subject-keys"]


async def seal(sealer: Sealer, subject: str = USER, purpose: Purpose = Purpose.SUBJECT) -> str:
    return await sealer.seal(purpose, subject, VALUE, "Amira")


# --- made once -----------------------------------------------------------------------------------------------------


async def test_two_processes_sealing_for_somebody_new_end_with_one_key() -> None:
    store = Store(meet=2)
    one, other = Sealer(key_ring(store)), Sealer(key_ring(store))
    first, second = await asyncio.gather(seal(one), seal(other))
    assert first == second
    assert len(keys_of(store)) == 1
    assert await other.open(first, VALUE) == await one.open(second, VALUE) == Clear("Amira")


async def test_two_processes_meeting_an_erased_address_again_end_with_one_key() -> None:
    store = MemoryStore()
    await seal(Sealer(key_ring(store)), LEAD)
    await key_ring(store).destroy(LEAD, Purpose.SUBJECT)
    sealed = await asyncio.gather(*(seal(Sealer(key_ring(store)), LEAD) for _ in range(4)))
    assert {SealedText.parse(text).generation for text in sealed} == {2}
    assert len(set(sealed)) == 1


async def test_a_lost_answer_to_the_write_of_a_key_makes_no_second_one() -> None:
    store = Store()
    store.lost = 1
    sealed = await seal(Sealer(key_ring(store)))
    assert await Sealer(key_ring(store)).open(sealed, VALUE) == Clear("Amira")
    assert len(keys_of(store)) == 1


async def test_each_purpose_has_a_key_of_its_own() -> None:
    store = MemoryStore()
    sealer = Sealer(key_ring(store))
    assert (await seal(sealer)).rpartition(".")[2] != (await seal(sealer, purpose=Purpose.LEGAL)).rpartition(".")[2]
    assert len(keys_of(store)) == 2


async def test_nothing_in_the_table_tells_a_key() -> None:
    store, wrapping = MemoryStore(), LocalWrapping(MASTER_KEY)
    await seal(Sealer(key_ring(store, None, wrapping)))
    row = await SubjectKeys(store, HandClock()).at(OWNER, 1)
    assert row is not None
    assert row.wrapped is not None
    key = await wrapping.unwrap(OWNER, row.wrapped)
    assert len(key) == 64
    [item] = keys_of(store)
    rested = [value for value in item.values() if isinstance(value, str)]
    assert not any(form in value for value in rested for form in (key.hex(), b64encode(key).decode(), b64encode(key[:48]).decode()))
    assert key not in b64decode(item["wrappedKey"])


# --- looks ---------------------------------------------------------------------------------------------------------


async def test_all_who_want_one_key_at_once_share_one_look() -> None:
    store, wrapping = Store(), CountedWrapping()
    sealer = Sealer(key_ring(store, None, wrapping))
    await asyncio.gather(*(seal(sealer) for _ in range(50)))
    assert (store.reads, wrapping.calls) == (1, ["generate", "unwrap"])


async def test_one_who_gives_up_does_not_end_the_look_for_the_others() -> None:
    store = Store(meet=2)
    sealer = Sealer(key_ring(store))
    patient, hasty = asyncio.create_task(seal(sealer)), asyncio.create_task(seal(sealer))
    await eventually(lambda: store.reads > 0)
    hasty.cancel()
    await asyncio.gather(hasty, return_exceptions=True)
    assert await seal(Sealer(key_ring(store))) == await patient


async def test_a_key_is_looked_at_again_when_its_lifetime_is_over_without_the_wrapping_service() -> None:
    store, wrapping, clock = Store(), CountedWrapping(), HandClock()
    sealer = Sealer(key_ring(store, clock, wrapping))
    sealed = await seal(sealer)
    wrapping.away = True
    for seconds, reads in ((LIFETIME - 0.001, 1), (0.001, 2), (1, 2), (LIFETIME, 3)):
        clock.move(seconds)
        assert await sealer.open(sealed, VALUE) == Clear("Amira")
        assert await seal(sealer) == sealed
        assert store.reads == reads
    assert wrapping.calls == ["generate", "unwrap"]


async def test_a_clock_that_was_put_back_brings_the_look_forward() -> None:
    store, clock = Store(), HandClock()
    sealer = Sealer(key_ring(store, clock))
    await seal(sealer)
    clock.move(-3600)
    await seal(sealer)
    assert store.reads == 2


async def test_no_more_keys_are_held_than_the_bound_and_none_that_is_idle() -> None:
    store, clock = MemoryStore(), HandClock()
    ring = key_ring(store, clock, most=3)
    sealer = Sealer(ring)
    users = [f"{number:08d}-1111-4111-8111-111111111111" for number in range(5)]
    for user in users:
        await seal(sealer, user)
    assert [place[0].subject for place in ring._held] == users[2:]
    clock.move(IDLE_LIFETIMES * LIFETIME + 1)
    await seal(sealer, USER)
    assert [place[0].subject for place in ring._held] == [USER]


# --- destroyed -----------------------------------------------------------------------------------------------------


async def test_a_destroyed_key_opens_nothing_here_at_once_and_elsewhere_within_the_lifetime() -> None:
    store, clock = MemoryStore(), HandClock()
    ring = key_ring(store, clock)
    here, elsewhere = Sealer(ring), Sealer(key_ring(store, clock))
    sealed, theirs = await seal(here), await seal(here, OTHER)
    assert await elsewhere.open(sealed, VALUE) == Clear("Amira")
    assert await ring.destroy(USER, Purpose.SUBJECT) == [1]
    assert await here.open(sealed, VALUE) is Redacted.ERASED
    clock.move(LIFETIME)
    assert await elsewhere.open(sealed, VALUE) is Redacted.ERASED
    assert await elsewhere.open(theirs, VALUE) == Clear("Amira")


async def test_a_look_counts_from_before_its_read() -> None:
    """The key is read, then destroyed, then the read arrives, late: the lifetime is over no later for that."""
    store, clock = Store(meet=2), HandClock()
    writer = key_ring(store, clock)
    making = asyncio.create_task(seal(Sealer(writer)))
    await eventually(lambda: store.reads > 0)
    clock.move(LIFETIME / 2)
    sealed, _ = await asyncio.gather(making, store.get([]))
    await key_ring(store, clock).destroy(USER, Purpose.SUBJECT)
    clock.move(LIFETIME / 2)
    assert await Sealer(writer).open(sealed, VALUE) is Redacted.ERASED


async def test_the_legal_key_outlives_the_subjects() -> None:
    ring = key_ring()
    sealer = Sealer(ring)
    sealed = await seal(sealer, purpose=Purpose.LEGAL)
    await ring.destroy(USER, Purpose.SUBJECT)
    assert await sealer.open(sealed, VALUE) == Clear("Amira")


async def test_the_tombstone_keeps_when_and_why_and_nothing_of_the_key() -> None:
    store, clock = MemoryStore(), HandClock()
    await seal(Sealer(key_ring(store, clock)))
    clock.move(5)
    await key_ring(store, clock).destroy(USER, Purpose.SUBJECT, "asked by mail")
    [item] = keys_of(store)
    assert (item["state"], item["why"], item["destroyedAt"] > item["createdAt"]) == ("destroyed", "asked by mail", True)
    assert {"wrappedKey", "wrappedUnder"} & set(item) == set()


async def test_destroying_again_changes_nothing() -> None:
    store = MemoryStore()
    ring = key_ring(store)
    await seal(Sealer(ring))
    await ring.destroy(USER, Purpose.SUBJECT, "first")
    before = dict(store.items)
    assert await ring.destroy(USER, Purpose.SUBJECT, "second") == []
    assert store.items == before


async def test_a_user_never_gets_another_key() -> None:
    store = MemoryStore()
    ring = key_ring(store)
    await seal(Sealer(ring))
    await ring.destroy(USER, Purpose.SUBJECT)
    for sealer in (Sealer(ring), Sealer(key_ring(store))):
        for _ in range(2):
            with pytest.raises(SubjectErased, match=USER):
                await seal(sealer)
    assert [item["state"] for item in keys_of(store)] == ["destroyed"]


async def test_a_late_message_makes_no_key_for_somebody_erased_who_never_had_one() -> None:
    store = MemoryStore()
    assert await key_ring(store).destroy(USER, Purpose.SUBJECT) == []
    with pytest.raises(SubjectErased):
        await seal(Sealer(key_ring(store)))


async def test_a_process_that_sealed_before_the_destruction_seals_no_longer_than_the_lifetime() -> None:
    store, clock = MemoryStore(), HandClock()
    sealer = Sealer(key_ring(store, clock))
    await seal(sealer)
    await key_ring(store, clock).destroy(USER, Purpose.SUBJECT)
    late = await seal(sealer)
    assert await Sealer(key_ring(store, clock)).open(late, VALUE) is Redacted.ERASED
    clock.move(LIFETIME)
    with pytest.raises(SubjectErased):
        await seal(sealer)


async def test_an_address_that_appears_again_gets_a_new_generation_at_once() -> None:
    store, clock = MemoryStore(), HandClock()
    ring = key_ring(store, clock)
    here, elsewhere = Sealer(ring), Sealer(key_ring(store, clock))
    first = await seal(elsewhere, LEAD)
    await ring.destroy(LEAD, Purpose.SUBJECT)
    second = await seal(elsewhere, LEAD)
    assert [SealedText.parse(text).generation for text in (first, second)] == [1, 2]
    assert first.rpartition(".")[2] != second.rpartition(".")[2]
    clock.move(LIFETIME)
    for sealer in (here, elsewhere):
        assert await sealer.open(first, VALUE) is Redacted.ERASED
        assert await sealer.open(second, VALUE) == Clear("Amira")
    assert await ring.destroy(LEAD, Purpose.SUBJECT) == [2]
    assert [item["state"] for item in keys_of(store)] == ["destroyed", "destroyed"]


async def test_a_destruction_that_meets_a_new_key_destroys_that_one() -> None:
    """Absent when it looked, there when it wrote."""
    store = Store()
    keys = SubjectKeys(store, HandClock())
    await seal(Sealer(key_ring(store)))
    assert await keys._destroy(OWNER, 1, None, "erasure")
    assert [item["state"] for item in keys_of(store)] == ["destroyed"]


async def test_rewrapping_never_brings_a_destroyed_key_back() -> None:
    store = MemoryStore()
    ring = key_ring(store)
    await seal(Sealer(ring))
    row = await ring.keys.at(OWNER, 1)
    assert row is not None
    assert row.wrapped is not None
    await ring.destroy(USER, Purpose.SUBJECT)
    assert not await ring.keys.replace_wrapping(row, row.wrapped)
    found = await ring.keys.at(OWNER, 1)
    assert found is not None
    assert found.state is KeyState.DESTROYED


# --- away ----------------------------------------------------------------------------------------------------------


async def test_while_kms_is_away_known_keys_go_on_and_new_ones_are_unavailable() -> None:
    store, wrapping, clock = MemoryStore(), CountedWrapping(), HandClock()
    sealer = Sealer(key_ring(store, clock, wrapping))
    sealed = await seal(sealer)
    wrapping.away = True
    clock.move(2 * LIFETIME)
    assert await seal(sealer) == sealed
    with pytest.raises(KeysUnavailable):
        await seal(sealer, OTHER)
    with pytest.raises(KeysUnavailable):
        await Sealer(key_ring(store, clock, wrapping)).open(sealed, VALUE)
    assert len(keys_of(store)) == 1
    wrapping.away = False
    assert await sealer.open(await seal(sealer, OTHER), VALUE) == Clear("Amira")


async def test_while_the_table_is_away_a_key_is_used_until_its_lifetime_is_over() -> None:
    store, clock = Store(), HandClock()
    sealer = Sealer(key_ring(store, clock))
    sealed = await seal(sealer)
    store.away = True
    clock.move(LIFETIME - 1)
    assert await sealer.open(sealed, VALUE) == Clear("Amira")
    clock.move(1)
    with pytest.raises(KeysUnavailable, match="key table"):
        await sealer.open(sealed, VALUE)


async def test_another_master_key_unwraps_nothing_and_says_where_to_look() -> None:
    store = MemoryStore()
    sealed = await seal(Sealer(key_ring(store)))
    stranger = Sealer(key_ring(store, None, LocalWrapping(b"n" * 32)))
    with pytest.raises(UnwrappableKey, match="MINDLINKS_MASTER_KEY"):
        await stranger.open(sealed, VALUE)


async def test_a_wrapped_key_copied_to_another_subject_does_not_unwrap() -> None:
    store = MemoryStore()
    sealed = await seal(Sealer(key_ring(store)))
    [item] = keys_of(store)
    victim = KeyOwner(OTHER, Purpose.SUBJECT)
    store.items[reference(victim, 1)] = {**item, "subjectPurpose": str(victim)}
    with pytest.raises(UnwrappableKey):
        await Sealer(key_ring(store)).open(sealed.replace(USER, OTHER), VALUE)
