"""``mindlinks replay``."""

import getpass
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any
from uuid import uuid4

import typer

from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.runtime import roles_of
from workers.ops.composition import Backbone
from workers.ops.quarantined import Failures
from workers.ops.replay import report
from workers.ops.replay.checkpoint import Checkpoint, ReplayNotFound, State
from workers.ops.replay.operating import PATIENCE, Ended, Prepared, Replays
from workers.ops.replay.places import places_of
from workers.ops.replay.plan import RATE, Mode, PlanError, ReplayPlan, effects_of
from workers.ops.replay.running import Running
from workers.ops.replay.selection import SelectionError
from workers.ops.replay.wishes import Said, selection_of
from workers.ops.running import until_signalled
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context

DRY_RUN = "dry run"
WRONG_USE = (SelectionError, PlanError, ReplayNotFound)
Id = Annotated[str, typer.Argument(metavar="ID", help="As mindlinks replay list shows it.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds without a step of the consumer until nobody waits for its counts.")]
RUN_HELP = (
    "Count, show, ask, then send records to their consumer once more. Ctrl-C pauses. "
    'Examples: mindlinks replay run --service payment --since 2026-01-31T09:00Z --dry-run --why "deposits missing"; '
    "mindlinks replay run --topic mindlinks.payment.commands --partition 3 --offsets 100-200 --why INC-7 --yes; "
    "mindlinks replay run --fingerprint ValueError/mindlinks.payment.RequestDeposit.v1/request_deposit --mode redo --why INC-8"
)


def add(app: typer.Typer, context: Context) -> None:
    replay = typer.Typer(help="Hand records to their consumer once more, on purpose and on record.", no_args_is_help=True)
    app.add_typer(replay, name="replay")
    _add_run(replay, context)
    _add_control(replay, context)


def _add_run(replay: typer.Typer, context: Context) -> None:
    @replay.command(help=RUN_HELP)
    def run(
        why: Annotated[str, typer.Option(help="For the audit trail; a dry run needs none.")] = "",
        topic: Annotated[list[str] | None, typer.Option(help="mindlinks.<service>.commands or .events; repeatable.")] = None,
        service: Annotated[list[str] | None, typer.Option(help="Its commands, or events with --events; repeatable.")] = None,
        events: Annotated[bool, typer.Option("--events", help="Events instead of commands, of --service or of all.")] = False,
        partition: Annotated[int | None, typer.Option(min=0, help="Of the one --topic or --service.")] = None,
        offsets: Annotated[str, typer.Option(help="FIRST-LAST of --partition, both included; either may be left out.")] = "",
        since: Annotated[str, typer.Option(help="Appended at this time or later, ISO 8601.")] = "",
        until: Annotated[str, typer.Option(help="Appended before this time.")] = "",
        key: Annotated[list[str] | None, typer.Option(help="Record key; repeatable.")] = None,
        kind: Annotated[list[str] | None, typer.Option(help="RequestDeposit, or in full; repeatable.")] = None,
        correlation: Annotated[list[str] | None, typer.Option(help="Correlation id; repeatable.")] = None,
        fingerprint: Annotated[str, typer.Option(help="Records in quarantine as this, as mindlinks failures list shows it.")] = "",
        ids: Annotated[Path | None, typer.Option(help="A file of message ids, one a line.")] = None,
        mode: Annotated[Mode, typer.Option(help="ensure: what never took effect does. redo: all once more.")] = Mode.ENSURE,
        to: Annotated[str, typer.Option(help="One consumer alone, as SERVICE-ROLE.")] = "",
        effects: Annotated[str, typer.Option(help="Providers that may be called: none, only=NAME,..., all.")] = "none",
        rate: Annotated[float, typer.Option(min=0.1, help="Records a second.")] = RATE,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; writes nothing.")] = False,
        diffs: Annotated[int, typer.Option(min=0, help="Keys whose changes a dry run shows.")] = 5,
        wait: Wait = PATIENCE,
        yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
        as_json: Json = False,
    ) -> None:  # fmt: skip
        said = Said(
            topic or (), service or (), events, partition, offsets, since, until, key or (), kind or (), correlation or (), ids
        )  # fmt: skip

        async def work() -> None:
            async with _opened(context) as (replays, backbone):
                reason = why or (DRY_RUN if dry_run else "")
                plan = await _plan(context, backbone, said, fingerprint, mode, reason, effects, to, rate)
                prepared = await _counted(replays, plan)
                if dry_run:
                    await _rehearsed(replays, prepared, diffs, as_json)
                elif _confirmed(prepared, yes):
                    at = await replays.begin(prepared)
                    console.print(f"replay {plan.id}; Ctrl-C pauses it", highlight=False)
                    running = replays.running()
                    await _run_and_finish(replays, running, at, running.run, wait, as_json)

        _rightly(work())


