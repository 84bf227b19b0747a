"""``mindlinks`` as a deploy with a bug: every decision raises while the file that ``BAD_WHILE`` names exists, whatever the command.

``python -m tests.support.bad_deploy run payment:commands``: all else is the real process.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.engine.aggregate import Handler
from workers.main import SERVICES, MindLinks
from workers.ops.cli import build_cli

BAD_WHILE = "BAD_WHILE"


def broken(handler: Handler[Any, Any], cause: Path) -> Handler[Any, Any]:
    def decide_badly(state: Any, command: Any, at: Any) -> Any:
        if cause.exists():
            raise KeyError("a dependency that is not there")
        return handler.decide(state, command, at)

    return replace(handler, decide=decide_badly)


class BadDeploy(MindLinks):
    def __init__(self, cause: Path) -> None:
        self.services = {each.name: replace(each, handlers=tuple(broken(handler, cause) for handler in each.handlers)) for each in SERVICES}


if __name__ == "__main__":
    build_cli(BadDeploy(Path(os.environ[BAD_WHILE])))()
