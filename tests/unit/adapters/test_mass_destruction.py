"""A thousand people are erased while three processes go on sealing and opening for everybody."""

import asyncio
from random import Random

from contracts.clear import Clear, Redacted
from contracts.sealed import VALUE, SubjectErased
from contracts.types import Purpose
from tests.support.keys import HandClock, key_ring
from workers.adapters.key_ring import LIFETIME
from workers.adapters.sealing import Sealer
from workers.engine.memory import MemoryStore

PEOPLE = [f"{number:08d}-1111-4111-8111-111111111111" for number in range(2_000)]
ERASED, STAYING = PEOPLE[:1_000], PEOPLE[1_000:]


class Traffic:
    """What one process sealed: per person, all of it the same text, since the text and the key are."""

    def __init__(self, sealer: Sealer, random: Random) -> None:
        self.sealer, self.random = sealer, random
        self.sealed: set[tuple[str, str]] = set()
        self.refused: set[str] = set()
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            person = self.random.choice(PEOPLE)
            try:
                text = await self.sealer.seal(Purpose.SUBJECT, person, VALUE, person)
            except SubjectErased:
                self.refused.add(person)
            else:
                self.sealed.add((person, text))
                assert await self.sealer.open(text, VALUE) in (Clear(person), Redacted.ERASED)
            await asyncio.sleep(0)


async def test_nothing_of_the_erased_is_readable_after_the_lifetime_and_nothing_of_the_others_is_lost() -> None:
    store, clock = MemoryStore(), HandClock()
    processes = [Traffic(Sealer(key_ring(store, clock)), Random(seed)) for seed in range(3)]
    tasks = [asyncio.create_task(process.run()) for process in processes]
    destroyer = key_ring(store, clock)
    for person in ERASED:
        await destroyer.destroy(person, Purpose.SUBJECT)
        clock.move(LIFETIME / 100)
        await asyncio.sleep(0)
    clock.move(LIFETIME)
    for process in processes:
        process.stopping = True
    await asyncio.gather(*tasks)
    sealed = set().union(*(process.sealed for process in processes))
    assert {person for person, _ in sealed} & set(ERASED), "somebody was sealed for before it was erased"
    assert set().union(*(process.refused for process in processes)) <= set(ERASED)
    for process in processes:
        for person, text in sealed:
            assert await process.sealer.open(text, VALUE) == (Redacted.ERASED if person in ERASED else Clear(person))
    assert len({text for person, text in sealed if person in STAYING}) == len({person for person, _ in sealed if person in STAYING})
