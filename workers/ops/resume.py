"""``mindlinks resume``."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.timestamps import from_milliseconds
from workers.engine.resuming import Resumes, Word
from workers.ops.composition import Composition
from workers.ops.terminal import console, run_async
from workers.ops.timers import Context
from workers.settings import Settings


def add(app: typer.Typer, context: Context) -> None:
    @app.command(
        help="Let a stopped role go on: after a fuse, a full parking lot, or offsets moved on purpose. "
        'Example: mindlinks resume payment-commands --why "fixed in 1.4.2"'
    )
    def resume(
        group: Annotated[str, typer.Argument(help="SERVICE-ROLE, as /health/ready names it")],
        why: Annotated[str, typer.Option(help="For the audit trail.")],
    ) -> None:
        word: Word = run_async(_ask(context.composition, context.settings(), group, why))
        said = datetime.fromisoformat(from_milliseconds(word.at)).astimezone(UTC)
        console.print(f"{group} may go on: said by {word.who} at {said:%H:%M:%S} UTC; its process looks every 2 s", highlight=False)


async def _ask(composition: Composition, settings: Settings, group: str, why: str) -> Word:
    async with composition.open_backbone(settings) as backbone:
        return await Resumes(backbone.store, backbone.clock).ask(group, getpass.getuser(), why)
