"""``mindlinks erasure``: how far the erasure of a person is, and what of the person is still there and why. Reads only."""

import json
import re
import sys
from typing import Annotated, Final

import typer
from rich.table import Table

from contracts.types import UUID_PATTERN, UserId
from workers.ops.erasure_judging import report
from workers.ops.erasure_reading import read
from workers.ops.erasure_report import Fate, Report, Standing
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context

EXIT: Final = {
    Standing.DONE: 0,
    Standing.UNKNOWN: 1,
    Standing.NOT_REQUESTED: 3,
    Standing.IN_PROGRESS: 4,
    Standing.DEFERRED: 5,
}
_LEFT: Final = 1
_STYLES: Final = {Fate.LEFT: "red", Fate.ERASED: "green", Fate.DEFERRED: "yellow", Fate.WAITING: "yellow"}


def add(app: typer.Typer, context: Context) -> None:
    @app.command(
        help="Tell what of a person is erased, waits, is deferred or kept, and why, per service. Shows no value of the person; reads only. "
        "Exit code 0: erased, but for what is kept by law. 3: nobody asked for it. 4: in progress. 5: deferred by open contracts. "
        "1: nobody has this id, something is left that should be gone, or a fault. "
        "Example: mindlinks erasure 3b0c6b1e-7f7e-4b57-9a53-0f0a4c1f3a10 --json"
    )
    def erasure(user: Annotated[str, typer.Argument(metavar="USER", help="The userId.")], as_json: Json = False) -> None:
        if not re.fullmatch(UUID_PATTERN, user):
            raise typer.BadParameter("a userId is a uuid in lower case")
        found: Report = run_async(_reported(context, UserId(user)), "WARNING")
        if as_json:
            sys.stdout.write(json.dumps(found.told()) + "\n")
        else:
            _show(found)
        raise typer.Exit(_LEFT if found.left else EXIT[found.standing])


async def _reported(context: Context, user: UserId) -> Report:
    async with context.composition.open_backbone(context.settings()) as backbone:
        return report(await read(backbone.store, backbone.keys.keys, user))


# --- what a person sees --------------------------------------------------------------------------------------------


def _show(found: Report) -> None:
    console.print(f"erasure of {found.user}: {found.standing}", style="bold", highlight=False)
    if found.requested_at:
        answered = sum(each is not None for each in found.parts.values())
        waits = f"; waits for {', '.join(found.waits_for)}" if found.waits_for else ""
        console.print(f"requested {found.requested_at}, {answered} of {len(found.parts)} services answered{waits}", highlight=False)
    table = Table("service", "what", "count", "", "why", "until", box=None)
    for line in found.lines:
        fate = f"[{_STYLES[line.fate]}]{line.fate}[/]" if line.fate in _STYLES else str(line.fate)
        table.add_row(line.service, line.what, "" if line.count is None else str(line.count), fate, line.why, line.until or "")
    if found.lines:
        console.print(table)
    if found.left:
        advice = "Find its command in the failures (mindlinks failures list) or send it again."
        console.print(f"{len(found.left)} should be gone and are not. {advice}", style="red", highlight=False, soft_wrap=True)
