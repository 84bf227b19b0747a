"""Twenty seconds of everything at once: workers and servers killed, stopped and frozen under load. ``make chaos`` is the long one."""

import os

import pytest

from tests.chaos.plan import Plan
from tests.chaos.run import chaos
from workers.ops.stack.local import LocalStack

SHORT = Plan(seed=331, seconds=20.0, commands=1_500, workers=2, keys=100)
"""Of the seeds whose faults strike workers, broker and store in so short a time."""


async def test_the_promises_hold_under_chaos(credentials: None) -> None:
    obstacle = LocalStack().why_not()
    if obstacle and not os.environ.get("CI"):
        pytest.skip(f"the real servers do not start here: {obstacle}")
    report = await chaos(SHORT)
    print(*report.lines(), sep="\n")
    assert not report.broken, "\n".join(report.lines())
    assert report.outcome is not None
    assert report.outcome.commands == SHORT.commands
    assert report.money is not None
    assert report.money.commands >= SHORT.money
    assert report.money.rows > report.money.escrows > 0
    done = report.outcome.consequences
    assert min(done.reactions, done.effects, done.timers) > SHORT.commands / 20
    assert report.figures["kills"]
    assert report.figures["kafka restarts"]
    assert report.figures["dynamodb restarts"]
