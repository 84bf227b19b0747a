"""``mindlinks doctor`` without a subcommand: every check there is."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from workers.adapters.dynamodb_date import server_date
from workers.adapters.kafka_admin import KafkaAdmin
from workers.ops import declared
from workers.ops.composition import Backbone
from workers.ops.doctor import clocks, declarations, groups, outcomes, waiting
from workers.ops.doctor.examining import LIMIT, Check, Health, examine
from workers.ops.doctor.system import Depth, System
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context
from workers.settings import EMBEDDED, Settings

CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "groups": groups.members,
        "lag": groups.lag,
        "offsets": groups.offsets,
        "moved": groups.moved,
        "parked": waiting.parked,
        "quarantine": waiting.quarantined,
        "effects": waiting.effects,
        "timers": waiting.timers,
        "outcomes": outcomes.outcomes,
        "topics": declarations.topics,
        "tables": declarations.tables,
        "books": declarations.books,
        "clocks": clocks.clocks,
    }
)
HELP: Final = (
    "Find what is wrong; exit code 0 if nothing is, 1 if anything is or could not be looked at. Without a subcommand every check: "
    f"{', '.join(CHECKS)}. Reads only, beside running workers. Says what it leaves out without --deep, which changes no exit code. "
    "Examples: mindlinks doctor; mindlinks doctor --deep --json; mindlinks doctor --only lag --only parked"
)
SAMPLE: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Declared:
    settings: Settings

    async def topics(self) -> list[Any]:
        return list(await declared.diff_topics(self.settings))

    async def tables(self) -> list[Any]:
        return await declared.diff_tables(self.settings)


def whole(context: Context) -> Callable[..., None]:
    """What ``doctor`` does when no subcommand is named."""

    def doctor(
        ctx: typer.Context,
        only: Annotated[list[str] | None, typer.Option(help="One check alone; repeatable.")] = None,
        deep: Annotated[bool, typer.Option("--deep", help="Read whole tables where only that finds everything.")] = False,
        sample: Annotated[int, typer.Option(min=1, help="Rows a table, where --deep would read all.")] = SAMPLE,
        late: Annotated[float, typer.Option(min=1, help="Seconds that records, timers and outcomes may wait.")] = 60.0,
        limit: Annotated[float, typer.Option(min=1, help="Seconds for each check.")] = LIMIT,
        as_json: Json = False,
    ) -> None:
        if ctx.invoked_subcommand:
            return
        settings = context.settings()
        checks = _wanted(only or [])
        if settings.kafka == EMBEDDED:
            raise typer.BadParameter("the embedded stack lives within its process: ask that one's /health/ready")
        depth = Depth(None if deep else sample, late)
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as bar:
            left = dict.fromkeys(checks)
            task = bar.add_task("")

            def done(name: str | None = None) -> None:
                left.pop(name or "", None)
                bar.update(task, description=f"looking at {', '.join(left)}")

            done()
            health: Health = run_async(_examined(context, settings, checks, depth, limit, done), "CRITICAL")
        if as_json:
            sys.stdout.write(json.dumps(health.told()) + "\n")
        else:
            show(health)
        if not health.healthy:
            raise typer.Exit(1)

    return doctor


def _wanted(only: list[str]) -> Mapping[str, Check]:
    if unknown := [name for name in only if name not in CHECKS]:
        raise typer.BadParameter(f"there is no check {unknown[0]}; checks are {', '.join(CHECKS)}")
    return {name: check for name, check in CHECKS.items() if not only or name in only}


async def _examined(
    context: Context, settings: Settings, checks: Mapping[str, Check], depth: Depth, limit: float, on_done: Callable[[str], None]
) -> Health:
    async with context.composition.open_backbone(settings) as backbone:
        return await examine(system_of(context, settings, backbone, depth), checks, limit, on_done)


def system_of(context: Context, settings: Settings, backbone: Backbone, depth: Depth) -> System:
    return System(
        services=context.composition.services,
        store=backbone.store,
        reader=backbone.reader,
        groups=KafkaAdmin(settings.kafka),
        clock=backbone.clock,
        declared=_Declared(settings),
        store_date=partial(server_date, settings.dynamodb, settings.region),
        depth=depth,
    )


def show(health: Health) -> None:
    """What was looked at, then each finding: what, what it means, what to do; and what nobody looked at."""
    table = Table("check", "", "looked at", box=None)
    for check in health.checks:
        table.add_row(check.check, f"[red]{len(check.findings)}[/]" if check.findings else "[green]well[/]", check.looked_at)
    console.print(table, highlight=False)
    for finding in health.findings:
        console.print()
        console.print(f"{finding.kind}: {finding.about}", style="bold red", markup=False, highlight=False)
        for line in (finding.what, finding.means, f"-> {finding.do}"):
            console.print(f"   {line}", markup=False, highlight=False, soft_wrap=True)
    for name, left in health.left_out:
        console.print()
        console.print(f"left out by {name}: {left.what}", style="bold yellow", markup=False, highlight=False, soft_wrap=True)
        for line in (left.why, f"-> {left.do}"):
            console.print(f"   {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"\n{_verdict(health)}", style="green" if health.healthy else "red", highlight=False)


def _verdict(health: Health) -> str:
    if not health.healthy:
        return f"not healthy: {len(health.findings)} to look at"
    return "healthy, but for what was left out" if health.left_out else "healthy"
