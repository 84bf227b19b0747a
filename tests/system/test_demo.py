"""``mindlinks demo``: plays the whole story, finds its own totals right, leaves no process behind."""

import re
import signal

import pytest

from tests.system.command import mindlinks
from workers.ops.demo.story import SCENES

PEOPLE = ("EmailVerified", "SessionOpened", "CompanyVerified", "InvitationAccepted", "KycResubmissionRequested", "KycSessionVerified")
CONTRACT = ("PayeeReady", "ContractActivated", "DepositReceived", "EscrowReleased", "PayoutPaid", "PayoutFailed", "ContractCompleted")
CLOSING = ("EscrowClosing", "EscrowRefunded", "EscrowClosed", "payout-failed to the contractor, sms")


async def _plays(stack: str, *shown: str) -> None:
    async with mindlinks("demo", stack=stack) as demo:
        code, told, errors = await demo.ended()
        await demo.nothing_is_left()
    assert code == 0, told + errors
    totals = re.search(r"(\d+) of (\d+) totals are right", told)
    assert totals, told
    assert totals[1] == totals[2]
    assert all(scene.title in told for scene in SCENES)
    assert all(text in told for text in (*PEOPLE, *CONTRACT, *CLOSING, *shown))


async def test_the_demo_plays_in_one_process_with_nothing_but_python() -> None:
    await _plays("embedded", "the store in memory", "the log in memory")


async def test_the_demo_plays_on_real_servers(local_stack: str) -> None:
    await _plays(local_stack, "Items in DynamoDB", "Records in Kafka")


@pytest.mark.parametrize("reached", ["stack local: asked for", "kafka: ready", "workers: ready"])
async def test_an_interrupted_demo_leaves_nothing_wherever_it_was(local_stack: str, reached: str) -> None:
    async with mindlinks("demo", stack=local_stack) as demo:
        await demo.progress(reached)
        demo.signal(signal.SIGTERM)
        code, _, errors = await demo.ended()
        assert (code, "Traceback" in errors) == (1, False), errors
        await demo.nothing_is_left()


@pytest.mark.parametrize("command", ["demo", "dev"])
async def test_a_stack_that_does_not_exist_is_named_in_one_clear_message(command: str) -> None:
    async with mindlinks(command, stack="nonsense") as wrong:
        code, _, errors = await wrong.ended()
    assert code == 2
    assert "MINDLINKS_STACK='nonsense'" in errors
    assert "Traceback" not in errors
