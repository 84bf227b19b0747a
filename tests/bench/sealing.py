"""CPU time of sealing and opening one value under a key that is held: ``python -m tests.bench.sealing``."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

from contracts.sealed import VALUE
from contracts.types import Purpose
from tests.support.keys import key_ring
from workers.adapters.opening import KeyRights, Opener
from workers.adapters.sealing import Sealer
from workers.engine.memory import SystemClock

VALUES, SUBJECTS = 100_000, 1_000
TEXTS = {"20 bytes": "sana@example.com.eg!", "2,000 bytes": "x" * 2_000}
EVERYTHING = frozenset({"subject"})


async def microseconds(work: Callable[[int], Awaitable[object]]) -> float:
    """Each, of this process's CPU time."""
    for number in range(SUBJECTS):
        await work(number)
    began = time.process_time()
    for number in range(VALUES):
        await work(number)
    return (time.process_time() - began) / VALUES * 1e6


async def measured() -> None:
    opener = Opener(Sealer(key_ring(None, SystemClock())), KeyRights(EVERYTHING, EVERYTHING), "bench")
    people = [f"{number:08d}-1111-4111-8111-111111111111" for number in range(SUBJECTS)]
    for name, text in TEXTS.items():
        sealed = [await opener.seal(Purpose.SUBJECT, person, VALUE, text) for person in people]

        async def seal(number: int, text: str = text) -> object:
            return await opener.seal(Purpose.SUBJECT, people[number % SUBJECTS], VALUE, text)

        async def open_(number: int, sealed: list[str] = sealed) -> object:
            return await opener.open(sealed[number % SUBJECTS], VALUE)

        sys.stdout.write(f"{name}: seal {await microseconds(seal):.1f} us, open {await microseconds(open_):.1f} us a value\n")


if __name__ == "__main__":
    asyncio.run(measured())
