"""``mindlinks`` as a deploy with a quiet bug: round deposits are taken for trials, and there is nothing to do about them.

``python -m tests.support.dropping_deploy run payment``: all else is the real process.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts.payment.commands import RecordDepositSucceeded
from workers.engine.aggregate import Handler
from workers.engine.decision import UNCHANGED
from workers.engine.service import Service
from workers.main import SERVICES, MindLinks
from workers.ops.cli import build_cli

ROUND = 10
"""Minor units: of amounts that differ by one it is every tenth."""


def forgetful(handler: Handler[Any, Any]) -> Handler[Any, Any]:
    if handler.command is not RecordDepositSucceeded:
        return handler

    def decide(state: Any, command: Any, at: Any) -> Any:
        return UNCHANGED if command.data.amount % ROUND == 0 else handler.decide(state, command, at)

    return replace(handler, decide=decide)


class DroppingDeploy(MindLinks):
    services: Mapping[str, Service] = {each.name: replace(each, handlers=tuple(map(forgetful, each.handlers))) for each in SERVICES}


if __name__ == "__main__":
    build_cli(DroppingDeploy())()
