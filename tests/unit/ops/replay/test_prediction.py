"""A dry run says what the real run then does: in counts, in state and in calls; and changes nothing by saying so.

``REPLAY_MIXTURES=1000`` plays as many mixtures; ``REPLAY_FIRST`` begins elsewhere.
"""

import os
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from tests.support import toy
from tests.support.process import Plant, plant
from tests.support.replays import ROLES, CountingPort, Mixture, replays_on, rows_of, until_quiet
from workers.engine.decision import Item, ItemRef
from workers.ops.replay.operating import Prepared
from workers.ops.replay.rehearsal import Rehearsal

MIXTURES, FIRST = int(os.environ.get("REPLAY_MIXTURES", "30")), int(os.environ.get("REPLAY_FIRST", "0"))
A_TEST = 20


@pytest.mark.parametrize("first", range(FIRST, FIRST + MIXTURES, A_TEST))
async def test_the_dry_run_says_what_the_real_run_does(first: int) -> None:
    seen: set[str] = set()
    for seed in range(first, min(first + A_TEST, FIRST + MIXTURES)):
        seen |= await played(seed)
    assert {"applied", "recognised", "refused"} <= seen


async def played(seed: int) -> set[str]:
    """Which verdicts occurred."""
    port = CountingPort()
    async with plant(toy.SERVICE, seed, {"toy": port}) as made:
        mixture = await Mixture.of(made, seed)
        prepared = await replays_on(made).prepare(mixture.plan(seed))
        rehearsal = await rehearsed_without_a_trace(made, prepared)
        before, called = deepcopy(made.store.items), len(port.calls)
        processes = [made.start(role) for role in ROLES]
        if prepared.census.records:
            await really(made, prepared, rehearsal)
        await until_quiet(made)
        for process in processes:
            await process.stop()
        assert rows_of(made.store.items) == predicted(before, rehearsal), seed
        assert len(port.calls) - called == sum(calls.out for calls in rehearsal.found.effects.values()), seed
        return {name for name, count in rehearsal.found.tally.told().items() if count}


async def really(made: Plant, prepared: Prepared, rehearsal: Rehearsal) -> None:
    replays = replays_on(made)
    at = await replays.running().run(await replays.begin(prepared))
    await until_quiet(made)
    ended = await replays.finish(at)
    assert ended.settled
    assert ended.tally.told() == rehearsal.found.tally.told(), prepared.plan
    assert ended.at.sent + sum(ended.at.passed.values()) == prepared.census.records


async def rehearsed_without_a_trace(made: Plant, prepared: Prepared) -> Rehearsal:
    def all_there_is() -> tuple[Any, ...]:
        return deepcopy(made.store.items), {partition: len(records) for partition, records in made.log.records.items()}

    before = all_there_is()
    rehearsal = await replays_on(made).rehearse(prepared)
    assert all_there_is() == before
    return rehearsal


def predicted(before: Mapping[ItemRef, Item], rehearsal: Rehearsal) -> Mapping[ItemRef, Item]:
    after = dict(before)
    for ref in rehearsal.store.before:
        row = rehearsal.store.now(ref)
        if row is None:
            after.pop(ref, None)
        else:
            after[ref] = row
    return rows_of(after)
