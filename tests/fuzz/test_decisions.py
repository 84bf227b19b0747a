"""No decision raises on any state it can reach, refusals are reasons of domain.md, books balance, repeats do no harm."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from contracts.client import InvitationId, InviteContractor
from contracts.ids import derived
from contracts.payment.commands import CancelDeposit
from contracts.types import CommandId
from tests.contracts.test_examples import example
from tests.fuzz.choosing import ByteChoices, DrawnChoices
from tests.fuzz.inventing import ACTORS, COMPANIES, HASHES
from tests.fuzz.openings import CONTRACT, DEPOSIT, OPENINGS
from tests.fuzz.world import HANDLERS, Sent, World
from workers.engine.aggregate import Items
from workers.engine.decision import Accepted, Command
from workers.services.client.service import SERVICE as CLIENT
from workers.services.client.state import CLIENTS, ClientState
from workers.services.payment.service import SERVICE as PAYMENT

INVITED = InvitationId(derived(f"invitation:{COMPANIES[0]}:{HASHES[1]}"))
STEPS = 30
STORIES = 1_200
RARE = 10
"""Of 165 kinds, those that so few stories may miss; a fuzzer's hours tell more."""
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


def test_a_state_that_takes_one_row_for_another_is_found() -> None:
    """An aggregate that knows one invitation, whichever was read first."""

    def load(key: str, items: Items) -> ClientState:
        state = CLIENTS.load(key, items)
        first = next(iter(state.invitations.values()), None)
        return replace(state, invitations=dict.fromkeys([INVITED], first) if first else {})

    world = World(ByteChoices(b""))
    for number, (actor, data) in enumerate(OPENINGS["company"]):
        world.judge(Sent(CommandId(derived(f"{number}")), actor, data))
    careless = tuple(replace(each, aggregate=replace(CLIENTS, load=load)) for each in CLIENT.handlers)
    inviting = example("mindlinks.client.InviteContractor.v1")["data"]
    another = InviteContractor.model_validate({**inviting, "companyId": COMPANIES[0], "emailHash": HASHES[1], "invitationId": INVITED})
    handler = next(each for each in careless if each.command is InviteContractor)
    command = Command(CommandId(derived("another")), another.key, ACTORS[1], another)
    state, found = world.judges["client"].state_of(command, handler)

    with pytest.raises(AssertionError, match="beside other rows"):
        world.check_together(handler, command, state, found)
