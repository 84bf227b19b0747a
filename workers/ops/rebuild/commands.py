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

from workers.ops.composition import Backbone
from workers.ops.rebuild.comparing import Comparison, Drift
from workers.ops.rebuild.judging import Rebuilding
from workers.ops.rebuild.repairing import Repair, Repairing
from workers.ops.rebuild.rerun import Rerun
from workers.ops.rebuild.restoring import Restored, Restoring
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.shelf import Waits
from workers.ops.rebuild.standing import Standing
from workers.ops.rebuild.tables import require_tables
from workers.ops.rebuild.telling import NotRepaired
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

    @property
    def writes(self) -> bool:
        return self.restore or bool(self.repair)

    def names(self, key: str) -> bool:
        return self.repair == (ALL,) or key in self.repair


@dataclass(frozen=True, slots=True)
class Report:
    """``verdicts``: records by how they ended. ``refused``: keys that were to be repaired or put back, and why they were not.
    ``restored``: rows put into tables that lacked them. ``waits``: what the worker is yet to process, and so no drift."""

    verdicts: dict[str, int]
    rows: int
    drifts: Sequence[Drift]
    repaired: Sequence[str]
    refused: Mapping[str, str]
    published: int
    restored: int
    waits: Waits

    @property
    def healthy(self) -> bool:
        return len(self.drifts) == len(self.repaired) and not self.refused

    def told(self) -> dict[str, Any]:
        """As JSON: names of attributes and events, no values of rows."""
        plain = {"verdicts": self.verdicts, "rows": self.rows, "published": self.published, "restored": self.restored}
        repairs = {"repaired": list(self.repaired), "refused": dict(self.refused)}
        waits = {"commands": self.waits.commands, "keys": self.waits.keys}
        return {**plain, **repairs, "waits": waits, "drifts": [_told(drift) for drift in self.drifts]}


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
        publish: Annotated[
            bool, typer.Option("--publish", help="With --repair or --restore: publish the events of their keys that never went out.")
        ] = False,
        restore_: Annotated[
            bool, typer.Option("--restore", help="First put back every row that the tables lack; the service's workers must be stopped.")
        ] = False,
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
        await require_tables(backbone.store, request.service, context.settings(), writes=request.writes)
        service = context.composition.services[request.service]
        rebuilding = Rebuilding(service, shadow)
        standing = Standing(service.name, backbone.reader, backbone.store, shadow, restores=request.restore)
        rerun = Rerun(backbone.reader, request.service, shadow, rebuilding, standing)
        comparison = Comparison(service, backbone.store, backbone.clock, shadow, rerun)
        with _progress() as bar:
            reading = bar.add_task("records", total=None)
            await rerun.catch_up(lambda read, everything: bar.update(reading, completed=read, total=everything))
            restoring = Restoring(request.service, backbone.store, backbone.log, backbone.clock, shadow, rebuilding, standing)
            restored = await _restored(request, restoring, _task(bar, "rows restored")) if request.restore else Restored()
            drifts = await comparison.drifts(_task(bar, "rows compared", shadow.count()))
        repairs, refused = await _repaired(request, backbone, shadow, drifts)
        return Report(
            verdicts=dict(rebuilding.counts.most_common()),
            rows=shadow.count(),
            drifts=drifts,
            repaired=list(repairs),
            refused={**refused, **restored.refused},
            published=restored.published + sum(repair.published for repair in repairs.values()),
            restored=restored.rows,
            waits=rerun.waits,
        )


async def _repaired(
    request: Request, backbone: Backbone, shadow: Shadow, drifts: Sequence[Drift]
) -> tuple[Mapping[str, Repair], Mapping[str, str]]:
    """By key; one that cannot be repaired keeps no other from it."""
    repairing = Repairing(request.service, backbone.store, backbone.log, backbone.clock, shadow)
    done: dict[str, Repair] = {}
    refused: dict[str, str] = {}
    for drift in drifts:
        if request.names(drift.key):
            try:
                done[drift.key] = await repairing.repair(drift, getpass.getuser(), request.why, publish=request.publish)
            except NotRepaired as reason:
                refused[drift.key] = str(reason)
    return done, refused


async def _restored(request: Request, restoring: Restoring, advance: Callable[[int], None]) -> Restored:
    user = getpass.getuser()
    return await restoring.restore(user, request.why, publish=request.publish, accepted=request.names, advance=advance)


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
        "undecided": drift.stuck.why if drift.stuck else "",
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
    if report.waits.commands:
        console.print(f"waits: {_waiting(report.waits)}", highlight=False, soft_wrap=True)
    if request.restore:
        console.print(f"{report.restored} rows restored", highlight=False)
    if report.drifts:
        console.print(_drifted(report))
    for key, reason in report.refused.items():
        console.print(f"not repaired: {key}: {reason}", style="red", markup=False, highlight=False, soft_wrap=True)
    console.print(_summary(request, report), highlight=False, soft_wrap=True)


def _waiting(waits: Waits) -> str:
    many = f"{_many(waits.commands, 'command')} of {_many(waits.keys, 'key')}"
    return f"{many} not yet processed, behind the group's offset or parked; no drift, and nothing of them is written"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _drifted(report: Report) -> Table:
    # Names that people copy are never cut short.
    named = (Column("key", overflow="fold", no_wrap=True), Column("first position", overflow="fold", no_wrap=True))
    table = Table(*named, "state", "what differs", "told then", "right", box=None)
    for drift in report.drifts[:SHOWN]:
        what = "\n".join(f"{row.what} {row.ref.table} {' '.join(row.attributes)}".rstrip() for row in drift.rows)
        first = drift.differences[0] if drift.differences else None
        told, right = (first.told or "nothing", first.rebuilt) if first else ("-", "-")
        table.add_row(drift.key, drift.first, _state(drift, report), what, told, right)
    return table


def _state(drift: Drift, report: Report) -> str:
    if drift.key in report.repaired:
        return "repaired"
    return "held" if drift.held else "undecided" if drift.stuck else "differs"


def _summary(request: Request, report: Report) -> str:
    if not report.drifts:
        beside = f"; {_many(len(report.refused), 'key')} not put back: start no worker" if report.refused else ""
        return f"{report.rows} rows of {request.service} are what the log makes{beside}"
    left = len(report.drifts) - len(report.repaired)
    advice = "Repair a key by --repair KEY (with --publish for events that never went out), or do its command again by mindlinks replay."
    return f"{left} of {len(report.drifts)} keys still differ. {advice}" if left else "all of them are repaired"
