"""No decision raises on any state it can reach, refusals are reasons of domain.md, books balance, repeats do no harm."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from contracts.ids import derived
from contracts.payment.commands import CancelDeposit
from contracts.types import CommandId
from tests.fuzz.choosing import ByteChoices, DrawnChoices
from tests.fuzz.openings import CONTRACT, DEPOSIT, OPENINGS
from tests.fuzz.world import HANDLERS, Sent, World
from workers.engine.decision import Accepted
from workers.services.payment.service import SERVICE as PAYMENT

STEPS = 30
STORIES = 800
RARE = 12
"""Of 145 kinds, those that so few stories may miss; a fuzzer's hours tell more."""
BYTES = 20_000
"""More than a story's choices."""


def told(world: World) -> World:
    try:
        world.begin()
        for _ in range(STEPS):
            world.step()
    except Exception:
        note(world.told())
        raise
    return world


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_story_breaks_a_promise(data: st.DataObject) -> None:
    told(World(DrawnChoices(data)))


def test_stories_reach_nearly_every_command() -> None:
    """The same stories in every run; what is never accepted goes untested."""
    reached: set[str] = set()
    for seed in range(STORIES):
        reached |= told(World(ByteChoices(Random(seed).randbytes(BYTES)))).reached
    missed = sorted({handler.command.__name__ for handler in HANDLERS if handler.command.kind() not in reached})
    assert len(missed) <= RARE, missed


@pytest.mark.parametrize("name", OPENINGS)
def test_an_opening_is_accepted_throughout(name: str) -> None:
    world = World(ByteChoices(b""))
    for number, (actor, data) in enumerate(OPENINGS[name], 1):
        world.judge(Sent(CommandId(derived(f"{name}{number}")), actor, data))
    assert len(world.sent) == len(OPENINGS[name])


def test_a_broken_promise_is_found() -> None:
    """A decision that moves money without a row of the ledger."""
    mark = next(each for each in HANDLERS if each.command is CancelDeposit)
    careless = replace(mark, decide=lambda state, _command, _at: Accepted(state.with_escrow(balance=state.opened.balance + 1)))
    world = World(ByteChoices(b""))
    world.judges["payment"].service = replace(PAYMENT, handlers=(careless, *(each for each in PAYMENT.handlers if each is not mark)))
    for number, (actor, data) in enumerate(OPENINGS["escrow"]):
        world.judge(Sent(CommandId(derived(f"{number}")), actor, data))
    with pytest.raises(AssertionError, match="does not add up"):
        world.judge(Sent(CommandId(derived("careless")), "system:test", CancelDeposit(contract_id=CONTRACT, transaction_id=DEPOSIT)))