def _add_control(replay: typer.Typer, context: Context) -> None:
    @replay.command(help="Go on with a replay that was paused, or whose process died. Example: mindlinks replay resume 1f0c...")
    def resume(replay_id: Id, wait: Wait = PATIENCE, as_json: Json = False) -> None:
        async def work() -> None:
            async with _opened(context) as (replays, _):
                running = replays.running()
                at = await replays.checkpoints.one(replay_id)
                await _run_and_finish(replays, running, at, lambda _, progress: replays.resume(replay_id, running, progress), wait, as_json)

        _rightly(work())

    @replay.command(help="Ask the process that runs it to pause. Example: mindlinks replay pause 1f0c...")
    def pause(replay_id: Id) -> None:
        async def work() -> None:
            async with _opened(context) as (replays, _):
                await replays.pause(replay_id)
                console.print(f"{replay_id} pauses within a second or two; resume goes on", highlight=False)

        _rightly(work())

    @replay.command(help="End a replay for good; what was sent stays sent. Example: mindlinks replay stop 1f0c...")
    def stop(replay_id: Id) -> None:
        async def work() -> None:
            async with _opened(context) as (replays, _):
                at = await replays.stop(replay_id)
                console.print(f"{replay_id} is stopped; {at.sent:,} of {at.records:,} records were sent", highlight=False)

        _rightly(work())

    @replay.command("list", help="All replays, the latest first. Example: mindlinks replay list --json")
    def list_(as_json: Json = False) -> None:
        async def work() -> None:
            async with _opened(context) as (replays, _):
                found = await replays.checkpoints.all()
                if as_json:
                    _write([{**each.to_item(), "_version": each.version} for each in found])
                else:
                    report.show_list(found)

        _rightly(work())

    @replay.command(help="One replay and what became of its records so far. Example: mindlinks replay show 1f0c... --json")
    def show(replay_id: Id, as_json: Json = False) -> None:
        async def work() -> None:
            async with _opened(context) as (replays, _):
                at = await replays.checkpoints.one(replay_id)
                ended = await replays.finish(at, within=0) if at.state is State.SENT else Ended(at, await replays.tally(at), at.state.over)
                _tell(ended, as_json)

        _rightly(work())


@asynccontextmanager
async def _opened(context: Context) -> AsyncIterator[tuple[Replays, Backbone]]:
    async with context.composition.open_backbone(context.settings()) as each:
        yield Replays(context.composition.services, each.log, each.reader, each.store, each.clock, SystemRandom()), each


async def _plan(
    context: Context, backbone: Backbone, said: Said, fingerprint: str, mode: Mode, why: str, effects: str, to: str, rate: float
) -> ReplayPlan:
    services = context.composition.services
    failures = Failures(backbone.store, OperationsSealer(Sealer(backbone.keys)))
    places = await places_of(backbone.store, failures, fingerprint) if fingerprint else None
    providers = frozenset(effect.provider for service in services.values() for effect in service.effects)
    groups = [f"{service.name}-{role.value}" for service in services.values() for role in roles_of(service)]
    if to and to not in groups:
        raise PlanError(f"there is no role {to}; roles are {', '.join(groups)}")
    selection = selection_of(said, services, places)
    return ReplayPlan(str(uuid4()), selection, mode, getpass.getuser(), why, effects_of(effects, providers), to, rate)


async def _counted(replays: Replays, plan: ReplayPlan) -> Prepared:
    with console.status("counting") as status:
        prepared = await replays.prepare(plan, lambda count: status.update(f"counting: {count:,} records"))
    report.show_census(plan, prepared.census)
    return prepared


async def _rehearsed(replays: Replays, prepared: Prepared, diffs: int, as_json: bool) -> None:
    with report.bar() as bar:
        task = bar.add_task("dry run", total=prepared.census.records)
        rehearsal = await replays.rehearse(prepared, lambda count: bar.update(task, completed=count))
    if as_json:
        changes = {key: [asdict(row) for row in rows] for key, rows in rehearsal.differences()}
        census = prepared.census.told(prepared.plan.rate)
        _write({"dryRun": True, "selected": census, **rehearsal.found.told(), "changes": changes})
    else:
        console.print("dry run: nothing was written", highlight=False)
        report.show_prediction(rehearsal.found)
        report.show_differences(rehearsal.differences(), diffs)


def _confirmed(prepared: Prepared, yes: bool) -> bool:
    if not prepared.census.records:
        raise PlanError("nothing is selected, so there is nothing to replay")
    return yes or typer.confirm(f"send {prepared.census.records:,} records?", err=True)


async def _run_and_finish(replays: Replays, running: Running, at: Checkpoint, run: Any, wait: float, as_json: bool) -> None:
    """``run``: of a checkpoint and a progress; a first signal pauses it."""
    with report.bar() as bar:
        task = bar.add_task("sent", total=at.records, completed=at.sent)

        async def sending() -> None:
            nonlocal at
            at = await run(at, lambda each: bar.update(task, completed=each.sent + sum(each.passed.values())))

        await until_signalled(sending(), running.pause)
        bar.update(task, completed=at.sent + sum(at.passed.values()))
        ended = await _finished(replays, at, bar, wait)
    _tell(ended, as_json)


async def _finished(replays: Replays, at: Checkpoint, bar: Any, wait: float) -> Ended:
    task = bar.add_task("judged", total=None)
    most = 0

    def told(left: int) -> None:
        nonlocal most
        most = max(most, left)
        bar.update(task, total=most or 1, completed=most - left if most else 1)

    return await replays.finish(at, told, wait)


def _tell(ended: Ended, as_json: bool) -> None:
    if as_json:
        _write(report.told_ended(ended))
    else:
        report.show_ended(ended)


def _rightly(work: Any) -> None:
    """What was said wrongly is wrong use, exit code 2."""

    async def told() -> str | None:
        try:
            await work
        except WRONG_USE as error:
            return str(error)
        return None

    if wrong := run_async(told(), "WARNING"):
        raise typer.BadParameter(wrong)


def _write(document: Any) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
