"""Ledger rows that the store never takes: the event waits for people before anything was called, and what was called is not again."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest

from contracts.message import EventData
from tests.support import toy
from tests.support.process import Plant, Process, plant
from tests.support.waiting import eventually
from tests.unit.engine.test_effects_order import parked
from tests.unit.engine.test_effects_outages import COMMANDS, EVENTS, GROUP, PACE, Provider, keys, ledger, once, repeated, row, tell, turned
from workers.engine.decision import Item
from workers.engine.fuse import FuseLimits, FuseTripped
from workers.engine.ledger import EFFECTS, LEASE
from workers.engine.memory import MemoryStore
from workers.engine.parking import ATTEMPTS
from workers.engine.planning import Conveyor
from workers.engine.ports import Fate, Write, Written
from workers.engine.quarantine import FAILURES
from workers.engine.runtime import RoleName
from workers.engine.service import Call, Done, Result


class Strict(MemoryStore):
    """Takes no ledger row whose item ``refused`` says it of."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: set[str] = set()
        self.results = False

    def refused(self, item: Item) -> bool:
        return item["key"] in self.bad and (not self.results or bool(item["results"]))

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        bad = {each.ref for each in writes if each.ref.table == EFFECTS and each.after and self.refused(each.after)}
        written = iter(await super().write([each for each in writes if each.ref not in bad]))
        return [Written(Fate.INVALID, detail="too large") if each.ref in bad else next(written) for each in writes]


def strict(made: Plant, bad: Sequence[str], *, results: bool = False) -> Strict:
    store = Strict()
    store.bad, store.results = set(bad), results
    made.store = store
    return store


def on(made: Plant) -> Mapping[str, Any]:
    return {item["fingerprint"]: item for ref, item in made.store.items.items() if ref.table == FAILURES}


async def test_an_event_whose_row_is_never_taken_waits_with_those_behind_it_and_the_others_go_on() -> None:
    bad, provider = str(uuid4()), Provider(lambda _: Done())
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        store = strict(made, [bad])
        process = made.start(RoleName.EFFECTS, effects=PACE)
        others = keys(3)
        first, _, second, _, third, _ = await tell(made, [bad, others[0], bad, others[1], bad, others[2]])
        await eventually(lambda: len(provider.calls) == 3 and len(parked(made)) == 3)
        assert sorted(item["attempts"] for item in parked(made)) == [0, 0, 1]
        assert any(item.get("fingerprint", "").startswith("RejectedRow/") for item in parked(made))
        store.bad.clear()

        def gone() -> bool:
            made.clock.advance(60)
            return not parked(made)

        await eventually(gone)
        await made.until_settled(GROUP, EVENTS)
        await eventually(lambda: provider.of(bad) == [first, second, third])
        assert process.role.failure is None


async def test_it_is_for_people_in_the_end_and_was_never_called() -> None:
    bad, provider = str(uuid4()), Provider(lambda _: Done())
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        strict(made, [bad])
        made.start(RoleName.EFFECTS, effects=PACE)
        await tell(made, [bad])

        def given_up() -> bool:
            made.clock.advance(700)
            return bool(on(made))

        await eventually(given_up)
        ((fingerprint, failure),) = on(made).items()
        assert (fingerprint.split("/")[0], failure["attempts"], failure["key"]) == ("RejectedRow", ATTEMPTS, bad)
        assert (provider.calls, ledger(made)) == ([], [])


async def test_many_such_keys_stop_the_role_and_no_offset_moves() -> None:
    bad, provider = keys(40), Provider(lambda _: Done())
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        strict(made, bad)
        process = made.start(RoleName.EFFECTS, effects=PACE, conveyor=Conveyor(fuse=FuseLimits(keys=10)))
        await tell(made, bad)
        await eventually(lambda: process.role.failure)
        assert isinstance(process.role.failure, FuseTripped)
        assert (provider.calls, made.log.group(GROUP).committed) == ([], {})


@pytest.mark.parametrize(("make", "name"), [(repeated, "toy.repeated"), (once, "toy.once")])
async def test_a_result_that_is_never_taken_fails_the_effect_after_one_call(make: Any, name: str) -> None:
    def answer(call: Call[EventData]) -> Result:
        return Done((toy.side_row_of(call.event.key),))

    bad, provider = str(uuid4()), Provider(answer)
    async with plant(toy.SERVICE, ports={"toy": provider}) as made:
        strict(made, [bad], results=True)
        process: Process = made.start(RoleName.EFFECTS, effects=PACE)
        (event,) = await tell(made, [bad], make)
        (other,) = await tell(made, keys(1), make, first=1)
        await eventually(lambda: row(made, event, name).get("state") == "failed")
        for _ in range(5):
            made.clock.advance(2 * LEASE / 1000)
            await turned(process)
        kept = row(made, event, name)
        assert (kept["fingerprint"].split("/")[0], "too large" in kept["error"], "openPartition" in kept) == ("RejectedRow", True, False)
        assert (len(provider.of(bad)), row(made, other, name)["state"], len(made.records(COMMANDS))) == (1, "confirmed", 1)
        assert process.role.failure is None
