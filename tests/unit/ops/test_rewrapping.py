"""Every key under the present wrapping key, also when the run was ended, people are erased and keys are made meanwhile."""

import pytest

from contracts.clear import Clear, Redacted
from contracts.sealed import VALUE, KeysUnavailable, lead
from contracts.types import Purpose
from tests.support.keys import MASTER_KEY, CountedWrapping, HandClock, key_ring
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import KeyOwner, LocalWrapping, WrappedKey
from workers.adapters.sealing import Sealer
from workers.adapters.subject_keys import SHARDS, shard
from workers.engine.memory import MemoryStore
from workers.ops.keys import status_of
from workers.ops.rewrapping import Rewrapped, Rewrapping

FORMER, PRESENT = LocalWrapping(MASTER_KEY), LocalWrapping(b"another master key, also of thirty-two bytes or more")
USERS = [f"{number:08d}-1111-4111-8111-111111111111" for number in range(150)]


class Dying(CountedWrapping):
    """The process ends at the given call."""

    def __init__(self, at: int) -> None:
        super().__init__(inner=PRESENT)
        self._left = at

    async def wrap(self, owner: KeyOwner, key: bytes) -> WrappedKey:
        self._left -= 1
        if self._left < 0:
            raise KeysUnavailable("killed")
        return await super().wrap(owner, key)


async def sealed_under(ring: KeyRing) -> dict[str, str]:
    return {user: await Sealer(ring).seal(Purpose.SUBJECT, user, VALUE, user) for user in USERS}


async def rewrapped(store: MemoryStore, ring: KeyRing, *, again: bool = False) -> Rewrapped:
    run = Rewrapping(ring, store)
    return await run.run(await run.begun(again=again), lambda _: None)


def after(store: MemoryStore, *former: LocalWrapping) -> KeyRing:
    return key_ring(store, None, PRESENT, *former)


async def test_afterwards_the_former_wrapping_key_is_needed_no_more_and_nothing_sealed_has_changed() -> None:
    store = MemoryStore()
    sealed = await sealed_under(key_ring(store, None, FORMER))
    done = await rewrapped(store, after(store, FORMER))
    assert (done.rewrapped, done.already, done.destroyed, done.shard) == (len(USERS), 0, 0, SHARDS)
    sealer = Sealer(after(store))
    for user, text in sealed.items():
        assert await sealer.open(text, VALUE) == Clear(user)
        assert await sealer.seal(Purpose.SUBJECT, user, VALUE, user) == text


async def test_a_run_that_was_killed_goes_on_and_does_nothing_twice() -> None:
    store = MemoryStore()
    await sealed_under(key_ring(store, None, FORMER))
    kills, wraps = 0, 0
    while True:
        dying = Dying(at=40)
        try:
            done = await rewrapped(store, key_ring(store, None, dying, FORMER))
        except KeysUnavailable:
            kills, wraps = kills + 1, wraps + dying.calls.count("wrap")
        else:
            wraps += dying.calls.count("wrap")
            break
    assert kills == 3
    assert wraps == len(USERS)
    assert done.rewrapped + done.already == len(USERS)
    found = await status_of(after(store), lambda _: None)
    assert (found.under, found.elsewhere) == ({PRESENT.key_id: len(USERS)}, 0)


async def test_a_run_that_goes_on_skips_the_shards_that_are_done() -> None:
    store = MemoryStore()
    await sealed_under(key_ring(store, None, FORMER))
    with pytest.raises(KeysUnavailable):
        await rewrapped(store, key_ring(store, None, Dying(at=100), FORMER))
    begun = await Rewrapping(after(store, FORMER), store).begun()
    assert 0 < begun.shard < SHARDS
    assert begun.rewrapped > 0


async def test_a_second_run_finds_nothing_to_do_and_again_does_all() -> None:
    store = MemoryStore()
    await sealed_under(key_ring(store, None, FORMER))
    await rewrapped(store, after(store, FORMER))
    before = {ref: item for ref, item in store.items.items() if ref.table == "platform-subject-keys"}
    second = await rewrapped(store, after(store))
    assert (second.rewrapped, second.already) == (0, len(USERS))
    assert {ref: item for ref, item in store.items.items() if ref.table == "platform-subject-keys"} == before
    assert (await rewrapped(store, after(store), again=True)).rewrapped == len(USERS)


async def test_tombstones_stay_tombstones() -> None:
    store = MemoryStore()
    ring = key_ring(store, None, FORMER)
    sealed = await sealed_under(ring)
    await ring.destroy(USERS[0], Purpose.SUBJECT)
    await ring.destroy(lead("ab" * 32), Purpose.SUBJECT)
    done = await rewrapped(store, after(store, FORMER))
    assert (done.rewrapped, done.destroyed) == (len(USERS) - 1, 2)
    assert await Sealer(after(store)).open(sealed[USERS[0]], VALUE) is Redacted.ERASED


async def test_a_person_erased_in_the_middle_of_it_stays_erased() -> None:
    store = MemoryStore()
    sealed = await sealed_under(key_ring(store, None, FORMER))

    class Erasing(CountedWrapping):
        async def wrap(self, owner: KeyOwner, key: bytes) -> WrappedKey:
            await key_ring(store).destroy(owner.subject, owner.purpose)
            return await super().wrap(owner, key)

    done = await rewrapped(store, key_ring(store, None, Erasing(inner=PRESENT), FORMER))
    assert (done.rewrapped, done.destroyed) == (0, len(USERS))
    assert {await Sealer(after(store, FORMER)).open(text, VALUE) for text in sealed.values()} == {Redacted.ERASED}


async def test_processes_that_hold_a_key_go_on_without_the_new_wrapping_key() -> None:
    store, clock = MemoryStore(), HandClock()
    process = Sealer(key_ring(store, clock, FORMER))
    text = await process.seal(Purpose.SUBJECT, USERS[0], VALUE, "Amira")
    await rewrapped(store, after(store, FORMER))
    clock.move(3600)
    assert await process.open(text, VALUE) == Clear("Amira")


async def test_status_tells_what_is_under_which_key() -> None:
    store = MemoryStore()
    await sealed_under(key_ring(store, None, FORMER))
    await Sealer(after(store, FORMER)).seal(Purpose.LEGAL, USERS[0], VALUE, "x")
    await key_ring(store).destroy(USERS[1], Purpose.SUBJECT)
    found = await status_of(after(store, FORMER), lambda _: None)
    assert (found.present, found.under) == (PRESENT.key_id, {FORMER.key_id: len(USERS) - 1, PRESENT.key_id: 1})
    assert (found.destroyed, found.elsewhere) == (1, len(USERS) - 1)


def test_shards_share_the_keys_about_evenly() -> None:
    filled = {shard(KeyOwner(f"{number:08x}-1111-4111-8111-111111111111", Purpose.SUBJECT)) for number in range(2000)}
    assert filled == {f"{number:02x}" for number in range(SHARDS)}
