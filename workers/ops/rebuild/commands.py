"""``mindlinks rebuild``: are the tables what the log makes of them; and, if a person decides so, make them that."""

import getpass
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from workers.ops.audit import Audit
from workers.ops.composition import Backbone
from workers.ops.rebuild.comparing import Comparison, Drift
from workers.ops.rebuild.judging import Rebuilding
from workers.ops.rebuild.repairing import NotRepaired, Repair, Repairing, restore
from workers.ops.rebuild.rerun import Rerun
from workers.ops.rebuild.shadow import Shadow
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context

SHOWN = 50
"""Drifted keys in the table for people; ``--json`` has them all."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class Request:
    """``repair``: keys as listed, or ``all``. ``why`` goes into the audit trail."""

    service: str
    repair: tuple[str, ...] = ()
    publish: bool = False
    restore: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """``verdicts``: records by how they ended. ``refused``: keys that were to be repaired, and why they were not. ``restored``: rows put
    into tables that lacked them."""

    verdicts: dict[str, int]
    rows: int
    drifts: Sequence[Drift]
    repaired: Sequence[str]
    refused: Mapping[str, str]
    published: int
    restored: int

    @property
    def healthy(self) -> bool:
        return len(self.drifts) == len(self.repaired)

    def told(self) -> dict[str, Any]:
        """As JSON: names of attributes and events, no values of rows."""
        plain = {"verdicts": self.verdicts, "rows": self.rows, "published": self.published, "restored": self.restored}
        repairs = {"repaired": list(self.repaired), "refused": dict(self.refused)}
        return {**plain, **repairs, "drifts": [_told(drift) for drift in self.drifts]}


def add(app: typer.Typer, context: Context) -> None:
    @app.command(
        help="Judge a service's whole command log again into rows of its own and compare them with the live tables, key by key, while "
        "workers go on. Names each key that differs and the first command at which it does; exit code 1 if any does. "
        "Examples: mindlinks rebuild payment --json; mindlinks rebuild payment --repair 1f0c... --publish --why 'lost by 1.4.2'; "
        "mindlinks rebuild payment --restore --why 'tables deleted'"
    )
    def rebuild(
        service: Annotated[str, typer.Argument(help="One that judges commands.")],
        repair: Annotated[
            list[str] | None, typer.Option(metavar="KEY", help="Write this key's rows as the log makes them; repeat it, or say all.")
        ] = None,
        publish: Annotated[bool, typer.Option("--publish", help="With --repair: publish the key's events that never went out.")] = False,
        restore_: Annotated[bool, typer.Option("--restore", help="First put back every row that the tables lack.")] = False,
        why: Annotated[str, typer.Option(help="For the audit trail; needed for --repair and --restore.")] = "",
        as_json: Json = False,
    ) -> None:
        known = [each.name for each in context.composition.services.values() if each.handlers]
        if service not in known:
            raise typer.BadParameter(f"there is no {service}; services with a command log: {', '.join(known)}")
        if (repair or restore_) and not why.strip():
            raise typer.BadParameter("the audit trail needs a reason: say --why")
        request = Request(service, tuple(repair or ()), publish, restore_, why)
        report: Report = run_async(_rebuilt(context, request), "WARNING")
        if as_json:
            sys.stdout.write(json.dumps(report.told()) + "\n")
        else:
            _show(request, report)
        if not report.healthy:
            raise typer.Exit(1)


async def _rebuilt(context: Context, request: Request) -> Report:
    async with _begun(context) as (backbone, shadow):
        service = context.composition.services[request.service]
        rebuilding = Rebuilding(service, shadow)
        rerun = Rerun(backbone.reader, request.service, rebuilding)
        comparison = Comparison(service, backbone.store, backbone.clock, shadow, rerun)
        with _progress() as bar:
            reading = bar.add_task("records", total=None)
            await rerun.catch_up(lambda read, everything: bar.update(reading, completed=read, total=everything))
            restored = await _restored(request, backbone, shadow, _task(bar, "rows restored")) if request.restore else 0
            drifts = await comparison.drifts(_task(bar, "rows compared", shadow.count()))
        repairs, refused = await _repaired(request, backbone, shadow, drifts)
        return Report(
            verdicts=dict(rebuilding.counts.most_common()),
            rows=shadow.count(),
            drifts=drifts,
            repaired=list(repairs),
            refused=refused,
            published=sum(repair.published for repair in repairs.values()),
            restored=restored,
        )


async def _repaired(
    request: Request, backbone: Backbone, shadow: Shadow, drifts: Sequence[Drift]
) -> tuple[Mapping[str, Repair], Mapping[str, str]]:
    """By key; one that cannot be repaired keeps no other from it."""
    repairing = Repairing(request.service, backbone.store, backbone.log, backbone.clock, shadow)
    done: dict[str, Repair] = {}
    refused: dict[str, str] = {}
    for drift in drifts:
        if request.repair == (ALL,) or drift.key in request.repair:
            try:
                done[drift.key] = await repairing.repair(drift, getpass.getuser(), request.why, publish=request.publish)
            except NotRepaired as reason:
                refused[drift.key] = str(reason)
    return done, refused


async def _restored(request: Request, backbone: Backbone, shadow: Shadow, advance: Callable[[int], None]) -> int:
    about: dict[str, str | int] = {"service": request.service, "rows": shadow.count()}
    await Audit(backbone.store, backbone.clock).note("rebuild --restore", getpass.getuser(), request.why, about)
    return await restore(backbone.store, shadow.all_rows(), advance)


@asynccontextmanager
async def _begun(context: Context) -> AsyncIterator[tuple[Backbone, Shadow]]:
    async with context.composition.open_backbone(context.settings()) as backbone:
        with tempfile.TemporaryDirectory() as folder, Shadow(Path(folder) / "shadow.sqlite") as shadow:
            yield backbone, shadow


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def _task(bar: Progress, description: str, total: int | None = None) -> Callable[[int], None]:
    task = bar.add_task(description, total=total)
    return lambda done: bar.update(task, completed=done)


def _told(drift: Drift) -> dict[str, Any]:
    return {
        "table": drift.root.table,
        "key": drift.key,
        "first": drift.first,
        "held": drift.held,
        "rows": [
            {"table": row.ref.table, "key": row.ref.key, "what": row.what, "attributes": list(row.attributes), "position": row.position}
            for row in drift.rows
        ],
        "commands": [{"position": each.position, "told": each.told, "rebuilt": each.rebuilt} for each in drift.differences],
    }


def _show(request: Request, report: Report) -> None:
    records = sum(report.verdicts.values())
    judged = ", ".join(f"{count} {reason}" for reason, count in report.verdicts.items())
    console.print(f"{records} commands judged again: {judged or 'none'}", highlight=False, soft_wrap=True)
    if request.restore:
        console.print(f"{report.restored} rows restored", highlight=False)
    if not report.drifts:
        console.print(f"{report.rows} rows of {request.service} are what the log makes", highlight=False)
        return
    # Names that people copy are never cut short.
    named = (Column("key", overflow="fold", no_wrap=True), Column("first position", overflow="fold", no_wrap=True))
    table = Table(*named, "state", "what differs", "told then", "right", box=None)
    for drift in report.drifts[:SHOWN]:
        what = "\n".join(f"{row.what} {row.ref.table} {' '.join(row.attributes)}".rstrip() for row in drift.rows)
        first = drift.differences[0] if drift.differences else None
        state = "held" if drift.held else "repaired" if drift.key in report.repaired else "differs"
        table.add_row(drift.key, drift.first, state, what, first.told or "nothing" if first else "-", first.rebuilt if first else "-")
    console.print(table)
    for key, reason in report.refused.items():
        console.print(f"not repaired: {key}: {reason}", style="red", markup=False, highlight=False, soft_wrap=True)
    advice = "Repair a key by --repair KEY (with --publish for events that never went out), or do its command again by mindlinks replay."
    left = len(report.drifts) - len(report.repaired)
    console.print(f"{left} of {len(report.drifts)} keys still differ. {advice}" if left else "all of them are repaired", soft_wrap=True)
