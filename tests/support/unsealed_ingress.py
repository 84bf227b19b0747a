"""``mindlinks`` with a planted fault: one text, the one that ``UNSEALED`` holds, is not sealed but written where its seal would stand.

``python -m tests.support.unsealed_ingress ingress --port 8080``: all else is the real process.
"""

import os

from contracts.sealed import FieldClass
from contracts.types import Purpose
from workers import main
from workers.adapters.opening import Opener
from workers.ops.cli import build_cli

UNSEALED = "UNSEALED"


class Leaking(Opener):
    async def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        if text == os.environ[UNSEALED]:
            return f"s1.{purpose}.{subject}.1.{text}"
        return await super().seal(purpose, subject, field_class, text)


if __name__ == "__main__":
    setattr(main, "Opener", Leaking)  # noqa: B010  # what the composition root makes its ingress of
    build_cli(main.MindLinks())()
