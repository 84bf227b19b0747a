"""Waiting until a run has come to rest, for as long as it gets any nearer: a slow machine is no fault, a standstill is one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.types import EffectId
from tests.support.delivery import PARTITIONS, Delivery
from workers.adapters.kafka_admin import KafkaAdmin
from workers.engine.ledger import EFFECTS, OPEN_INDEX
from workers.engine.memory import SystemClock
from workers.engine.ports import LogUnavailable, StoreUnavailable, UnknownTopic
from workers.engine.runtime import RoleName
from workers.ops.timers import waiting

STANDSTILL = 90.0
"""Seconds without any progress while nothing goes wrong: several times what a lease, a look for timers or a rebalance with its drain takes,
on a machine that others use too."""
LOOK_EVERY = 0.5
MOST_LISTED = 1_000
AHEAD = 1
"""Hours: every timer of a run is due within seconds."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is known of a run at one moment. Equal twice means that nothing moved."""

    committed: tuple[tuple[str, int | None], ...]
    ends: tuple[int, ...]
    effects: tuple[EffectId, ...]
    timers: tuple[str, ...]

    @property
    def open(self) -> list[str]:
        """Empty when everything is done. A partition nobody wrote to has no commit."""
        behind = [
            f"{name}: {committed} of {end}"
            for (name, committed), end in zip(self.committed, self.ends, strict=True)
            if committed != end and (committed, end) != (None, 0)
        ]
        return behind + [f"effect {each}" for each in self.effects[:3]] + [f"timer {each}" for each in self.timers[:3]]

    @property
    def kinds(self) -> str:
        return ", ".join(dict.fromkeys(each.split()[0] for each in self.open))


async def until_settled(run: Delivery, roles: Sequence[RoleName], note: Callable[[str], None]) -> None:
    """Returns when the groups have committed all they read, no effect is open and no timer waits, and that is so twice in a row: what one
    role has done between two looks may be another's work. Fails with what is open when nothing has moved for ``STANDSTILL``. ``note`` is
    told whenever something else is open than before."""
    loop, admin = asyncio.get_running_loop(), KafkaAdmin(run.bootstrap)
    before, moved_at = None, loop.time()
    while True:
        found = await _look(run, admin, roles)
        if found is not None and found == before and not found.open:
            return
        if found is not None and found != before:
            if before is None or found.kinds != before.kinds:
                note(f"open: {found.kinds or 'nothing'}")
            before, moved_at = found, loop.time()
        if loop.time() - moved_at > STANDSTILL:
            raise AssertionError(f"nothing has moved for {STANDSTILL:g} s; open: {before.open if before else 'no answer from the servers'}")
        await asyncio.sleep(LOOK_EVERY)


async def _look(run: Delivery, admin: KafkaAdmin, roles: Sequence[RoleName]) -> Rest | None:
    """None while a server that has just started does not answer yet. The log is looked at last: what the other two found ended is in it."""
    try:
        timers = tuple(each.id for each in await waiting(run.store, run.service, SystemClock().now(), AHEAD, MOST_LISTED))
        effects = [each for number in range(PARTITIONS) for each in await _open_effects(run, number)]
        committed: list[tuple[str, int | None]] = []
        ends: list[int] = []
        for role in roles:
            partitions = run.commands if role is RoleName.COMMANDS else run.events
            for each in await admin.assigned(f"{run.service}-{role.value}", partitions):
                committed.append((f"{role.value} {each.partition.number}", each.committed))
                ends.append(each.end)
    except (LogUnavailable, UnknownTopic, StoreUnavailable):
        return None
    return Rest(tuple(committed), tuple(ends), tuple(effects), timers)


async def _open_effects(run: Delivery, partition: int) -> list[EffectId]:
    page = await run.store.query(EFFECTS, OPEN_INDEX, f"{run.service}#{partition}", limit=MOST_LISTED)
    return [EffectId(item["effectId"]) for item in page.items]
